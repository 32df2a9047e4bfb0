"""Two models by their best layers: at the edge of the null, against a slow loop, and where one is better."""

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurolab.analysis import best_layers
from neurolab.analysis.two_models import _signs, _tested
from neurolab.errors import DataError, DesignError, ReplicationUnitError, SchemaError
from neurolab.report import methods_text
from neurolab.simulate import phantom_trials

N = 200


def scores(seed, layers, *, n=20, good=(), gain=0.0, shared=0.7):
    """Two models on the same stimuli, all layers equally good but for ``good`` ones of the first."""
    draw = np.random.default_rng([seed, n])
    stimulus = shared * draw.standard_normal((n, 1))
    found = [stimulus + draw.standard_normal((n, k)) for k in layers]
    found[0][:, list(good)] += gain
    return found


def arrays(models):
    return [xr.DataArray(one, dims=("stimulus", "layer")) for one in models]


def both(seed, layers, n=20, worse=0.0):
    """The p of ours and of a t of the best layer against the best layer, and both differences."""
    a, b = scores(seed, layers, n=n)
    b[:, 1:] -= worse
    gap = a[:, a.mean(axis=0).argmax()] - b[:, b.mean(axis=0).argmax()]
    t = gap.mean() / gap.std(ddof=1) * np.sqrt(n)
    return _tested(a, b, _signs(n, 199, seed), 0.95), t, gap.mean()


@pytest.mark.parametrize(("layers", "worse"), [((20, 3), 9.0), ((20, 3), 0.0), ((60, 1), 0.0)])
def test_trap_22__equally_good_models_keep_the_level_whatever_the_number_of_layers(binomial_band, layers, worse):
    """Edge: every layer of the first is as good as the best of the second. A t of the best against the best errs."""
    found = [both(seed, layers, worse=worse) for seed in range(N)]
    ours = sum(p <= 0.05 for (p, *_), _, _ in found)
    assert ours <= binomial_band(0.05, N)[1]
    naive = np.array([gap for *_, gap in found])
    assert naive.mean() > 4 * naive.std() / np.sqrt(N)  # the first model always looks better
    if worse or layers == (60, 1):
        assert sum(t > 1.96 for _, t, _ in found) > binomial_band(0.05, N)[1]
    covered = sum(low <= 0 <= high for (_, low, high, _), _, _ in found)
    assert covered >= binomial_band(0.95, N)[0]


def test_one_layer_each__is_a_sign_flip_that_attains_its_level(binomial_band):
    hits = sum(both(seed, (1, 1), n=8)[0][0] <= 0.05 for seed in range(1_000))
    low, high = binomial_band(12 / 256, 1_000)
    assert low <= hits <= high


def test_effect__is_fair_where_the_naive_difference_is_not():
    found = [best_layers(*arrays(scores(seed, (20, 3))), n_permutations=39, rng=seed) for seed in range(60)]
    fair, naive = (np.array([float(one[name]) for one in found]) for name in ("effect", "naive"))
    assert abs(fair.mean()) < 3 * fair.std() / np.sqrt(60)
    assert naive.mean() > 4 * naive.std() / np.sqrt(60)
    flattered = np.mean([one["optimism"].values for one in found], axis=0)
    assert flattered[0] > flattered[1] > 0


def test_p_and_interval__equal_those_of_a_slow_loop():
    """All sign patterns of six members, layer against layer, and the interval by trying differences one by one."""
    a, b = scores(3, (4, 2), n=6, good=[1], gain=1.0)

    def one_sided(first, second, shift):
        worst = 0.0
        for layer in range(second.shape[1]):
            ahead = first - second[:, [layer]] - shift
            observed, reached = ahead.mean(axis=0).max(), 0
            for signs in itertools.product((1.0, -1.0), repeat=len(ahead)):
                reached += max(np.mean(np.array(signs) * column) for column in ahead.T) >= observed - 1e-12
            worst = max(worst, reached / 2 ** len(ahead))
        return worst

    found = best_layers(*arrays([a, b]), level=0.8, rng=0)
    assert float(found["p"]) == pytest.approx(min(1.0, 2 * min(one_sided(a, b, 0.0), one_sided(b, a, 0.0))))
    for end, tested in (("low", lambda d: one_sided(a, b, d)), ("high", lambda d: one_sided(b, a, -d))):
        at, step = float(found[end]), 1e-6 if end == "low" else -1e-6
        assert tested(at - step) <= 0.1 < tested(at + step)


def test_better_model__is_found_with_its_layer_and_an_interval_that_holds_the_truth():
    hits = covered = 0
    for seed in range(40):
        found = best_layers(*arrays(scores(seed, (20, 3), n=40, good=[5], gain=1.2)), names=("deep", "flat"),
                            n_permutations=199, rng=seed)  # fmt: skip
        hits += found.attrs["verdict"] == "deep has the better best layer"
        covered += float(found["low"]) <= 1.2 <= float(found["high"])
        assert int(found["chosen_a"].values.argmax()) == 5
    assert hits >= 34
    assert covered >= 36
    turned = best_layers(*arrays(scores(0, (20, 3), n=40, good=[5], gain=1.2))[::-1], names=("flat", "deep"), rng=0)
    assert turned.attrs["verdict"] == "deep has the better best layer"


def test_p_agrees_with_its_interval_and_models_can_be_turned_around():
    for seed in range(60):
        a, b = scores(seed, (3, 2), n=10, good=[0], gain=1.1)
        p, low, high, floor = _tested(a, b, _signs(10, 0, 0), 0.95)
        assert (p <= 0.05) == (not low <= 0 <= high)
        assert p >= floor == 2 / 2**10
        back = _tested(b, a, _signs(10, 0, 0), 0.95)
        assert back[0] == p
        assert (back[1], back[2]) == (-high, -low)


def test_three_shapes_of_scores__are_one():
    a, b = scores(1, (4, 3), n=15)
    ids, shift = [f"s{k}" for k in range(15)], {"n_permutations": 99, "rng": 5}
    tables = [pd.DataFrame(one, index=ids, columns=[f"l{k}" for k in range(one.shape[1])]) for one in (a, b)]
    from_tables = best_layers(*tables, **shift)
    named = [xr.DataArray(one.T, dims=("layer", "stimulus"), coords={"stimulus": ids}) for one in (a, b)]
    for name in ("effect", "low", "high", "p", "naive"):
        assert float(best_layers(*named, **shift)[name]) == float(from_tables[name])
    assert from_tables["layer_a"].values.tolist() == ["l0", "l1", "l2", "l3"]


def test_trials__give_the_deficit_of_each_stimulus_by_layer():
    plan = {f"layer {k}": {"X": 0.5 * k} for k in range(3)}
    deep, flat = (phantom_trials(deficits=some, bounded=False, chance=0.0, n_stimuli=30, n_specimens=1, rng=k)
                  for k, some in enumerate((plan, {"layer 0": {"X": 0.0}})))  # fmt: skip
    found = best_layers(deep, flat, task="X", rng=0)
    assert found.attrs["generalises_over"] == "stimulus"
    assert found["layer_a"].values.tolist() == ["layer 0", "layer 1", "layer 2"]
    assert int(found["mean_a"].values.argmax()) == 2
    mean = {str(name): float(deep["score"].values[0, at].mean()) for at, name in enumerate(deep["lesion_id"].values)}
    expected = [mean[f"layer {k} | sham"] - mean[f"layer {k}"] for k in range(3)]
    np.testing.assert_allclose(found["mean_a"], expected, atol=1e-12)
    assert "One network" in found.attrs["note"] or "2 networks" in found.attrs["note"]


def test_bad_input__is_named():
    a, b = arrays(scores(0, (3, 2), n=10))
    with pytest.raises(SchemaError, match="expected layer and one of"):
        best_layers(a.rename(stimulus="presentation"), b, rng=0)
    with pytest.raises(SchemaError, match="dims ndarray"):
        best_layers(a.values, b, rng=0)
    with pytest.raises(DataError, match="1 scores are NaN"):
        best_layers(a.where(a != a[0, 0]), b, rng=0)
    with pytest.raises(DataError, match=r"other stimuli .*'9' in one of them only"):
        best_layers(a, b.isel(stimulus=slice(9)).assign_coords(stimulus=range(9)), rng=0)
    with pytest.raises(DataError, match="another order"):
        best_layers(a.assign_coords(stimulus=range(10)), b.assign_coords(stimulus=range(9, -1, -1)), rng=0)
    with pytest.raises(ReplicationUnitError, match="named twice"):
        best_layers(*(one.assign_coords(stimulus=[0, *range(9)]) for one in (a, b)), rng=0)
    with pytest.raises(DesignError, match="4 stimuli cannot choose"):
        best_layers(a[:4], b[:4], rng=0)
    with pytest.raises(DesignError, match=r"type level=0\.95 and 1999"):
        best_layers(a, b, n_permutations=20, rng=0)
    with pytest.raises(DesignError, match="task=None given"):
        best_layers(phantom_trials(rng=0), b, rng=0)


def test_words__say_what_was_done():
    found = best_layers(*arrays(scores(0, (20, 3), good=[2], gain=2.0)), names=("deep", "flat"), rng=0)
    text = methods_text(found)
    assert "deep (20 layers" in text
    assert "max-type sign-flip over stimuli" in text
    assert "Nichols & Holmes 2002" in text
