"""The traps of the statistics specification (its section 0): which test holds each, and those not held elsewhere.

T1  test_t1_one_dead_column_leaves_the_others_alone
T2  test_v36_max_t
T2  test_max_t_one_sample_equals_a_loop
T2  test_t2_a_tail_has_a_null_of_its_own
T3  test_max_t_agrees_with_mne_without_neighbours
T4  test_t4_chance_has_one_name
T5  test_exactly_k_come_back_however_many_are_tied
T6  test_t6_dead_and_silent_columns_are_masked
T7  test_glm_two_sided_where_nilearn_is_one_sided
T8  test_t8_conditions_keep_their_order_and_stimuli_are_matched
T9  test_t9_float32_with_an_offset
T10 test_traps_are_refused_with_what_was_measured
T11 test_traps_are_refused_with_what_was_measured
T12 test_t12_five_networks_cannot_reach_05_two_sided
T12 test_too_few_networks_cannot_decide_and_it_is_said_how_many_can
T13 test_t13_noncentral_interval_far_from_the_mode
T13 test_power_far_from_the_null_is_one_or_nothing
T14 test_matched_controls__same_count_per_site_disjoint_and_all_different
T15 test_from_epochs__keeps_what_mne_gives_with_misc_channels_and_bads
T16 test_t16_both_operands_of_a_product_have_one_dtype
T17 test_t17_double_dipping
T17 test_double_dipping_on_noise_is_seen_by_the_map_and_not_by_the_left_out_folds
"""

import ast
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from neurolab import recording
from neurolab.stats import _columns, _halves, _maxima, permutation, similarity

ROOT = Path(__file__).resolve().parents[2]


def test_every_trap_names_a_test_that_exists():
    named = re.findall(r"^T(\d+)\s+(test_\w+)$", __doc__, re.M)
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert {int(trap) for trap, _ in named} == set(range(1, 18))
    assert not [name for _, name in named if f"def {name}(" not in written]


def test_t2_a_tail_has_a_null_of_its_own():
    # mne.stats.permutation_t_test builds the null of max |t| for a tail too, so its one-sided p is the two-sided one
    x = np.random.RandomState(0).randn(6, 3) + 0.8
    one, two = permutation.max_t(x, alternative="greater"), permutation.max_t(x)
    assert (one.p < two.p).all()
    assert one.null.size == 2**6
    mne_stats = pytest.importorskip("mne.stats")
    theirs = mne_stats.permutation_t_test(x, n_permutations=2**6, tail=1, rng=0, verbose="error")[1]
    assert (theirs >= two.p).all()  # the bug is still there: when it goes, this says so


def calls_of(module):
    """Give each call in a module with the names of its keywords."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {keyword.arg for keyword in node.keywords}


def test_t4_chance_has_one_name():
    # mne 1.13 made seed= and random_state= legacy: the same integer gives another stream than rng= does
    wrong = [
        (module.name, function)
        for module in (ROOT / "neurolab").rglob("*.py")
        for function, keywords in calls_of(module)
        if function.startswith(("mne.", "np.random.seed", "numpy.random.seed", "random.seed"))
        and (function.endswith(".seed") or keywords & {"seed", "random_state"})
    ]
    assert wrong == []
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert "mne>=1.13" in needed


def test_t8_conditions_keep_their_order_and_stimuli_are_matched():
    # rsatoolbox sorts conditions as words ('1', '10', '2') when given a descriptor, and never checks two RDMs
    x = np.random.default_rng(0).normal(size=(24, 6)) + np.repeat(np.arange(12.0), 2)[:, None]
    numbers, runs = np.repeat(np.arange(12), 2), np.tile([0, 1], 12)
    found = similarity.crossnobis(x, numbers, runs)
    padded = similarity.crossnobis(x, [f"{number:02d}" for number in numbers], runs)
    np.testing.assert_array_equal(found, padded)  # 10 comes after 9, not after 1
    assert found[0] < found[1] < found[8]  # conditions 0 and 1, 2, 9: ever farther
    ids = [f"s{number}" for number in range(12)]
    kept = {"kind": "simulated"}
    a, b = (
        recording.make_recording(
            x[::2][order], presentation={"stimulus_id": np.array(ids)[order], "condition": ["x"] * 12}, **kept
        )
        for order in (np.arange(12), np.random.default_rng(1).permutation(12))
    )
    left, right = recording.align(a, b)
    assert similarity.compare_rdms(similarity.rdm(left), similarity.rdm(right)) == pytest.approx(1)
    assert similarity.compare_rdms(similarity.rdm(a), similarity.rdm(b)) < 0.9  # what unmatched rows would have said


def test_t12_five_networks_cannot_reach_05_two_sided():
    found = permutation.sign_flip([0.3, 0.4, 0.2, 0.5, 0.4])
    assert found.p == found.p_floor == 0.0625
    assert "use 6 or more" in found.note
    assert permutation.sign_flip([0.3, 0.4, 0.2, 0.5, 0.4, 0.3]).p == 0.03125
    assert permutation.n_needed("sign_flip") == 6


@pytest.mark.parametrize("exact", [True, False])
def test_t16_both_operands_of_a_product_have_one_dtype(exact):
    # float64 @ float32 leaves BLAS and is some hundred times slower
    z = np.random.default_rng(0).normal(size=(8, 5))
    dtype = np.float64 if exact else _maxima.DRAWN
    kept = z.astype(dtype)
    drawn = _halves.paired_flips(8, 64, np.random.default_rng(0), 32)
    for rows in (
        _maxima.sign_rows(8, 64, half=False, block=32) if exact else drawn,
        _maxima.split_rows(8, 4, 70, 0, exact=exact, block=32),
    ):
        first = next(rows)
        assert first.dtype == dtype
        statistics = _columns._products(kept), _halves.half_products(kept), _columns._two_sample(kept, 4, "welch")
        for statistic in statistics:
            assert statistic(first, slice(None)).dtype == dtype
