"""What a second adversarial reading found in the lesion sciences: each stays closed."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats as sps

from neurolab.analysis import savings, symptom_map
from neurolab.errors import DesignError, ReplicationUnitError
from neurolab.recording import make_recording
from neurolab.stats.effects import noncentral_t_interval
from neurolab.stats.lesion_permutation import brunner_munzel_max_t, regression_max_t
from neurolab.stats.permutation import sign_flip
from neurolab.stats.psychometric import half_point
from neurolab.stats.shares import sign_flip_share
from neurolab.stats.single_case import crawford_howell


def test_a_share_over_many_networks_and_its_interval_draw_the_same_signs():
    """They drew twice: near the edge 13 of 150 intervals said otherwise than their own p."""
    for seed in range(60):
        draw = np.random.default_rng(seed)
        base, gain = draw.uniform(5, 15, 36), draw.normal(0.7, 2.0, 36)
        found = sign_flip_share(gain, base, alternative="two-sided", n_permutations=199, rng=seed)
        assert (found.p <= 0.05) == (not found.low <= 0 <= found.high), seed


def trained(first, again, steps):
    curves = np.stack([np.broadcast_to(one, (8, len(steps))) for one in (first, again)], axis=1)
    curves = curves + np.linspace(-0.01, 0.01, 8)[:, None, None]
    coords = {"specimen": [f"n{k}" for k in range(8)], "arm": ["first learning", "relearning"], "step": steps}
    return xr.DataArray(curves, dims=list(coords), coords=coords)


def test_to_stop_looking_at_relearning_saves_no_steps():
    """Relearning scored .14 when it was last looked at, after 20 steps; first learning had taken 100."""
    missing = np.nan
    scores = trained([0.1, 0.2, 0.3, 0.6, 0.95], [0.1, 0.12, 0.14, missing, missing], [0, 10, 20, 50, 100])
    found = savings(scores, criterion=0.9, rng=0)
    assert float(found["p"]) == 1
    assert float(found["effect"]) == 0
    assert found.attrs["verdict"] == "no savings shown"
    said = json.loads(found.attrs["undermined_by"])
    assert any("followed less far" in one for one in said)
    assert any("neither direction" in one for one in said)
    assert found["steps"].sel(arm="first learning").values.tolist() == [100.0] * 8


def test_relearning_that_is_cut_off_late_keeps_what_it_saved():
    """Seven relearn by step 10, none of the first trainings was over by then; the eighth is not followed beyond 20."""
    scores = trained([0.1, 0.2, 0.3, 0.95], [0.1, 0.95, 0.95, np.nan], [0, 10, 20, 50])
    scores[7, 1, 1:3] = 0.5
    found = savings(scores, criterion=0.9, rng=0)
    assert found["saved"].values.tolist() == [40.0] * 7 + [0.0]
    assert float(found["effect"]) == pytest.approx(280 / 370)


def test_relearning_that_was_never_followed_is_an_error():
    scores = trained([0.1, 0.5, 0.95], [0.1, np.nan, np.nan], [0, 10, 20])
    with pytest.raises(DesignError, match="no step above 0"):
        savings(scores, criterion=0.9, rng=0)


@pytest.mark.parametrize("df", [3, 29, 199])
@pytest.mark.parametrize("t", [-9e3, 1.1e4, -1e6, 1e9])
def test_the_interval_of_an_enormous_t_is_as_wide_as_its_scatter(t, df):
    """From about 1e5 on both ends were t itself."""
    low, high = noncentral_t_interval(t, df)
    wanted = np.sort(t * np.sqrt(sps.chi2.ppf([0.025, 0.975], df) / df))
    np.testing.assert_allclose([low, high], wanted, rtol=1e-6)


def test_a_case_a_million_sds_away_has_a_wide_interval():
    case = crawford_howell(-1e8, np.arange(5.0))
    assert case.low / case.high > 3


def scattered(seed, spread):
    """(outcome, lesions) of 60 people: 12 with lesions, who scatter ``spread`` times as much and score alike."""
    draw = np.random.default_rng(seed)
    cut = np.zeros((60, 8), np.uint8)
    for voxel in cut.T:
        voxel[draw.choice(12, 9, replace=False)] = 1
    outcome = draw.normal(size=60)
    outcome[:12] *= spread
    return outcome, cut


def test_lesions_that_only_scatter__fool_the_pooled_t_and_not_the_ranks():
    """The limit of use that ``symptom_map`` states."""
    pooled, ranks = [], []
    for seed in range(60):
        y, cut = scattered(seed, 3.0)
        pooled.append(regression_max_t(y, cut, n_permutations=99, rng=seed).p.min() <= 0.05)
        ranks.append(brunner_munzel_max_t(y, cut, n_permutations=39, rng=seed)[0].p.min() <= 0.05)
    assert np.mean(pooled) > 0.25
    assert np.mean(ranks) < 0.2


def test_a_lower_noise_free_score_passes_for_a_shift_at_the_published_rate(calibrated):
    """Equal ED50, heights .45 and .15 above chance, 20 networks: a limit of use, in the docstring of ``robustness``."""
    strengths, shifted = np.array([0, 0.25, 0.5, 1, 2, 4]), []
    for seed in range(100):
        draw = np.random.default_rng(seed)
        own = 1 + 0.1 * draw.standard_normal((20, 2))
        with np.errstate(divide="ignore"):
            heard = 2 * sps.norm.cdf(sps.norm.ppf(0.75) * own[..., None] / strengths) - 1
        right = 0.5 + np.array([[0.45], [0.15]]) * heard
        score = (draw.random((20, 100, 1, 1)) < right[:, None]).mean(axis=1)
        if (score[:, :, 0] > 0.5).all():
            half = np.minimum([[half_point(strengths, y, chance=0.5) for y in of] for of in score], 4)
            shifted.append(sign_flip(half[:, 1] - half[:, 0]).p <= 0.05)
    calibrated(shifted, 0.16)


def drawn(times, sample):
    """Twenty random lesions of twelve units that do nothing, each given several times, and their deficits by id."""
    draw = np.random.default_rng(5)
    cut, cost = np.repeat((draw.random((20, 12)) < 0.5).astype(np.uint8), times, axis=0), draw.normal(size=20)
    rows = {"stimulus_id": [f"draw {k}" for k in range(len(cut))], "condition": ["random"] * len(cut)}
    lesions = make_recording(cut, presentation=rows, kind="ann", attrs={"sample": sample})
    return lesions, pd.Series(np.repeat(cost, times), index=rows["stimulus_id"])


def test_a_repeated_lesion_of_one_network_is_no_new_case():
    """With each lesion three times .77 of 60 null maps found something."""
    lesions, cost = drawn(3, "lesion draw")
    with pytest.raises(ReplicationUnitError, match="40 of 60 random lesions repeat another"):
        symptom_map(lesions, cost, correction="none")
    keep = np.unique(lesions, axis=0, return_index=True)[1]
    kept = symptom_map(lesions[keep], cost, correction="none")
    assert kept.attrs["n"] == 20
    lesions, cost = drawn(1, "lesion draw")
    np.testing.assert_allclose(kept["p"], symptom_map(lesions, cost, correction="none")["p"], rtol=1e-9)


def test_a_lesion_or_two_that_were_drawn_again_are_counted_and_said():
    lesions, cost = drawn(2, "lesion draw")
    found = symptom_map(lesions[np.r_[0, 0:40:2] + np.r_[1, np.zeros(20, int)]], cost, correction="none")
    assert "1 of 21 random lesions repeat another one" in found.attrs["note"]


def test_people_with_the_same_lesion_are_people():
    assert symptom_map(*drawn(3, "subject"), correction="none").attrs["n"] == 60
