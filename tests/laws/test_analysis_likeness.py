"""Laws of likeness: what may not change it does not, and what must show shows."""

import numpy as np
import pytest
import xarray as xr

import neurolab as nl
from neurolab import plots
from neurolab.plots.twins import alt_text, legend_text
from neurolab.rdms import make_rdms, with_stimuli
from neurolab.recording import make_recording

N = 24



def rdms_of(values, names=None, kind="brain"):
    condensed = [1 - np.corrcoef(one)[np.triu_indices(N, 1)] for one in values]
    return make_rdms(condensed, stimuli=[f"s{k:02d}" for k in range(N)], rdm=names, kind=kind)


@pytest.fixture(scope="module")
def scene():
    """Five people, a good layer, a bad one, and noisy copies of both."""
    stream = np.random.default_rng(0)
    x = stream.normal(size=(N, 12))
    people = rdms_of([x + stream.normal(size=x.shape) for _ in range(5)])
    layers = [x + stream.normal(size=x.shape), stream.normal(size=x.shape)]
    one = rdms_of(layers, ["good", "bad"], "ann")
    others = [rdms_of([x + 3 * stream.normal(size=x.shape), layers[1]], ["good", "bad"], "ann") for _ in range(39)]
    return one, others, people


def same(a, b, tolerance=1e-12):
    for name in a.data_vars:
        np.testing.assert_allclose(a[name].values, b[name].values, rtol=0, atol=tolerance, err_msg=name)


def test_order_of_stimuli_and_scale_of_distances__do_not_matter(scene):
    one, _, people = scene
    turned = [f"s{k:02d}" for k in np.random.default_rng(1).permutation(N)]
    same(nl.analysis.compare(one, people), nl.analysis.compare(with_stimuli(one, turned), people))
    same(nl.analysis.compare(one, people), nl.analysis.compare(3 * one + 1, people))
    kept = nl.analysis.compare(one, people)
    back = nl.analysis.compare(with_stimuli(one, turned), with_stimuli(people, turned))
    same(kept, back, 1e-9)
    swapped = nl.analysis.compare(one, people[::-1])
    for name in ("effect", "p", "gap", "ceiling_low"):
        np.testing.assert_allclose(kept[name], swapped[name], rtol=0, atol=1e-12)


def test_good_layer_is_found_and_the_bad_one_is_not(scene):
    one, _, people = scene
    found = nl.analysis.compare(one, people)
    assert found["q"].values[0] < 0.01 < 0.05 < found["q"].values[1]
    assert found["effect"].values[0] > found["low"].values[0] > 0
    assert float(found["people_p_floor"]) == 2 / 2**5
    assert found["gap"].values[1] < found["gap_high"].values[1] < 0  # the bad layer lies below the ceiling
    assert found.attrs["generalises_over"] == "subject"
    assert found.attrs["also_over"] == "stimulus"


def test_one_brain__has_no_ceiling_and_speaks_for_stimuli_alone(scene):
    one, others, people = scene
    found = nl.analysis.compare(one, people[:1])
    assert found.attrs["generalises_over"] == "stimulus"
    assert found.attrs["n"] == N
    assert np.isnan(found["gap"]).all()
    assert np.isnan(found["people_p"]).all()
    assert "not to other brains" in found.attrs["note"]
    assert np.isnan(nl.analysis.compare_models(one, others, people[:1])["ceiling_low"])
    plots.plot_likeness(found)
    assert "Noise ceiling" not in alt_text(found, plots.plot_likeness)


def test_one_among_others__by_hand(scene):
    one, others, people = scene
    found = nl.analysis.compare_models(one, others, people, intact=one, names=("cut", "spared"))
    mine = nl.analysis.compare(one, people)["effect"].values
    theirs = np.array([nl.analysis.compare(other, people)["effect"].values for other in others])
    np.testing.assert_allclose(found["effect"], mine - theirs.mean(axis=0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["other"].values.T, theirs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["intact"], mine, rtol=0, atol=1e-12)
    above = (theirs >= mine - 1e-12).sum(axis=0)
    below = (theirs <= mine + 1e-12).sum(axis=0)
    np.testing.assert_allclose(found["rank_p"], np.minimum(1, 2 * (1 + np.minimum(above, below)) / 40))
    assert found["rank_p"].values.tolist() == [0.05, 1.0]
    assert float(found["p"][0]) < 0.05
    assert (float(found["effect"][1]), float(found["p"][1])) == (0.0, 1.0)  # what no draw changes
    assert float(found["low"][1]) == float(found["high"][1]) == 0
    assert "cut" in found.attrs["estimand"]
    assert "spared" in alt_text(found, plots.plot_likeness_change)


def test_recordings_and_their_rdms__are_one():
    stream = np.random.default_rng(2)
    presentation = {"stimulus_id": [f"s{k:02d}" for k in range(N)], "condition": ["c"] * N}
    neuroid = {"site": np.repeat(["early", "late"], 6), "unit": np.tile(np.arange(6), 2)}
    seen = make_recording(stream.normal(size=(N, 12)), presentation=presentation, neuroid=neuroid, kind="ann")
    people = rdms_of(stream.normal(size=(3, N, 9)))
    by_site = nl.analysis.compare({"net": seen}, people, by="site")
    assert by_site["model"].values.tolist() == ["net early", "net late"]
    same(by_site, nl.analysis.compare(nl.analysis.dissimilarities(seen, by="site"), people))
    assert nl.analysis.compare(seen, people)["model"].values.tolist() == ["all"]
    marked = seen.assign_coords(valid=("neuroid", np.arange(12) < 6))
    np.testing.assert_array_equal(
        nl.analysis.dissimilarities(marked).values, nl.analysis.dissimilarities(seen.isel(neuroid=slice(6))).values
    )
    with pytest.raises(nl.errors.DataError, match="average_repetitions"):
        nl.analysis.dissimilarities(xr.concat([seen, seen], "presentation"))
    with pytest.raises(nl.errors.UnknownNameError, match="by='sites'"):
        nl.analysis.dissimilarities(seen, by="sites")


def test_figures__draw_every_model_person_and_the_ceiling(every_result):
    result = every_result["plot_likeness"]
    ax = plots.plot_likeness(result)
    bars = [patch for patch in ax.patches if patch.get_width() < 1 and patch.get_height() != 0]
    assert sorted(round(bar.get_height(), 9) for bar in bars) == sorted(result["effect"].values.round(9).tolist())
    band = [p for p in ax.patches if p.get_width() == 1 and p.get_y() == float(result["ceiling_low"])]
    assert len(band) == 1
    assert band[0].get_height() == pytest.approx(float(result["ceiling_high"] - result["ceiling_low"]))
    dots = np.concatenate([c.get_offsets()[:, 1] for c in ax.collections if len(c.get_offsets())])
    assert np.isin(result["score"].values.round(9), dots.round(9)).all()
    assert "5 subjects" in legend_text(result, plots.plot_likeness)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["deep", "flat"]
    change = every_result["plot_likeness_change"]
    drawn = plots.plot_likeness_change(change)
    dots = np.concatenate([c.get_offsets()[:, 1] for c in drawn.collections])
    assert np.isin(change["other"].values.ravel().round(9), dots.round(9)).all()


def test_methods__say_what_was_compared_and_the_ceiling(every_result):
    said = nl.methods_text(every_result["plot_likeness"])
    for part in ("4 models", "20 stimuli", "people and over stimuli at once", "noise ceiling", "Nili et al. 2014"):
        assert part in said
    change = nl.methods_text(every_result["plot_likeness_change"])
    assert "3 draws of the others" in change


def test_a_difference_as_a_share_of_the_intact_likeness(scene):
    """The share's null is that of the difference; its ends are where the test is just not significant, by bisection."""
    from neurolab.stats.rsa import influences, rsa_test

    one, others, people = scene
    intact = rdms_of([np.random.default_rng(7).normal(size=(N, 12)), *[np.random.default_rng(8).normal(size=(N, 3))]],
                     ["good", "bad"], "ann")  # fmt: skip
    found = nl.analysis.compare_models(one, others[:3], people, intact=one)
    np.testing.assert_allclose(found["share"][0], found["effect"][0] / found["intact"][0], rtol=1e-12)
    assert found["share_p"][0] == found["p"][0]  # the intact likeness is told apart from 0 more surely
    own = influences(np.stack([one.values[0], *(other.values[0] for other in others[:3])]), people.values)
    apart, pull = ((x[0] - x[1:]).mean(axis=0) for x in (own.score, own.influence))
    for end, side in (("share_low", -1), ("share_high", 1)):
        near, far = float(found["share"][0]), float(found["share"][0]) + side * 100
        for _ in range(60):
            middle = (near + far) / 2
            inside = rsa_test(apart - middle * own.score[0], pull - middle * own.influence[0]).p > 0.05
            near, far = (middle, far) if inside else (near, middle)
        np.testing.assert_allclose(found[end][0], near, rtol=0, atol=1e-8)
    assert (found["share_low"][1], found["share_high"][1]) == (-np.inf, np.inf)  # a layer that is like nobody
    unlike = nl.analysis.compare_models(one, others[:3], people, intact=intact)
    assert np.isinf(unlike["share_low"][0])  # no share of what may be nothing is known
    assert np.isnan(nl.analysis.compare_models(one, others[:3], people)["share"]).all()
    claim = nl.analysis.claim("Cutting it costs nothing.", found.sel(model="good"), expects="none", within=0.1,
                              test="share_p")  # fmt: skip
    shares = ("share", "share_low")
    assert [float(claim[name][0]) for name in ("effect", "low")] == [float(found[name][0]) for name in shares]


def test_a_share_of_what_may_be_nothing_is_not_shown():
    """The intact network is like nobody: what a lesion changes is shown, what share of the likeness that is never."""
    shown = 0
    for seed in range(12):
        stream = np.random.default_rng(seed)
        x = stream.normal(size=(N, 12))
        one, intact = (rdms_of([stream.normal(size=x.shape)], ["a"], "ann") for _ in range(2))
        others = [rdms_of([x + stream.normal(size=x.shape)], ["a"], "ann") for _ in range(3)]
        found = nl.analysis.compare_models(one, others, rdms_of([x], ["eva"]), intact=intact).sel(model="a")
        base = float(nl.analysis.compare(intact, rdms_of([x], ["eva"]))["p"][0])
        assert float(found["share_p"]) == max(base, float(found["p"]))
        side = "more" if found["share"] > 0 else "less"
        claim = nl.analysis.claim("The lesion moves a share.", found, expects=side, test="share_p")
        if np.isinf(found["share_low"]):
            shown += float(found["p"]) <= 0.05
            assert claim.attrs["verdict"] == "not shown"
            assert "no end on either side" in claim.attrs["reasons"]
    assert shown > 6


def test_a_difference_that_is_none_is_no_share():
    stream = np.random.default_rng(0)
    x = stream.normal(size=(N, 12))
    people, one = rdms_of([x + stream.normal(size=x.shape) for _ in range(5)]), rdms_of([x], ["a"], "ann")
    found = nl.analysis.compare_models(one, [one, one], people, intact=one)
    assert [abs(float(found[name][0])) for name in ("share", "share_low", "share_high")] == [0, 0, 0]


def test_one_model_is_spoken_of_as_one(scene):
    one, _, people = scene
    found = nl.analysis.compare(one.isel(rdm=[0]), people)
    assert nl.methods_text(found).startswith("The model and the brain were compared")
    assert "The likeness is" in nl.methods_text(found)
    assert found.attrs["reasons"].startswith('["Likeness, ')
    both = nl.analysis.compare(one, people)
    assert "Each of 2 models" in nl.methods_text(both)
    assert "Highest of 2 models: good" in both.attrs["reasons"]


@pytest.mark.parametrize(("kind", "what", "many"), [("brain", "brain", "people"), ("ann", "network", "networks")])
def test_networks_in_a_brain_s_place_are_called_networks(scene, kind, what, many):
    """In result, figure, alt text and methods, with several of them and with one."""
    one, others, people = scene
    several = people.assign_attrs(kind=kind)
    for b in (several, several[:1]):
        for found, draw in (
            (nl.analysis.compare(one, b), plots.plot_likeness),
            (nl.analysis.compare_models(one, others, b), plots.plot_likeness_change),
        ):
            assert f"such a {what}" in found.attrs["estimand"]
            assert f"likeness to a {what} " in draw(found).get_title(loc="left")
            assert f"to a {what}" in alt_text(found, draw)
            assert f"and the {what} were compared" in nl.methods_text(found)
            assert (f"mean over {many}," in found.attrs["test"]) == (len(b) > 1)
            person = {"brain": "person"}.get(what, what)
            for said in (f"{many} and over stimuli at once", f"by stimulus and by {person} "):
                assert (said in nl.methods_text(found)) == (len(b) > 1)
    assert f"not to other {what}s" in found.attrs["note"]


@pytest.mark.parametrize(("q", "raised", "n_stars"), [(0.05, 0.0, 1), (0.05, 1.0, 1), (0.0500001, 0.0, 0)])
def test_likeness__stars_stand_at_the_level_itself_and_above_everything(every_result, q, raised, n_stars):
    result = every_result["plot_likeness"].copy(deep=True)
    result["q"][:] = 0.2
    result["q"][0] = q
    result["score"][0] += raised
    ax = plots.plot_likeness(result)
    stars = [text for text in ax.texts if text.get_text() == "*"]
    assert len(stars) == n_stars
    for x, y in (star.get_position() for star in stars):
        assert y == pytest.approx(max(float(result["high"][0]), float(result["score"][0].max())))
        bar = next(one for one in ax.patches if one.get_height() == pytest.approx(float(result["effect"][0])))
        assert bar.get_x() < x < bar.get_x() + bar.get_width()
