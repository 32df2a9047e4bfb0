"""Clusters and adjacency against mne, scikit-learn and slow loops written here."""

import itertools
import os
import pathlib

import mne
import numpy as np
import pytest
import xarray as xr
from scipy import sparse
from sklearn.feature_extraction.image import grid_to_graph

import neurolab as nl
from neurolab.analysis import ClusterMass, Nearest, Tfce, Within, clusters, neighbours
from neurolab.analysis.clump_forming import Clumps, form, t_of
from neurolab.analysis.mapped import mapped
from neurolab.brain import from_epochs

SITES = [
    {"name": "conv1", "dims": ["channel", "row", "col"], "shape": [2, 3, 4]},
    {"name": "conv2", "dims": ["channel", "row", "col"], "shape": [1, 2, 2]},
]


def conv(values):
    columns = {"stimulus_id": [f"s{at}" for at in range(len(values))],
               "condition": ["face", "house"] * (len(values) // 2)}  # fmt: skip
    units = {"site": np.repeat([0, 1], [24, 4]), "unit": np.r_[np.arange(24), np.arange(4)]}
    return nl.make_recording(values, presentation=columns, neuroid=units, sites=SITES, kind="ann")


def grid_of(n=6, seed=0, shape=(3, 4), shift=0.0):
    values = np.random.default_rng(seed).normal(size=(n, *shape))
    values[:, 1:, 1:3] += shift
    return xr.DataArray(values, dims=("specimen", "layer", "time"))


def without_loops(matrix):
    dense = (matrix.toarray() != 0).astype(float)
    np.fill_diagonal(dense, 0)
    return dense


# ------------------------------------------------------------------------------------------------ adjacency


def test_neighbours__of_layer_and_time_are_those_of_mne():
    wanted = without_loops(mne.stats.combine_adjacency(3, 4))
    np.testing.assert_array_equal(neighbours(grid_of()).toarray(), wanted)


def test_neighbours__of_a_conv_grid_are_those_of_scikit_learn_and_channels_are_apart():
    found = neighbours(conv(np.zeros((4, 28)))).toarray()
    blocks = [without_loops(grid_to_graph(3, 4))] * 2 + [without_loops(grid_to_graph(2, 2))]
    np.testing.assert_array_equal(found, sparse.block_diag(blocks).toarray())


def test_neighbours__of_some_units_in_any_order_are_the_same_links():
    whole, some = conv(np.zeros((4, 28))), np.random.default_rng(1).permutation(28)[:19]
    np.testing.assert_array_equal(
        neighbours(whole.isel(neuroid=some)).toarray(), neighbours(whole).toarray()[np.ix_(some, some)]
    )


def test_neighbours__with_time_are_those_of_mne():
    still = conv(np.zeros((4, 28)))
    moving = xr.concat([still] * 3, "time").transpose("presentation", "neuroid", "time").assign_coords(time=[0, 1, 2])
    moving.attrs = still.attrs
    wanted = without_loops(mne.stats.combine_adjacency(neighbours(still) + sparse.eye_array(28), 3))
    np.testing.assert_array_equal(neighbours(moving).toarray(), wanted)


def test_neighbours__of_a_sheet_by_distance_is_its_lattice():
    row, col = (axis.ravel() for axis in np.mgrid[:3, :4])
    sheet = xr.DataArray(np.zeros((2, 12)), dims=("specimen", "neuroid"),
                         coords={"x": ("neuroid", 0.5 * col), "y": ("neuroid", 0.5 * row)})  # fmt: skip
    lattice = without_loops(grid_to_graph(3, 4))
    np.testing.assert_array_equal(neighbours(sheet, how=Within(0.5)).toarray(), lattice)
    near = neighbours(sheet, how=Nearest(2)).toarray()
    assert (near == near.T).all()
    assert near.sum(axis=1).min() >= 2
    at = sheet.assign_coords(row=("neuroid", row), col=("neuroid", col))
    np.testing.assert_array_equal(neighbours(at).toarray(), lattice)


def test_neighbours__of_a_residual_stream_are_the_same_unit_one_site_on():
    units = {"site": np.repeat(["a", "b", "c"], 4), "unit": np.tile(np.arange(4), 3)}
    stream = nl.make_recording(np.zeros((2, 12)), presentation={"stimulus_id": ["s", "t"], "condition": ["x", "y"]},
                               neuroid=units, kind="ann")  # fmt: skip
    wanted = without_loops(mne.stats.combine_adjacency(3, sparse.coo_array((4, 4))))
    np.testing.assert_array_equal(neighbours(stream, how="same_unit").toarray(), wanted)


# --------------------------------------------------------------------------- a slow loop, written from the definition


def walk(graph, mask):
    """The connected parts of a mask, by depth-first search."""
    left, parts = set(np.flatnonzero(mask)), []
    while left:
        part, todo = set(), [left.pop()]
        while todo:
            at = todo.pop()
            part.add(at)
            near = {int(other) for other in np.flatnonzero(graph[at])} & left
            left -= near
            todo += near
        parts.append(sorted(part))
    return parts


def masses(t, graph, height, two_sided, power=1.0):
    parts = walk(graph, t > height) + (walk(graph, t < -height) if two_sided else [])
    return {tuple(part): float((np.abs(t[part]) ** power).sum()) for part in parts}


def tfce(t, graph, step, two_sided):
    """Left sums over heights of extent^.5 height^2, as mne has them."""
    score = np.zeros(len(t))
    stop = max(t.max(), -t.min()) if two_sided else t.max()
    for height in np.arange(0, stop, step)[1:]:
        for part in masses(t, graph, height, two_sided):
            score[list(part)] += len(part) ** 0.5 * height**2 * step
    return score


def slow(rows, statistic):
    """The largest statistic of every sign pattern."""
    return [max(statistic(t_of(rows * np.array(signs)[:, None], None)), default=0.0)
            for signs in itertools.product((1.0, -1.0), repeat=len(rows))]  # fmt: skip


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("power", [1.0, 0.0])
def test_clusters__of_all_sign_flips_are_those_of_a_slow_loop(alternative, power):
    data = grid_of(shift=1.0 if alternative != "less" else -1.0)
    found = clusters(data, by=ClusterMass(0.1, power=power), alternative=alternative, rng=0)
    side = -1.0 if alternative == "less" else 1.0
    rows, graph = side * data.values.reshape(6, -1), neighbours(data).toarray()
    two_sided, height = alternative == "two-sided", found.attrs["threshold"]
    wanted = masses(t_of(rows, None), graph, height, two_sided, power)
    null = np.array(slow(rows, lambda t: masses(t, graph, height, two_sided, power).values()))
    assert found.sizes["cluster"] == len(wanted) > 0
    for k in range(1, len(wanted) + 1):
        members = tuple(np.flatnonzero(found["label"].values.ravel() == k))
        mass = wanted[members]
        assert float(found["mass"][k - 1]) == pytest.approx(mass, rel=1e-9)
        assert float(found["p"][k - 1]) == pytest.approx((null >= mass * (1 - 1e-9)).mean(), abs=1e-12)
    assert float(found["p"].min()) >= float(found["p_floor"]) == (1 + two_sided) / 64


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
def test_tfce__of_all_sign_flips_is_that_of_a_slow_loop(alternative):
    data = grid_of(n=5, shift=1.5, shape=(2, 3))
    found = clusters(data, by=Tfce(step=0.5), alternative=alternative, alpha=0.1, rng=0)
    rows, graph, two_sided = data.values.reshape(5, -1), neighbours(data).toarray(), alternative == "two-sided"
    t = t_of(rows, None)
    score = tfce(t, graph, 0.5, two_sided)
    np.testing.assert_allclose(found["score"].values.ravel(), score * np.sign(t), rtol=1e-9)
    null = np.array(slow(rows, lambda t: tfce(t, graph, 0.5, two_sided)))
    wanted = [(null >= one * (1 - 1e-9)).mean() for one in score]
    np.testing.assert_allclose(found["place_p"].values.ravel(), wanted, atol=1e-12)
    parts = walk(graph, np.array(wanted) <= 0.1)
    assert sorted(map(len, parts)) == sorted(found["extent"].values)


def test_tfce__of_a_known_line_approaches_its_integral():
    # statistics.md V20: analytic [0, .666667, 4.708124, 11.041454, 4.708124, 0, 1.125], mne at step .01 just below
    t = np.array([0, 1, 2, 3, 2, 0, 1.5])
    line = neighbours(xr.DataArray(np.zeros((2, 7)), dims=("specimen", "time"))).toarray()
    np.testing.assert_allclose(
        tfce(t, line, 0.01, False), [0, 0.6567, 4.6722, 10.98055, 4.6722, 0, 1.11378], atol=1e-4
    )


def test_clusters__of_all_sign_flips_are_those_of_mne():
    data = grid_of(n=7, seed=3, shift=0.8)
    found = clusters(data, by=ClusterMass(0.05), rng=0)
    links = sparse.coo_array(neighbours(data))
    _, members, p, _ = mne.stats.permutation_cluster_1samp_test(
        data.values.reshape(7, -1), threshold=found.attrs["threshold"], n_permutations=64, adjacency=links, rng=0
    )
    ours = {tuple(np.flatnonzero(found["label"].values.ravel() == k)): float(found["p"][k - 1])
            for k in found["cluster"].values}  # fmt: skip
    assert ours == pytest.approx({tuple(np.sort(part[0])): value for part, value in zip(members, p)})


def test_clusters__without_neighbours_are_the_largest_statistic():
    from neurolab.stats.permutation import max_t

    data = grid_of(n=6, seed=4, shift=1.0)
    found = clusters(data, by=ClusterMass(0.49), adjacency=sparse.csr_array((12, 12)), alternative="greater", rng=0)
    wanted = max_t(data.values.reshape(6, -1), alternative="greater", n_permutations=64).p
    inside = found["label"].values.ravel() > 0
    np.testing.assert_allclose(found["place_p"].values.ravel()[inside], wanted[inside])
    assert (found["extent"] == 1).all()


def test_clusters__of_two_groups_are_those_of_mne():
    values = np.random.default_rng(5).normal(size=(12, 28))
    values[::2, [0, 1, 4, 5]] += 2.0
    recording = conv(values)
    found = clusters(recording, "face > house", by=ClusterMass(0.05), n_permutations=200, rng=0)
    rows = mapped(recording, "face > house")
    t, members, p, null = mne.stats.permutation_cluster_test(
        [values[::2], values[1::2]], threshold=found.attrs["threshold"], n_permutations=201, tail=0, buffer_size=None,
        stat_fun=t_of, adjacency=sparse.coo_array(neighbours(recording)), rng=np.random.default_rng(9),
    )  # fmt: skip
    np.testing.assert_allclose(found["statistic"].values, t)
    again = form(rows, neighbours(recording), ClusterMass(0.05), alternative="two-sided", alpha=0.05, m=200,
                 rng=np.random.default_rng(9))  # fmt: skip
    assert isinstance(again, Clumps)
    np.testing.assert_allclose(np.sort(again.null), np.sort(null))
    assert sorted(again.p) == pytest.approx(sorted(p))
    ours = {tuple(np.flatnonzero(again.label == k)) for k in range(1, len(p) + 1)}
    assert ours == {tuple(part[0]) for part in members}
    assert float(found["p"][0]) == pytest.approx(float(again.p[0]), abs=0.02)
    np.testing.assert_allclose(found["statistic"].values, nl.localise(recording, "face > house")["statistic"].values)


def test_effects__are_t_intervals_of_the_mean_of_the_places():
    import scipy.stats

    data = grid_of(n=9, seed=2, shift=1.5)
    found = clusters(data, by=ClusterMass(0.05), n_permutations=99, rng=0)
    inside = data.values.reshape(9, -1)[:, found["label"].values.ravel() == 1].mean(axis=1)
    np.testing.assert_allclose(found["value"].values[:, 0], inside)
    wanted = scipy.stats.ttest_1samp(inside, 0).confidence_interval(0.95)
    np.testing.assert_allclose([float(found["low"][0]), float(found["high"][0])], wanted)
    assert "descriptive" in found.attrs["effect_on"]


def test_pairs_and_conditions__are_differences_against_zero():
    values = np.random.default_rng(6).normal(size=(12, 28))
    recording = conv(values).assign_coords(pair=("presentation", np.repeat(list("bcadfe"), 2)))
    found = clusters(recording, "face > house", pair="pair", by=ClusterMass(0.2), rng=0)
    gaps = xr.DataArray(values[::2] - values[1::2], dims=("stimulus", "neuroid"))
    links = neighbours(recording)
    plain = clusters(gaps, by=ClusterMass(0.2), adjacency=links, rng=0)
    both = xr.DataArray(np.stack([values[::2], values[1::2]], 1), dims=("subject", "condition", "neuroid"),
                        coords={"condition": ["face", "house"]})  # fmt: skip
    within = clusters(both, "face > house", by=ClusterMass(0.2), adjacency=links, rng=0)
    for other in (plain, within):
        np.testing.assert_allclose(found["p"].values, other["p"].values)
        np.testing.assert_allclose(found["statistic"].values, other["statistic"].values)
    assert within.attrs["generalises_over"] == "subject"


@pytest.mark.data
def test_clusters__of_a_persons_eeg_are_those_of_mne():
    folder = pathlib.Path(os.environ["NEUROLAB_DATA"]) / "eeg-attention"
    if not folder.is_dir():
        pytest.skip("NEUROLAB_DATA has no eeg-attention")
    raw = mne.io.read_raw_eeglab(folder / "eeglab_data.set", preload=True, verbose="error")
    raw.filter(0.5, 20, verbose="error")
    events, code = mne.events_from_annotations(raw, verbose="error")
    epochs = mne.Epochs(raw, events, {"square": code["square"], "rt": code["rt"]}, tmin=-0.2, tmax=0.6, decim=8,
                        baseline=(None, 0), preload=True, verbose="error")  # fmt: skip
    recording = from_epochs(epochs, specimen="one")
    links = np.abs(np.subtract.outer(np.arange(32), np.arange(32))) == 1  # any graph will do for parity
    found = clusters(recording, "square > rt", by=ClusterMass(0.001), adjacency={"neuroid": links}, n_permutations=99,
                     rng=0)  # fmt: skip
    sides = [epochs[name].get_data(copy=True).transpose(0, 2, 1) for name in ("square", "rt")]
    t, members, p, _ = mne.stats.spatio_temporal_cluster_test(
        sides, threshold=found.attrs["threshold"], n_permutations=100, tail=0, buffer_size=None, out_type="mask",
        stat_fun=lambda *x: t_of(*x), adjacency=sparse.coo_array(links), rng=0, verbose="error",
    )  # fmt: skip
    np.testing.assert_allclose(found["statistic"].values.T, t, rtol=1e-9)
    assert found.sizes["cluster"] == len(members) > 0
    ours = {frozenset(np.flatnonzero(found["label"].values.T.ravel() == k)) for k in found["cluster"].values}
    assert ours == {frozenset(np.flatnonzero(mask.ravel())) for mask in members}
    strongest = min(p)
    assert float(found["p"].min()) == pytest.approx(strongest, abs=0.05)
    assert strongest == 0.01
