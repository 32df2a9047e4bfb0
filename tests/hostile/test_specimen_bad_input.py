"""Wrong sites, units, values, stimuli and tasks: a typed error that says what to type next."""


import numpy as np
import pytest
from fresh import own_chance, shown, small
from torch import nn

import neurolab.scores as scores
from neurolab.errors import (
    DataError,
    DoubleDippingError,
    LesionPlanError,
    RefusedSiteError,
    SpecimenError,
    UnknownNameError,
    UnknownSiteError,
)
from neurolab.lesion import Lesion, Mean, Quantise, WeightNoise, Zero
from neurolab.roi import ROI
from neurolab.specimen import Cohort, Probe, Specimen, Task, examine, predicted_bytes, record, train_cohort


@pytest.fixture(autouse=True)
def _own_chance():
    """Every test builds its networks from the same torch state."""
    with own_chance():
        yield


X = np.linspace(-1, 1, 24).reshape(6, 4)


# -- addresses, units, values ----------------------------------------------------------------------------------------


def test_unknown_site__suggests_the_nearest():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.block4, self.head = nn.Linear(4, 3), nn.Linear(3, 2)

        def forward(self, x):
            return self.head(self.block4(x))

    net = Specimen(Named(), np.ones((1, 4)))
    with pytest.raises(UnknownSiteError, match="Did you mean 'block4'"):
        record(net, shown(X), ["block5"])
    with pytest.raises(UnknownSiteError, match="Did you mean 'block4'"):
        examine(net, [Lesion(ROI("r", {"blok4": [0]}), Zero())], [Task("t", shown(X), scores.accuracy)])


@pytest.mark.parametrize("how", [Zero(), WeightNoise(0.1), Quantise(4)])
def test_units_out_of_range__are_refused(how):
    with pytest.raises(LesionPlanError, match=r"unit 5 .*numbered 0 to 4"):
        record(small(), shown(X), ["output"], lesions=[Lesion(ROI("r", {"0": [5]}), how)])


def test_region_of_another_layout__is_refused():
    with pytest.raises(LesionPlanError, match="channel"):
        record(small(), shown(X), ["output"], lesions=[Lesion(ROI("r", {"0": [1]}, {"0": ("channel",)}), Zero())])


def test_bad_activity__names_site_and_stimulus():
    """Finite inputs, but a layer that doubles them leaves the range of float32."""
    inputs = X.astype(np.float32)
    inputs[3, 2] = 3e38

    class Doubled(nn.Module):
        def forward(self, x):
            return x * 2

    net = Specimen(nn.Sequential(Doubled(), nn.Linear(X.shape[1], 2)), X[:2], name="doubled")
    with pytest.raises(DataError, match=r"'0'.*unit 2.*'s3'"):
        record(net, shown(inputs), ["0"])


def test_reference_without_the_site_or_the_units__is_refused():
    net, stimuli = small(), shown(X)
    other = record(net, stimuli, ["output"])
    some = record(net, stimuli, [Probe("1", units=[0, 1])])
    with pytest.raises(LesionPlanError, match="lacks site '1'"):
        record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {"1": [0]}), Mean(other))])
    with pytest.raises(LesionPlanError, match="lacks 1 lesioned units"):
        record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {"1": [0, 3]}), Mean(some))])


def test_reference_pooled_by_the_maximum__is_no_value_to_hold_a_unit_at():
    net = Specimen(nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(108, 2)), np.ones((1, 1, 8, 8)))
    stimuli = shown(np.random.default_rng(0).normal(size=(4, 1, 8, 8)))
    reference = record(net, stimuli, [Probe("0", pool="max")])
    with pytest.raises(LesionPlanError, match="pool='mean'"):
        record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {"0": [0]}), Mean(reference))])


def test_probes__bad_ones_are_named():
    net, stimuli = small(), shown(X)
    with pytest.raises(UnknownNameError, match="Did you mean 'mean'"):
        Probe("0", pool="meen")
    with pytest.raises(DataError, match="to halve what is kept"):
        Probe("0", dtype="int8")
    with pytest.raises(DataError, match="twice"):
        record(net, stimuli, ["0", Probe("0", pool=None)])
    with pytest.raises(DataError, match="no probes"):
        record(net, stimuli, [])
    with pytest.raises(LesionPlanError, match="out of range"):
        record(net, stimuli, [Probe("0", units=[9])])
    with pytest.raises(DataError, match="batch_size"):
        record(net, stimuli, ["0"], batch_size=0)
    image = Specimen(nn.Conv2d(1, 3, 3), np.ones((1, 1, 8, 8)), output=lambda raw: raw.mean((2, 3)))
    with pytest.raises(RefusedSiteError, match="for sequences"):
        record(image, shown(np.ones((2, 1, 8, 8))), [Probe("input", pool="last")])
    with pytest.raises(RefusedSiteError, match="for attention heads"):
        record(net, stimuli, [Probe("0", pool="norm")])


def test_stimuli_that_do_not_fit__are_refused():
    with pytest.raises(DataError, match=r"shape \(5,\) each.*\(4,\)"):
        record(small(), shown(np.ones((2, 5))), ["0"])
    with pytest.raises(DataError, match="astype"):
        record(small(), shown(np.ones((2, 4), dtype=int)), ["0"])


def test_token_ids__are_recorded_and_cut_at_the_embedding_not_at_the_input():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = nn.Embedding(9, 5), nn.Linear(5, 2)

        def forward(self, ids):
            return self.head(self.embedding(ids).mean(1))

    net, stimuli = Specimen(Reader(), np.ones((1, 6), dtype=int)), shown(np.arange(24).reshape(4, 6) % 9)
    np.testing.assert_array_equal(record(net, stimuli, ["input"]).values, stimuli.inputs)
    with pytest.raises(RefusedSiteError, match="lesion the embedding"):
        record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {"input": [0]}), Zero())])
    lesioned = record(net, stimuli, ["embedding"], lesions=[Lesion(ROI("r", {"embedding": [3]}), Zero())])
    assert np.all(lesioned.values[:, 3] == 0)
    assert np.any(lesioned.values[:, 2] != 0)


def test_predicted_bytes__are_the_bytes():
    net, stimuli = small(), shown(X)
    assert predicted_bytes(net, stimuli, ["0", "output"]) == record(net, stimuli, ["0", "output"]).nbytes


# -- tasks -----------------------------------------------------------------------------------------------------------


def test_double_dipping__is_refused_and_the_override_is_recorded():
    net, stimuli = small(), shown(X)
    lesion = Lesion(ROI("r", {"0": [1]}, chosen_on=frozenset({"s2", "t9"})), Zero())
    task = Task("t", stimuli, scores.accuracy)
    with pytest.raises(DoubleDippingError, match=r"1 of the stimuli.*'s2'"):
        examine(net, [lesion], [task])
    assert examine(net, [lesion], [task], allow_double_dipping=True).attrs["override"] == "double dipping allowed"
    assert examine(net, [lesion], [Task("t", stimuli.take([0, 1]), scores.accuracy)]).attrs["override"] == ""


@pytest.mark.parametrize("others", [0, 1])
def test_double_dipping__marked_twins_are_the_same_stimuli(others):
    """A region that was chosen on a picture is not tested on the picture with a mark, alone or among others."""
    net, stimuli = small(), shown(X)
    lesion = Lesion(ROI("r", {"0": [1]}, chosen_on=frozenset({"s2"})), Zero())
    twins = stimuli.where(stimulus_id=["s2"]).marked([0], mark="seen").marked([1], mark="twice")
    twins = twins.joined(stimuli.where(stimulus_id=["s1"])) if others else twins
    with pytest.raises(DoubleDippingError, match="'s2'"):
        examine(net, [lesion], [Task("t", twins, scores.accuracy)])
    assert examine(net, [lesion], [Task("t", stimuli.where(stimulus_id=["s1"]), scores.accuracy)]).sizes["trial"] == 1


def test_tasks__bad_ones_are_named():
    net, stimuli = small(), shown(X)
    lesion = Lesion(ROI("r", {"0": [1]}), Zero())
    with pytest.raises(DataError, match="name of its own"):
        examine(net, [lesion], [Task("t", stimuli, scores.accuracy)] * 2)
    with pytest.raises(DataError, match="name of its own"):
        examine(net, [lesion], [])
    with pytest.raises(DataError, match=r"score failed.*KeyError"):
        examine(net, [lesion], [Task("t", stimuli, lambda outputs, table: table["nothing"])])
    with pytest.raises(DataError, match="6 numbers"):
        examine(net, [lesion], [Task("t", stimuli, lambda outputs, table: outputs)])
    with pytest.raises(DataError, match="6 NaN"):
        examine(net, [lesion], [Task("t", stimuli, lambda outputs, table: outputs[:, 0] * np.nan)])
    with pytest.raises(LesionPlanError, match="one flat sequence"):
        examine(net, [[lesion]], [Task("t", stimuli, scores.accuracy)])
    with pytest.raises(LesionPlanError, match="Two lesions are called"):
        examine(net, [lesion, Lesion(ROI("r", {"0": [2]}), Zero())], [Task("t", stimuli, scores.accuracy)])


def test_cohort__refuses_equal_names_and_slices():
    a, b = small(), Specimen(nn.Linear(4, 2), np.ones((1, 4)), name="other")
    with pytest.raises(SpecimenError, match="more than once"):
        Cohort((a, a))
    cohort = Cohort((a, b), "pair")
    assert cohort[:1].names == ("small",)
    assert cohort["other"] is b
    with pytest.raises(UnknownNameError, match="Did you mean 'other'"):
        cohort["othre"]


def test_train_cohort__says_what_it_cannot_teach():
    with pytest.raises(DataError, match="no column 'name'"):
        train_cohort(lambda: nn.Linear(4, 2), shown(X), label="name", rng=0)
