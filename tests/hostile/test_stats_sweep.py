"""Every function of the array floor against every kind of bad input.

Each call ends in a typed error with its sentence, or in a result that is finite or flagged: an infinite or missing
value stands beside a note or in a column that ``valid`` names.  No p is nan or 0.
"""

import dataclasses

import numpy as np
import pytest

from neurolab.errors import NeurolabError
from neurolab.stats import (
    design_check,
    effects,
    equivalence,
    graphs,
    information,
    intervals,
    maps,
    multiplicity,
    paired,
    permutation,
    proportion,
    psychometric,
    reliability,
    shapley,
    similarity,
    single_case,
)

STREAM = np.random.default_rng(0)
X, Y, C = STREAM.normal(0.5, 1, 9), STREAM.normal(0, 1, 9), STREAM.normal(size=(9, 2))
M, N = STREAM.normal(size=(9, 5)), STREAM.normal(size=(9, 5))
FIRST, LEVELS = np.arange(9) < 4, np.arange(9.0)
HOLE, FEW = np.arange(9) == 3, {"n_permutations": 19, "rng": 0}

SAMPLES = {
    "constant": np.full(9, 0.3),
    "zeros": np.zeros(9),
    "one value": np.array([0.4]),
    "two values": np.array([0.4, 0.6]),
    "nan": np.where(HOLE, np.nan, X),
    "inf": np.where(HOLE, np.inf, X),
    "all nan": np.full(9, np.nan),
    "too short": X[:5],
    "empty": np.array([]),
    "a table": M,
    "a number": 1.0,
    "none": None,
    "words": np.array(list("abcdefghi")),
    "nothings": np.array([None] * 9, dtype=object),
    "complex": X + 1j,
    "masked": np.ma.masked_array(X, mask=HOLE),
    "too large": X * 1e200,
    "too small": X * 1e-200,
    "ragged": [[1.0, 2.0], [3.0]],
}
TABLES = {
    "constant": np.full((9, 5), 0.3),
    "zeros": np.zeros((9, 5)),
    "one row": M[:1],
    "two rows": M[:2],
    "one column": M[:, :1],
    "no rows": M[:0],
    "no columns": M[:, :0],
    "nan": np.where(HOLE[:, None], np.nan, M),
    "inf": np.where(HOLE[:, None] & (np.arange(5) == 2), np.inf, M),
    "all nan": np.full((9, 5), np.nan),
    "too short": M[:5],
    "a sample": X,
    "three axes": M[None],
    "words": np.array([list("abcde")] * 9),
    "complex": M + 1j,
    "masked": np.ma.masked_array(M, mask=M > 1),
    "too large": M * 1e200,
    "too small": M * 1e-200,
}
NUMBERS = {
    "nan": np.nan, "inf": np.inf, "minus one": -1.0, "zero": 0, "half": 1.5, "huge": 1e300, "a word": "a", "none": None,
    "a list": [1, 2],
}  # fmt: skip


def line(v):
    """One column as a table, and what is no column as it is."""
    return v[:, None] if isinstance(v, np.ndarray) and v.ndim == 1 else v


ON_SAMPLES = {
    "sign_flip": lambda v: permutation.sign_flip(v, rng=0),
    "label_shuffle a": lambda v: permutation.label_shuffle(v, Y, **FEW),
    "label_shuffle b": lambda v: permutation.label_shuffle(X, v, **FEW),
    "max_t one column": lambda v: permutation.max_t(line(v), **FEW),
    "max_t groups": lambda v: permutation.max_t(M, groups=v, **FEW),
    "freedman_lane tested": lambda v: permutation.freedman_lane(M, v, Y, **FEW),
    "freedman_lane nuisance": lambda v: permutation.freedman_lane(M, X, v, **FEW),
    "crawford_howell case": lambda v: single_case.crawford_howell(v, X),
    "crawford_howell controls": lambda v: single_case.crawford_howell(-1.0, v),
    "unstandardised_difference case": lambda v: single_case.unstandardised_difference(v, C),
    "revised_standardised_difference case": lambda v: single_case.revised_standardised_difference(v, C),
    "bayesian_standardised_difference case": lambda v: single_case.bayesian_standardised_difference(
        v, C, n_draws=50, rng=0
    ),
    "classify case": lambda v: single_case.classify(v, C),
    "classify other": lambda v: single_case.classify((-9, 0), C, other=v),
    "deficit_with_covariates": lambda v: single_case.deficit_with_covariates(-1, v, case_covariates=0.0, covariates=Y),
    "its covariates": lambda v: single_case.deficit_with_covariates(-1, X, case_covariates=0.0, covariates=v),
    "its case's covariates": lambda v: single_case.deficit_with_covariates(-1, X, case_covariates=v, covariates=Y),
    "cohens_d": effects.cohens_d,
    "cohens_d two": lambda v: effects.cohens_d(v, Y),
    "cohens_d paired": lambda v: effects.cohens_d(v, Y, paired=True),
    "hedges_g": effects.hedges_g,
    "hedges_g two": lambda v: effects.hedges_g(Y, v),
    "auc": lambda v: effects.auc(v, Y),
    "cliffs_delta": lambda v: effects.cliffs_delta(Y, v),
    "tost_one_sample": lambda v: equivalence.tost_one_sample(v, bounds=0.5),
    "tost_paired": lambda v: equivalence.tost_paired(v, Y, bounds=0.5),
    "tost_independent": lambda v: equivalence.tost_independent(v, Y, bounds=0.5),
    "tost_independent pooled": lambda v: equivalence.tost_independent(v, Y, bounds=0.5, variances="pooled"),
    "sign_flip_tost": lambda v: equivalence.sign_flip_tost(v, bounds=0.5, rng=0),
    "sign_flip_interval": lambda v: intervals.sign_flip_interval(v, rng=0),
    "t_interval": intervals.t_interval,
    "mean_interval": intervals.mean_interval,
    "bootstrap": lambda v: intervals.bootstrap(v, n_resamples=49, rng=0),
    "bootstrap basic": lambda v: intervals.bootstrap(v, method="basic", n_resamples=49, rng=0),
    "bootstrap paired": lambda v: intervals.bootstrap(
        (v, Y), lambda a, b: np.mean(a - b), paired=True, n_resamples=49, rng=0
    ),
    "acceleration": intervals.acceleration,
    "spearman_brown": reliability.spearman_brown,
    "fisher_mean": reliability.fisher_mean,
    "dice": lambda v: reliability.dice(v, FIRST),
    "pairs_table": lambda v: paired.pairs_table(v, FIRST),
    "error_consistency": lambda v: paired.error_consistency(v, FIRST),
    "bonferroni": multiplicity.bonferroni,
    "selectivity_index": lambda v: effects.selectivity_index(v, np.ones(9)),
    "benjamini_hochberg": multiplicity.benjamini_hochberg,
    "benjamini_yekutieli": multiplicity.benjamini_yekutieli,
    "holm": multiplicity.holm,
    "a mask": lambda v: multiplicity.holm([0.1] * 9, mask=v),
    "compare_rdms": lambda v: similarity.compare_rdms(v, X),
    "modularity labels": lambda v: graphs.modularity(np.ones((9, 9)), v),
    "ari": lambda v: graphs.ari(v, np.arange(9) % 3),
    "nmi": lambda v: graphs.nmi(np.arange(9) % 3, v),
    "agreement": lambda v: graphs.agreement(v, np.arange(9) % 3, **FEW),
    "fit x": lambda v: psychometric.fit(v, np.arange(9), 10, guess=0.0),
    "fit k": lambda v: psychometric.fit(LEVELS, v, 10, guess=0.0),
    "fit n": lambda v: psychometric.fit(LEVELS, np.arange(9), v, guess=0.0),
    "goodness_of_fit": lambda v: psychometric.goodness_of_fit(LEVELS, v, 10, guess=0.0, n_simulations=9, rng=0),
    "dose_response x": lambda v: psychometric.dose_response(v, -LEVELS, chance=-9),
    "dose_response y": lambda v: psychometric.dose_response(LEVELS, v, chance=-9),
    "normalised_area": lambda v: psychometric.normalised_area(LEVELS, v, chance=0, intact=1),
    "normalised_area x": lambda v: psychometric.normalised_area(v, LEVELS, chance=0, intact=1),
    "d_prime": lambda v: effects.d_prime(v, 0.3),
    "d_prime counts": lambda v: effects.d_prime(v, 3, 9, 9),
    "criterion": lambda v: effects.criterion(0.3, v),
    "a_prime": lambda v: effects.a_prime(v, 0.3),
    "log_linear": lambda v: effects.log_linear(v, 9),
    "empirical_logit": lambda v: effects.empirical_logit(2, v),
    "d_index": shapley.d_index,
    "redundancy_index": lambda v: shapley.redundancy_index(v, 1.0),
}
ON_TABLES = {
    "max_t": lambda v: permutation.max_t(v, **FEW),
    "max_t paired": lambda v: permutation.max_t(v, y=N, **FEW),
    "max_t its pairs": lambda v: permutation.max_t(M, y=v, **FEW),
    "max_t welch": lambda v: permutation.max_t(v, groups=FIRST, **FEW),
    "max_t pooled": lambda v: permutation.max_t(v, groups=FIRST, statistic="pooled", **FEW),
    "max_t rank": lambda v: permutation.max_t(v, groups=FIRST, statistic="rank", **FEW),
    "freedman_lane": lambda v: permutation.freedman_lane(v, X, Y, **FEW),
    "unstandardised_difference": lambda v: single_case.unstandardised_difference((-1, 0.2), v),
    "revised_standardised_difference": lambda v: single_case.revised_standardised_difference((-1, 0.2), v),
    "bayesian_standardised_difference": lambda v: single_case.bayesian_standardised_difference(
        (-1, 0.2), v, n_draws=50, rng=0
    ),
    "hierarchical_bootstrap": lambda v: intervals.hierarchical_bootstrap(v, n_resamples=49, rng=0),
    "split_half": lambda v: reliability.split_half(v, n_splits=9, rng=0),
    "icc": reliability.icc,
    "icc one-way": lambda v: reliability.icc(v, kind="ICC(1,1)"),
    "cronbach_alpha": reliability.cronbach_alpha,
    "mcnemar": paired.mcnemar,
    "cochran_q": paired.cochran_q,
    "welch_t": lambda v: maps.welch_t(v, N),
    "pooled_t": lambda v: maps.pooled_t(N, v),
    "one_sample_t": maps.one_sample_t,
    "paired_t": lambda v: maps.paired_t(v, N),
    "rank_auc": lambda v: maps.rank_auc(v, N),
    "glm_t": lambda v: maps.glm_t(v, np.column_stack((X, np.ones(9))), [1, 0]),
    "glm_t design": lambda v: maps.glm_t(M, v, [1, 0, 0, 0, 0]),
    "cka": lambda v: similarity.cka(v, N),
    "cka biased": lambda v: similarity.cka(N, v, debiased=False),
    "procrustes_angle": lambda v: similarity.procrustes_angle(v, N),
    "procrustes": lambda v: similarity.procrustes(v, N),
    "rdm": similarity.rdm,
    "degeneracy": lambda v: information.degeneracy(v, 2),
    "gaussian_information": lambda v: information.gaussian_information(v, [0], [1]),
    "rdm correlation": lambda v: similarity.rdm(v, distance="correlation"),
    "crossnobis": lambda v: similarity.crossnobis(v, [0, 1, 2] * 3, np.repeat([0, 1, 2], 3)),
    "noise_ceiling": similarity.noise_ceiling,
    "row_shuffle": lambda v: similarity.row_shuffle(v, N, **FEW),
    "normalised_cut": lambda v: graphs.normalised_cut(v, [0, 1] * 4 + [1]),
    "modularity": lambda v: graphs.modularity(v, [0, 1] * 4 + [1]),
}
ON_NUMBERS = {
    "sign_flip popmean": lambda v: permutation.sign_flip(X, popmean=v),
    "sign_flip level": lambda v: permutation.sign_flip(X, level=v),
    "sign_flip draws": lambda v: permutation.sign_flip(np.tile(X, 5), n_permutations=v, rng=0),
    "max_t popmean": lambda v: permutation.max_t(M, popmean=v),
    "max_t block": lambda v: permutation.max_t(M, block=v),
    "p_floor": lambda v: permutation.p_floor("sign_flip", n=v),
    "p_floor groups": lambda v: permutation.p_floor("label_shuffle", n=(5, v)),
    "p_floor draws": lambda v: permutation.p_floor("rank", n=5, n_permutations=1 if v is None else v),
    "n_needed": lambda v: permutation.n_needed("rank", alpha=v),
    "exact_p b": lambda v: permutation.exact_p(v, 99),
    "exact_p m": lambda v: permutation.exact_p(0, v),
    "crawford_howell": lambda v: single_case.crawford_howell(v, X),
    "power": lambda v: single_case.power(v, n=9),
    "power n": lambda v: single_case.power(-2, n=v),
    "power alpha": lambda v: single_case.power(-2, n=9, alpha=v),
    "rng": lambda v: single_case.bayesian_standardised_difference(
        (0, 1), C, n_draws=10, rng=[-1] if v == [1, 2] else v
    ),
    "cohens_d popmean": lambda v: effects.cohens_d(X, popmean=v),
    "noncentral t": lambda v: effects.noncentral_t_interval(v, 9),
    "noncentral df": lambda v: effects.noncentral_t_interval(1.0, v),
    "small_sample_factor": effects.small_sample_factor,
    "gourevitch_galanter_variance": lambda v: effects.gourevitch_galanter_variance(0.5, 0.4, v, 9),
    "yes_no": lambda v: effects.yes_no(v, 9, 2, 9),
    "mafc_d_prime": lambda v: effects.mafc_d_prime(v, 3),
    "mafc_d_prime m": lambda v: effects.mafc_d_prime(0.5, v),
    "bounds": lambda v: equivalence.tost_one_sample(X, bounds=v),
    "one-sided bounds": lambda v: equivalence.sign_flip_tost(X, bounds=(-1, v)),
    "tost popmean": lambda v: equivalence.tost_one_sample(X, bounds=1, popmean=v),
    "tost mean": lambda v: equivalence.tost_one_sample_summary(v, 1, 9, bounds=1),
    "tost sd": lambda v: equivalence.tost_one_sample_summary(0, v, 9, bounds=1),
    "tost n": lambda v: equivalence.tost_one_sample_summary(0, 1, v, bounds=1),
    "tost r": lambda v: equivalence.tost_paired_summary((0, 0.1), (1, 1), 9, r=v, bounds=1),
    "tost two sds": lambda v: equivalence.tost_independent_summary((0, 0.1), (1, v), (9, 9), bounds=1),
    "tost two ns": lambda v: equivalence.tost_independent_summary((0, 0.1), (1, 1), (9, v), bounds=1),
    "jzs t": lambda v: equivalence.jzs_bayes_factor(v, 9),
    "jzs n": lambda v: equivalence.jzs_bayes_factor(1, v),
    "jzs r": lambda v: equivalence.jzs_bayes_factor(1, 9, r=v),
    "bootstrap draws": lambda v: intervals.bootstrap(X, n_resamples=v, rng=0),
    "spearman_brown n": lambda v: reliability.spearman_brown(0.5, v),
    "splits": lambda v: reliability.split_half(np.tile(M, (2, 1)), n_splits=v, rng=0),
    "wilson k": lambda v: proportion.wilson(v, 9),
    "clopper_pearson n": lambda v: proportion.clopper_pearson(1, v),
    "alpha": lambda v: multiplicity.holm([0.1], alpha=v),
    "guess": lambda v: psychometric.fit([1, 2, 3, 4.0], [3, 5, 8, 9], 10, guess=v),
    "chance": lambda v: psychometric.dose_response([1, 2, 3, 4, 5.0], [0.9, 0.8, 0.6, 0.4, 0.3], chance=v),
    "intact": lambda v: psychometric.normalised_area([1, 2, 3], [0.9, 0.5, 0.3], chance=0.2, intact=v),
    "resolution": lambda v: graphs.modularity(np.ones((4, 4)) - np.eye(4), [0, 0, 1, 1], resolution=v),
    "t_power": lambda v: design_check.t_power(v, n=9),
    "t_power n": lambda v: design_check.t_power(0.5, n=v),
    "t_n_needed": lambda v: design_check.t_n_needed(v),
    "players": lambda v: shapley.exact(lambda mask: mask.sum(axis=1), v),
}
#: Documented to be infinite (the df of a normal deviate) or not there (the error over samples of a game without any).
MEANT = {"df", "sampling_se"}


def fields(result):
    """Give each number of a result with its name."""
    if dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            inner = getattr(result, field.name)
            nested = fields(inner) if dataclasses.is_dataclass(inner) else [(field.name, inner)]
            yield from nested
    elif not isinstance(result, str):
        yield "", result


def unflagged(result):
    """Give what is wrong with a result: a p that is none, a missing value that nothing explains."""
    note, valid, found = getattr(result, "note", ""), getattr(result, "valid", None), []
    for name, value in fields(result):
        if (
            name in MEANT
            or not isinstance(value, float | np.floating | np.ndarray)
            or np.asarray(value).dtype.kind != "f"
        ):
            continue
        values = np.asarray(value)
        if name in ("p", "lower_p", "upper_p") and not ((values > 0) & (values <= 1)).all():
            found.append(f"{name}={value}")
        elif not np.isfinite(values).all():
            masked = valid is not None and values.shape == valid.shape and np.isfinite(values[valid]).all()
            if not masked and not note:
                found.append(f"{name}={value}")
    return found


def examined(call, given):
    try:
        result = call(given)
    except NeurolabError as refused:
        return [] if len(str(refused)) > 20 else [f"refused without a sentence: {refused}"]
    return unflagged(result)


@pytest.mark.parametrize("name", list(ON_SAMPLES))
def test_samples(name):
    wrong = {kind: examined(ON_SAMPLES[name], given) for kind, given in SAMPLES.items()}
    assert not {kind: found for kind, found in wrong.items() if found}


@pytest.mark.parametrize("name", list(ON_TABLES))
def test_tables(name):
    wrong = {kind: examined(ON_TABLES[name], given) for kind, given in TABLES.items()}
    assert not {kind: found for kind, found in wrong.items() if found}


@pytest.mark.parametrize("name", list(ON_NUMBERS))
def test_numbers(name):
    wrong = {kind: examined(ON_NUMBERS[name], given) for kind, given in NUMBERS.items()}
    assert not {kind: found for kind, found in wrong.items() if found}


def test_the_examiner_sees_what_it_should():
    zero = dataclasses.replace(permutation.sign_flip(X), p=0.0)
    assert unflagged(zero) == ["p=0.0"]
    bare = dataclasses.replace(permutation.sign_flip(X[:3]), note="")
    assert len(unflagged(bare)) == 2
    assert unflagged(permutation.sign_flip(X[:3])) == []
    assert examined(lambda v: np.nan, 0) == ["=nan"]
