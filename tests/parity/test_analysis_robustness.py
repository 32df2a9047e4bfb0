"""Robustness, recovery and savings against slow loops, scipy and pandas: every number a second time."""

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats as sps
from scipy.optimize import brentq, curve_fit

from neurolab.analysis import recovery, robustness, savings
from neurolab.analysis.strength import strength_name
from neurolab.simulate import phantom_noise
from neurolab.stats.permutation import sign_flip
from neurolab.stats.psychometric import half_point
from neurolab.stats.shares import sign_flip_share
from neurolab.trials import to_frame

DRAW = np.random.default_rng(0)


def falling_by_loops(y, w):
    """Isotonic least squares by the max-min formula: at i the largest over j >= i of the smallest mean of a..j."""
    n = len(y)
    mean = lambda a, b: np.average(y[a : b + 1], weights=w[a : b + 1])  # noqa: E731
    return np.array([min(max(mean(a, b) for b in range(i, n)) for a in range(i + 1)) for i in range(n)])


def half_by_loops(x, y, chance):
    doses = sorted(set(x))
    means = np.array([np.mean([b for a, b in zip(x, y) if a == dose]) for dose in doses])
    falling = falling_by_loops(means, np.array([list(x).count(dose) for dose in doses], dtype=float))
    goal = chance + (falling[0] - chance) / 2
    for at in range(1, len(doses)):
        if falling[at] <= goal:
            drop = (falling[at - 1] - goal) / (falling[at - 1] - falling[at])
            return doses[at - 1] + drop * (doses[at] - doses[at - 1])
    return np.inf


@pytest.mark.parametrize("seed", range(60))
def test_interpolated_half_point__is_the_slow_loop(seed):
    draw = np.random.default_rng(seed)
    x = draw.choice(np.linspace(0, 3, 9), 9, replace=seed % 2 == 0)
    y = 0.4 + 0.5 / (1 + x**2) + 0.15 * draw.standard_normal(9)
    if falling_by_loops(y[np.argsort(x)], np.ones(9))[0] <= 0.3:
        y += 0.5
    np.testing.assert_allclose(half_point(x, y, chance=0.3), half_by_loops(x, y, 0.3), rtol=1e-9)


def test_logistic_half_point__is_curve_fit_and_a_root():
    x = np.linspace(0, 2, 12)

    def curve(x, m, s, top):
        return 0.25 + (top - 0.25) / (1 + np.exp((x - m) / s))

    for m, s in ((1.0, 0.2), (0.7, 0.5), (1.3, 0.1)):
        y = curve(x, m, s, 0.9) + 0.01 * DRAW.standard_normal(12)
        best, _ = curve_fit(curve, x, y, p0=[m, s, 0.9])
        half = 0.25 + (curve(0, *best) - 0.25) / 2
        root = brentq(lambda at, best=best, half=half: curve(at, *best) - half, 1e-6, 5)
        np.testing.assert_allclose(half_point(x, y, chance=0.25, curve="logistic"), root, rtol=1e-4)


def test_the_midpoint_of_a_logistic__is_no_half_point_where_the_curve_falls_at_once():
    """Why robustness does not take it: on the closed curve of a unit in noise, ED50 1, it lies below no noise."""
    from neurolab.stats.psychometric import dose_response

    x = np.array([0, 0.25, 0.5, 1, 2, 4])
    with np.errstate(divide="ignore"):
        y = 0.5 + 0.5 * (2 * sps.norm.cdf(sps.norm.ppf(0.75) / x) - 1)
    assert dose_response(x, y, chance=0.5).midpoint < 0
    assert half_point(x, y, chance=0.5) == pytest.approx(1.0, abs=1e-5)
    assert half_point(x, y, chance=0.5, curve="logistic") == pytest.approx(1.10, abs=0.01)


def share_by_loops(gain, base, level=0.95):
    n, rank = len(gain), int(np.floor((1 - level) / 2 * 2 ** len(gain) + 1e-9))
    subsets = [list(some) for k in range(1, n + 1) for some in itertools.combinations(range(n), k)]
    every = np.sort([gain[some].sum() / base[some].sum() for some in subsets])
    return (every[rank - 1], every[-rank]) if rank else (-np.inf, np.inf)


@pytest.mark.parametrize("n", [5, 6, 8, 9])
def test_share__ends_at_shares_of_subsets(n):
    gain, base = DRAW.normal(2, 1, n), DRAW.uniform(3, 6, n)
    found = sign_flip_share(gain, base)
    np.testing.assert_allclose((found.low, found.high), share_by_loops(gain, base), rtol=1e-9)
    oracle = sps.permutation_test(
        (gain,), lambda x, axis: x.mean(axis), permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert found.p == pytest.approx(oracle.pvalue, abs=1e-12)
    assert found.effect == pytest.approx(gain.sum() / base.sum())


def test_share_with_a_base_of_either_sign__is_the_hull_of_what_the_test_keeps():
    gain, base = DRAW.normal(2, 1, 8), np.append(DRAW.uniform(3, 6, 7), -0.5)
    found = sign_flip_share(gain, base)
    shares = np.linspace(-5, 5, 4001)
    values = gain - shares[:, None] * base
    sums = values @ np.array(list(itertools.product((1, -1), repeat=8))).T
    tails = [(sign * sums >= sign * values.sum(axis=1, keepdims=True) - 1e-9).mean(axis=1) for sign in (1, -1)]
    kept = shares[2 * np.minimum(*tails) > 0.05]
    np.testing.assert_allclose((found.low, found.high), (kept.min(), kept.max()), atol=0.003)
    lost = sign_flip_share(gain, DRAW.normal(0.5, 5, 8) + 1)
    assert (lost.low, lost.high) == (-np.inf, np.inf)
    assert "not shown to differ from 0" in lost.note


def test_share_of_many__draws_the_same_patterns_for_every_share():
    gain, base = DRAW.normal(2, 1, 40), DRAW.uniform(3, 6, 40)
    first, again = (sign_flip_share(gain, base, rng=0, n_permutations=499) for _ in range(2))
    assert (first.low, first.high) == (again.low, again.high)
    t = sps.t.interval(0.95, 39, first.effect, sps.sem(gain - first.effect * base) / base.mean())
    np.testing.assert_allclose((first.low, first.high), t, atol=0.02)


def test_robustness__is_the_loop_over_networks_and_rows():
    trials = phantom_noise(n_specimens=7, spread=0.3, rng=4)
    found = robustness(trials, noise="input", lesion="A", task="X", level=0.9, rng=0)
    table = to_frame(trials).groupby(["lesion_id", "specimen"])["score"].mean()
    strengths = [0.25, 0.5, 1.0, 2.0, 4.0]
    ed50, area = np.zeros((2, 7)), np.zeros((2, 7))
    for at, (start, prefix) in enumerate((("sham", "input"), ("A", "A & input"))):
        for number in range(7):
            who = f"phantom-{number}"
            score = [table[start, who], *(table[f"{prefix} noise {s:g}", who] for s in strengths)]
            np.testing.assert_allclose(found["score"].values[at, number], score)
            ed50[at, number] = min(half_by_loops([0, *strengths], score, 0.5), 4.0)
            left = (np.array(score) - 0.5) / (score[0] - 0.5)
            steps = np.diff([0, *strengths])
            area[at, number] = sum(w * (a + b) / 2 for w, a, b in zip(steps, left, left[1:])) / 4
    np.testing.assert_allclose(found["ed50"], ed50)
    np.testing.assert_allclose(found["retained"], area)
    for prefix, values in (("", ed50[1] - ed50[0]), ("area_", area[1] - area[0])):
        test = sign_flip(values, level=0.9)
        between = "" if prefix else "effect_"
        assert float(found[f"{prefix}effect"]) == pytest.approx(values.mean())
        assert float(found[f"{prefix}p"]) == test.p
        ends = [float(found[f"{prefix}{between}{end}"]) for end in ("low", "high")]
        np.testing.assert_allclose(ends, [test.low, test.high])
    for at in (0, 1):
        test = sign_flip(ed50[at], level=0.9)
        np.testing.assert_allclose(
            [found[f"ed50_{name}"].values[at] for name in ("mean", "low", "high")], [test.effect, test.low, test.high]
        )
    assert found.attrs["strength_name"] == "noise (sd of each unit)"
    alone = robustness(trials, noise="input", task="X", rng=0)
    assert float(alone["effect"]) == pytest.approx(1 - area[0].mean())
    assert float(alone["p"]) == sign_flip(1 - area[0], alternative="greater").p


def curves(n=8, seed=0):
    mean = np.array([[0.4, 0.6, 0.75, 0.8], [0.9, 0.91, 0.92, 0.92], [0.7, 0.9, 0.92, 0.92]])
    score = mean + 0.05 * np.random.default_rng(seed).standard_normal((n, 3, 4))
    names = [f"n{at}" for at in range(n)]
    coords = {"specimen": names, "arm": ["lesioned", "intact", "other"], "step": [0, 10, 50, 90]}
    return xr.DataArray(score, coords=coords, dims=list(coords))


def test_recovery__is_the_loop_over_a_tidy_table():
    table = curves().to_dataframe("score").reset_index().sample(frac=1, random_state=1)
    found = recovery(table, control="other", chance=0.1, last=2, rng=0)
    same = recovery(curves(), control="other", chance=0.1, last=2, rng=0)
    xr.testing.assert_identical(found.drop_attrs(), same.drop_attrs())
    wide = table.pivot_table("score", ["specimen", "step"], "arm")
    gap = (wide["intact"] - wide["lesioned"]).unstack("step")
    first, end = gap[0].to_numpy(), ((gap[50] + gap[90]) / 2).to_numpy()
    assert float(found["effect"]) == pytest.approx(1 - end.sum() / first.sum())
    ends = float(found["effect_low"]), float(found["effect_high"])
    np.testing.assert_allclose(ends, share_by_loops(first - end, first), rtol=1e-9)
    bound = 0.1 * (table.query("arm == 'intact' and step == 0")["score"].mean() - 0.1)
    assert float(found["recovered_bound"]) == pytest.approx(bound)
    goal = table.query("arm == 'intact' and step == 0").set_index("specimen")["score"] - bound
    for arm in ("lesioned", "intact", "other"):
        for who, part in table[table["arm"] == arm].sort_values("step").groupby("specimen"):
            hit = part[part["score"] >= goal[who]]
            want = hit["step"].iloc[0] if len(hit) else 90
            cell = {"arm": arm, "specimen": who}
            assert (float(found["steps"].sel(cell)), bool(found["reached"].sel(cell))) == (want, bool(len(hit)))
    tests = {"initial": (first, "greater"), "remaining": (end, "greater"), "rising": (gap[50] - gap[90], "greater")}
    waited = found["steps"].sel(arm="lesioned") - found["steps"].sel(arm="other")
    for name, (values, side) in (tests | {"time": (waited.values, "two-sided")}).items():
        oracle = sps.permutation_test(
            (np.asarray(values),), lambda x, axis: x.mean(axis), permutation_type="samples", alternative=side,
            n_resamples=np.inf,
        )  # fmt: skip
        assert float(found[f"{name}_p"]) == pytest.approx(oracle.pvalue, abs=1e-12)
        assert float(found[f"{name}_effect"]) == pytest.approx(np.mean(values))
    shifted = [sign_flip(sign * end + bound, alternative="greater").p for sign in (1, -1)]
    assert float(found["recovered_p"]) == pytest.approx(max(shifted))


def test_savings__is_the_loop_over_curves_and_takes_steps_as_they_are():
    draw = np.random.default_rng(2)
    score = np.sort(draw.random((8, 2, 6)), axis=2)
    coords = {"specimen": [f"n{at}" for at in range(8)], "arm": ["a", "b"], "step": [0, 1, 3, 7, 20, 50]}
    array = xr.DataArray(score, coords=coords, dims=list(coords))
    array.values[0, 1, 2] = np.nan  # nobody looked
    found = savings(array, first="a", again="b", criterion=0.5, rng=0)
    want = np.zeros((2, 8))
    for arm, who in itertools.product(range(2), range(8)):
        hits = [step for step, y in zip(coords["step"], array.values[who, arm]) if y >= 0.5]
        want[arm, who] = hits[0] if hits else 50
    np.testing.assert_array_equal(found["steps"], want)
    assert float(found["effect"]) == pytest.approx(1 - want[1].sum() / want[0].sum())
    steps = pd.DataFrame({"a": want[0], "b": want[1]}).rename_axis("specimen").reset_index()
    given = savings(steps.melt("specimen", None, "arm", "steps"), first="a", again="b", rng=0)
    for name in ("effect", "effect_low", "effect_high", "p", "steps_effect", "steps_p"):
        assert float(found[name]) == float(given[name])
    assert float(found["steps_p"]) == float(found["p"]) == sign_flip(want[0] - want[1], alternative="greater").p


def test_a_ladder_of_sizes__is_counted_in_units_and_one_of_currents_is_not():
    coords = {"how": ("lesion", ["Stimulate sd=3.0"] * 3), "n_units": ("lesion", [4, 8, 16])}
    sizes, currents = ({"rung": ("lesion", rungs)} for rungs in ([4.0, 8.0, 16.0], [0.5, 1.0, 2.0]))
    assert strength_name(xr.Dataset(coords=coords | sizes), np.arange(3)) == "units"
    assert strength_name(xr.Dataset(coords=coords | currents), np.arange(3)) == "current (sd of each unit)"
