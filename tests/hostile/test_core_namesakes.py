"""Two networks may have one name: a region of one is not cut in the other, unless one came from the other."""

import pickle

import numpy as np
import pytest
import torch

import neurolab as nl
from neurolab.errors import LesionPlanError, SchemaError
from neurolab.specimen import remove_units, retrain
from neurolab.unions import unions_of


def network(seed, name=""):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)
        return nl.Specimen(torch.nn.Sequential(*layers), torch.zeros(2, 4), name=name)


def stimuli(prefix):
    values = np.random.default_rng(len(prefix)).standard_normal((12, 4)).astype(np.float32)
    table = {"stimulus_id": [f"{prefix}{i}" for i in range(12)], "condition": ["x", "y"] * 6, "label": [0, 1] * 6}
    return nl.StimulusSet(prefix, values, table)


def area_of(net, name="area"):
    return nl.select_roi(nl.localise(nl.record(net, stimuli("choose"), ["1"]), "x > y", test="rank"), name=name, top=2)


def examined(net, roi, how=None):
    task = nl.Task("name", stimuli("test"), nl.scores.margin)
    return nl.examine(net, [nl.Lesion(roi, how or nl.Zero())], [task], progress=False)


def one_more_epoch(net, **held):
    nets, _ = retrain(nl.Cohort([net], name="nets"), stimuli("learned"), recipe=nl.specimen.Recipe(epochs=2),
                      watch=[nl.Task("name", stimuli("watched"), nl.scores.accuracy)], rng=0, **held)
    return nets[0]


FIRST, SECOND = network(0), network(1)
AREA = area_of(FIRST)


def test_a_namesake__is_not_cut_held_or_robbed_of_units():
    assert FIRST.name == SECOND.name == AREA.specimen == "Sequential"
    assert AREA.weights == {FIRST.digest[:16]}
    assert examined(FIRST, AREA).sizes["lesion"] == 2
    said = r"another network that is called 'Sequential' too.*name='seed 1'.*roi\.moved_to\('Sequential'\)"
    with pytest.raises(LesionPlanError, match="^examine.*" + said):
        examined(SECOND, AREA)
    with pytest.raises(LesionPlanError, match=r"^remove_units\(\).*" + said):
        remove_units(SECOND, AREA)
    with pytest.raises(LesionPlanError, match=r"^retrain\(\).*" + said):
        one_more_epoch(SECOND, held=nl.Lesion(AREA, nl.Zero()))


def test_regions_of_namesakes__are_neither_joined_nor_looked_up():
    other = area_of(SECOND)
    for join in (lambda: AREA | other, lambda: AREA.dice(other), lambda: unions_of([AREA, other])([0, 1])):
        with pytest.raises(SchemaError, match=r"two networks of one name, 'Sequential', with other weights"):
            join()
    with pytest.raises(SchemaError, match=r"'area' and the recording are of two networks of one name"):
        AREA.mask(nl.record(SECOND, stimuli("choose"), ["1"]))
    assert (AREA | area_of(FIRST, "again")).weights == AREA.weights


def test_what_is_moved_or_made_by_hand_or_was_kept_without_weights__is_cut():
    assert examined(SECOND, AREA.moved_to("Sequential")).sizes["lesion"] == 2
    assert examined(SECOND, nl.ROI("by hand", {"1": [0]})).sizes["lesion"] == 2
    old = nl.ROI(*AREA.__reduce__()[1][:7])  # as it was pickled before it knew its weights
    assert old.weights == frozenset()
    assert examined(SECOND, old).sizes["lesion"] == 2
    again = pickle.loads(pickle.dumps(AREA))
    assert again.weights == AREA.weights
    with pytest.raises(LesionPlanError, match="another network"):
        examined(SECOND, again)
    assert examined(network(0), AREA).sizes["lesion"] == 2  # the same weights once more


def test_a_sham_of_another__needs_no_region():
    design = [nl.sham(nl.Lesion(AREA, nl.Zero())), nl.Lesion(area_of(SECOND), nl.Zero())]
    task = nl.Task("name", stimuli("test"), nl.scores.margin)
    assert nl.examine(SECOND, design, [task], progress=False).sizes["lesion"] == 2


def test_a_network_that_went_on_learning_or_lost_units__keeps_its_regions():
    learned = one_more_epoch(FIRST)
    twice, cut = one_more_epoch(learned), remove_units(FIRST, AREA)
    assert len({one.digest for one in (FIRST, learned, twice, cut)}) == 4
    for one in (learned, twice, cut):
        assert examined(one, AREA).sizes["lesion"] == 2
        assert AREA.mask(nl.record(one, stimuli("choose"), ["1"])).sum() == 2
        later = area_of(one)
        assert 0 <= AREA.dice(later) <= 1
        assert examined(FIRST, later).sizes["lesion"] == 2
        with pytest.raises(LesionPlanError, match="another network"):
            examined(SECOND, later)
    assert examined(cut, area_of(learned)).sizes["lesion"] == 2  # both came from one


def test_all_that_makes_regions__remembers_the_weights():
    recording = nl.record(FIRST, stimuli("choose"), ["1"])
    lesions = [
        *nl.random_lesions(recording, nl.Zero(), 1, n_units=2, rng=0),
        *nl.matched_controls(nl.Lesion(AREA, nl.Zero()), recording, 1, match=("site",), rng=0),
        *nl.analysis.unit_lesions(recording, nl.Zero()),
    ]
    rois = [nl.region(recording, name="all", site="1"), AREA.complement(recording), AREA.renamed("b"),
            *(one.roi for one in lesions if one.role != "sham")]  # fmt: skip
    assert {roi.weights for roi in rois} == {AREA.weights}


def test_a_campaign__inside_a_bench_with_cut_weights_is_of_the_network_as_it_was():
    with nl.specimen.bench(FIRST) as table, table.lesioned(nl.Lesion(nl.ROI("w", {"0": [1]}), nl.CutWeights("in"))):
        assert examined(FIRST, AREA).sizes["lesion"] == 2
