"""Power before the run: against closed forms, statsmodels, and the verbs themselves."""

import json

import numpy as np
import pytest
from scipy import stats as sps
from statsmodels.stats.power import TTestPower

from neurolab.analysis import design_check, power
from neurolab.errors import DataError, DesignError, UnknownNameError
from neurolab.stats import single_case
from neurolab.stats.permutation import sign_flip


@pytest.mark.parametrize("effect, n", [(1.0, 5), (2.0, 12), (3.0, 30)])
def test_a_single_case_has_the_power_of_the_closed_form(effect, n):
    found = power("single_case", effect=0.1 * effect, sd=0.1, n=n, n_simulations=4_000, rng=0)
    exact = single_case.power(-effect, n=n)
    band = sps.binom.ppf((0.0005, 0.9995), 4_000, exact) / 4_000
    assert band[0] <= float(found["power"]) <= band[1]
    assert f"above {sps.norm.cdf(effect - 1.6449):.2f}" in found.attrs["reasons"]


def test_sign_flips_over_many_networks_have_the_power_of_t():
    found = power("deficits", effect=0.5, sd=1.0, n=20, rng=0)
    assert float(found["power"]) == pytest.approx(TTestPower().power(0.5, 20, 0.05), abs=0.04)


def test_power_is_the_share_of_sign_flips_that_reject():
    found = power("deficits", effect=0.2, sd=0.2, n=7, alternative="greater", n_simulations=300, rng=4)
    from neurolab.chance import generator

    draws = generator(4, "power", "deficits", "deficit").standard_normal((300, 30))[:, :7]
    hits = [sign_flip(0.2 + 0.2 * row, alternative="greater").p <= 0.05 for row in draws]
    assert float(found["power"]) == np.mean(hits)
    wilson = sps.binomtest(sum(hits), 300).proportion_ci(0.95, method="wilson")
    assert (float(found["low"]), float(found["high"])) == pytest.approx((wilson.low, wilson.high))


def test_both_claims_of_a_dissociation_are_asked():
    """Independent claims multiply; with the same networks in both the weaker one decides."""
    one = float(power("deficits", effect=0.2, sd=0.2, n=8, alternative="greater", rng=0)["power"])
    kept = {"effect": (0.2, 0.2), "sd": 0.2, "n": 8, "rng": 0}
    assert float(power("dissociation", **kept)["power"]) == pytest.approx(one**2, abs=0.04)
    assert float(power("dissociation", correlation=0.999, **kept)["power"]) == pytest.approx(one, abs=0.03)
    weaker = power("dissociation", **(kept | {"effect": (2.0, 0.2)}))
    assert float(weaker["power"]) == pytest.approx(one, abs=0.03)


@pytest.mark.parametrize("n_controls", [1, 19])
def test_against_controls_simulates_the_verb(n_controls):
    """A slow loop that draws every control of every network; a lone control adds as much noise as the target."""
    stream, hits, ranks = np.random.default_rng(1), 0, 0
    for _ in range(600):
        target, controls = stream.normal(0.3, 0.3, 6), stream.normal(0, 0.3, (6, n_controls))
        hits += sign_flip(target - controls.mean(axis=1), alternative="greater").p <= 0.05
        ranks += (1 + (controls.mean(axis=0) >= target.mean()).sum()) / (n_controls + 1) <= 0.05
    found = power("against_controls", effect=0.3, sd=0.3, n=6, n_controls=n_controls, rng=0)
    assert float(found["power"]) == pytest.approx(hits / 600, abs=0.07)
    assert float(found["rank_power"]) == pytest.approx(ranks / 600, abs=0.07)


def test_the_number_needed_reaches_the_power_and_one_less_does_not():
    found = power("deficits", effect=0.2, sd=0.2, rng=0)
    needed = int(found["n_needed"])
    assert found.attrs["n"] == needed
    assert needed == pytest.approx(TTestPower().solve_power(1.0, power=0.8, alpha=0.05), abs=2)
    at = {n: float(power("deficits", effect=0.2, sd=0.2, n=n, n_simulations=1_000, rng=0)["power"])
          for n in (needed - 1, needed)}  # fmt: skip
    assert at[needed - 1] < 0.8 <= at[needed]
    assert float(found["needed_power"]) == at[needed]


def test_the_answer_is_in_plain_words():
    found = power("deficits", effect=0.2, sd=0.1, n=8, rng=0)
    share, low, high = (float(found[name]) for name in ("power", "low", "high"))
    wanted = "8 networks detect a deficit of 0.2 (sd over networks 0.1) with power"
    assert found.attrs["verdict"] == f"{wanted} {share:.2f} [{low:.2f}, {high:.2f}]."
    few = power("deficits", effect=0.2, sd=0.1, n=5, rng=0)
    assert few.attrs["verdict"] == "5 networks cannot reach p = 0.05: the smallest p is 0.0625."
    assert float(few["power"]) == 0
    none = power("deficits", effect=0.001, sd=0.1, n_simulations=100, rng=0)
    assert np.isnan(none["n_needed"])
    assert json.loads(none.attrs["reasons"])[0].startswith("30 networks do not reach power 0.8")


@pytest.mark.parametrize(
    "kept, error, said",
    [
        ({"test": "deficit"}, UnknownNameError, "Did you mean 'deficits'"),
        ({"sd": 0.0}, DataError, "sd above 0"),
        ({"effect": (0.1, 0.2)}, DataError, "expected 1 of each"),
        ({"effect": np.nan}, DataError, "expected 1"),
        ({"n": 31}, DesignError, "TTestPower"),
        ({"n": 2.5}, DesignError, "2.5 networks"),
        ({"test": "single_case", "n": 1}, DesignError, "2 to 500"),
        ({"test": "dissociation", "alternative": "two-sided"}, UnknownNameError, "two-sided"),
        ({"wanted": 80}, DesignError, "power below 1"),
        ({"alpha": 0}, DesignError, "alpha=0"),
        ({"correlation": 1.0, "test": "dissociation"}, DesignError, "correlation"),
    ],
)
def test_bad_plans_are_refused(kept, error, said):
    with pytest.raises(error, match=said):
        power(**{"test": "deficits", "effect": 0.2, "sd": 0.1, "rng": 0, **kept})


def test_the_design_check_says_power_tests_ceiling_and_floor():
    said = design_check(8, n_controls=19, n_tests=2, effect=0.2, sd=0.1, intact=0.99, chance=0.5, rng=0)
    found = power("deficits", effect=0.2, sd=0.1, n=8, alpha=0.025, rng=0)
    assert found.attrs["verdict"] in said.splitlines()
    assert "at p <= 0.025" in found.attrs["verdict"]
    assert "The intact score of 0.99 is near the top of 1" in said
    assert "2 tests share alpha = .05" in said
    assert "smallest rank p is .05" in said
    floor = design_check(8, effect=0.35, sd=0.1, intact=0.87, chance=0.5, rng=0)
    assert "leaves a score near chance (0.5)" in floor
    assert "cannot be" in design_check(8, effect=0.6, sd=0.1, intact=0.8, chance=0.5, rng=0)
    weak = design_check(6, effect=0.15, sd=0.2, rng=0)
    assert "Power under .8" in weak
    with pytest.raises(DesignError, match=r"power needs all three.*rng=0"):
        design_check(8, effect=0.2, rng=0)
    with pytest.raises(DesignError, match="power needs all three"):
        design_check(8, effect=0.2, sd=0.1)


def test_words__speak_of_people_or_networks_as_given():
    settings = {"effect": 0.1, "sd": 0.1, "n": 8, "n_simulations": 100, "rng": 0}
    for test in ("deficits", "dissociation", "against_controls", "single_case"):
        people, networks = power(test, over="subject", **settings), power(test, **settings)
        assert people.attrs["generalises_over"] == "subject"
        assert networks.attrs["generalises_over"] == "specimen"
        said = str(people.attrs)
        assert "network" not in said
        assert "lesion of" not in said
        assert float(people["power"]) == float(networks["power"])  # words only
    assert "Use more trials per person, or a less noisy score." in people.attrs["reasons"]
    assert "8 people detect" in power("deficits", over="subject", **settings).attrs["verdict"]
    with pytest.raises(UnknownNameError, match="'subject'"):
        power("deficits", over="people", **settings)


def test_design_check__of_people_advises_people():
    said = design_check(8, plural="people", effect=0.05, sd=0.1, rng=0)
    assert "Test more people, or score more stimuli." in said
    assert "network" not in said
    assert "Train more networks" in design_check(8, effect=0.05, sd=0.1, rng=0)
