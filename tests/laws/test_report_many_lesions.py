"""What a reader is spared: thousands of lesions by name; and what the words say of tests of shares."""

import numpy as np
import pytest

import neurolab as nl
from neurolab.report import methods_text


def trials(n, lesioned=0.5, n_stimuli=40):
    """One network, n single-unit lesions, half of them by another ablation, and one of two units."""
    rows = {"lesion_id": ["sham"], "roi": ["u0"], "role": ["sham"], "how": [""], "n_units": [0.0]}
    for at in range(n):
        for name, value in zip(rows, (f"u{at}", f"u{at}", "target", "Zero" if at % 2 else "Mean", 1.0 + (at == 1))):
            rows[name].append(value)
    scores = np.full((1, n + 1, n_stimuli), lesioned)
    scores[:, 0] = 1
    return nl.make_trials(
        scores, specimen=["net"], kind="simulated", lesions=rows,
        trial={"task": ["t"] * n_stimuli, "stimulus_id": [f"s{k}" for k in range(n_stimuli)],
               "condition": ["x"] * n_stimuli},
        tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.1}},
    )  # fmt: skip


def test_few_lesions_are_named_and_many_are_counted():
    few, many = trials(4), trials(200)
    assert "u3 (Zero, 1 unit)" in methods_text(nl.deficits(few, rng=0))
    said = methods_text(nl.deficits(many, rng=0))
    assert "here for 200 lesions in the tasks t" in said
    assert "100 lesions (Mean, 1 unit), 1 lesion (Zero, 2 units) and 99 lesions (Zero, 1 unit)" in said
    assert "u199" not in said
    whole = methods_text(many)
    assert "100 lesions (1 unit, Mean" in whole
    assert "1 lesion (2 units, Zero" in whole
    assert "u199" not in whole
    assert "u3 (Zero, 1 unit" in methods_text(few)


def test_many_tests_without_correction_and_tasks_of_different_size_are_said():
    assert "200 tests without correction: expect 10 false alarms" in nl.deficits(trials(200), rng=0).attrs["note"]
    assert "without correction" not in nl.deficits(trials(4), rng=0).attrs["note"]
    both = trials(2)
    task = np.array(["few"] * 12 + ["many"] * 28, dtype=object)
    mixed = both.assign_coords(task=("trial", task)).assign_attrs(tasks=both.attrs["tasks"].replace('"t"', '"few"'))
    for result in (nl.deficits(mixed, rng=0), nl.spared(mixed, lesion="u0", tasks=("few", "many"),
                                                       within={"few": 0.1, "many": 0.1}, rng=0)):
        assert "Tasks differ in size: few 12, many 28 stimuli; n is the smallest." in result.attrs["note"]


@pytest.mark.parametrize(("lesioned", "shares"), [(1.0, True), (0.5, False)])
def test_methods_say_which_intervals_these_are(lesioned, shares):
    found = trials(2, lesioned)
    said = methods_text(nl.deficits(found, rng=0))
    assert ("paired shares where stimuli are right or wrong" in said) == shares
    assert ("invert that test" in said) != shares
    spared = methods_text(nl.spared(found, lesion="u0", tasks=("t",), rng=0))
    assert ("score tests of paired shares" in spared) == shares
    assert ("Tango 1998" in spared) == ("Tango 1998" in said) == shares
