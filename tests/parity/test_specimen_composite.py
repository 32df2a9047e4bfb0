"""Two lesions at once, ``lesion & noise``: the bits of doing the one after the other by hand, replayed or not."""

import json
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab.scores as scores
from neurolab.design import noise_ladder, pairs, sham
from neurolab.errors import DoubleDippingError, LesionNotApplied, LesionPlanError
from neurolab.lesion import Clamp, CutWeights, Lesion, Mean, Noise, Quantise, Resample, Scale, WeightNoise, Zero
from neurolab.matching import matched_controls
from neurolab.roi import ROI
from neurolab.specimen import Specimen, Task, bench, examine, record
from neurolab.specimen.cuts import cut_of
from neurolab.specimen.promises import one_thread
from neurolab.specimen.replay import Batch, Replay
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(3)
N = 9


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurolab.specimen.replay.WORTH", 0.01)  # few lesions are replayed here too
        yield


def shown(n, prefix):
    table = {"stimulus_id": [f"{prefix}{at}" for at in range(n)], "condition": ["a"] * n, "label": np.arange(n) % 3}
    return StimulusSet(prefix, DRAW.normal(size=(n, 6)).astype(np.float32), pd.DataFrame(table))


def network():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 7), nn.Tanh(), nn.Linear(7, 3)).eval()


MODEL = network()
NET = Specimen(MODEL, np.ones((1, 6), dtype=np.float32), name="net")
STIMULI, OTHERS = shown(N, "s"), shown(14, "r")
USUAL = record(NET, OTHERS, ["input", "1", "3"])
EARLY, LATE, STIM = ROI("early", {"1": [0, 2, 5]}), ROI("late", {"3": [1, 4, 6]}), ROI("stimuli", {"input": range(6)})
AREA = Lesion(LATE, Mean(USUAL), name="area")
COMPOSITES = {
    "input noise": AREA & Lesion(STIM, Noise(0.8, USUAL), rng=5),
    "noise before it": AREA & Lesion(EARLY, Noise(0.8, USUAL)),
    "noise behind it": Lesion(EARLY, Zero()) & Lesion(LATE, Noise(0.8, USUAL)),
    "noise in it": Lesion(LATE, Scale(0.5)) & Lesion(ROI("wide", {"3": range(7)}), Noise(0.8, USUAL)),
    "weight noise": AREA & Lesion(EARLY, WeightNoise(0.5)),
    "weights of both": Lesion(LATE, CutWeights("in")) & Lesion(ROI("wide", {"3": range(7)}), Quantise(2)),
    "three": Lesion(LATE, Clamp(0.3)) & Lesion(EARLY, Resample(USUAL)) & Lesion(STIM, Noise(0.3, USUAL)),
}


def by_hand(lesion):
    """The read-out with one part put in place after the other, each by itself."""
    with ExitStack() as stack:
        table = stack.enter_context(bench(NET))
        for part in lesion.parts:
            stack.enter_context(table.lesioned(part))
        return table.forward(NET.prepare(STIMULI.inputs), STIMULI.ids)


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_composite__is_its_parts_at_once_and_replay_gives_the_same_bits(name):
    lesion = COMPOSITES[name]
    batch = Batch(NET.prepare(STIMULI.inputs), STIMULI.ids)
    with bench(NET) as table:
        replay = Replay(table, [batch], [lesion])
        with table.lesioned(lesion) as damage:
            whole, again = table.forward(batch.inputs, batch.ids), replay.forward(batch, damage)
        singles = [outputs(table, part) for part in lesion.parts]
    assert torch.equal(whole, by_hand(lesion))
    assert torch.equal(whole, again)
    assert not any(torch.equal(whole, single) for single in singles)  # each part shows
    assert cut_of(NET, lesion) == min((cut_of(NET, part) for part in lesion.parts), key=len)


def outputs(table, lesion):
    with table.lesioned(lesion):
        return table.forward(NET.prepare(STIMULI.inputs), STIMULI.ids)


def test_a_composite__runs_nothing_that_ended_before_its_earliest_part():
    late, both = cut_of(NET, COMPOSITES["noise behind it"].parts[0]), cut_of(NET, COMPOSITES["noise behind it"])
    assert {path for path, _ in late} == {"0", "1", "2", "3"}
    assert {path for path, _ in both} == {"0", "1"}
    assert cut_of(NET, COMPOSITES["input noise"]) == frozenset()


def test_a_campaign_of_composites__is_bitwise_the_campaign_without_replay(monkeypatch):
    design = [AREA, *COMPOSITES.values(), *(Lesion(ROI(f"u{at}", {"3": [at]}), Zero()) for at in range(5))]
    design = [lesion if at < 1 else renamed(lesion, at) for at, lesion in enumerate(design)]
    task = Task("t", STIMULI, scores.margin)
    replayed = examine(NET, design, [task], batch_size=4, progress=False)
    monkeypatch.setattr("neurolab.specimen.room.BUDGET", -1)  # no room for intact outputs: whole forwards
    whole = examine(NET, design, [task], batch_size=4, progress=False)
    np.testing.assert_array_equal(replayed.score.values, whole.score.values)
    np.testing.assert_array_equal(replayed.certificate_changed.values, whole.certificate_changed.values)


def renamed(lesion, at):
    return Lesion(lesion.roi, lesion.how, name=f"lesion {at}", rng=lesion.rng, also=lesion.also)


def test_units_that_are_gone_make_no_noise_and_the_rest_hear_the_same_noise_as_the_intact_network():
    noise = Lesion(ROI("wide", {"3": range(7)}), Noise(0.8, USUAL), rng=7)
    cut = Lesion(LATE, Zero(), name="cut")
    intact, both = (record(NET, STIMULI, ["3"], lesions=[one]).values for one in (noise, cut & noise))
    gone = np.isin(np.arange(7), [1, 4, 6])
    assert not both[:, gone].any()
    np.testing.assert_array_equal(both[:, ~gone], intact[:, ~gone])
    turned = record(NET, STIMULI, ["3"], lesions=[noise & cut]).values  # the noise acts last: it is added to the zero
    assert turned[:, gone].all()


def test_the_certificate__covers_every_part():
    dead = Lesion(ROI("nothing to cut", {"1": [0]}), Zero())
    silent = Specimen(nn.Sequential(nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 3)), np.ones((1, 6), dtype=np.float32))
    with torch.no_grad():
        silent.model[0].weight[0] = 0
        silent.model[0].bias[0] = -1
    usual = record(silent, OTHERS, ["input"])
    noise = Lesion(STIM, Noise(1.0, usual))
    design = [dead, noise, dead & noise, noise & dead]
    rows = examine(silent, design, [Task("t", STIMULI, scores.margin)], progress=False)
    assert rows["vacuous"].values[0].tolist() == [False, True, False, True, True]
    np.testing.assert_allclose(rows["certificate_changed"].values[0, 2:], [1, 6 / 7, 6 / 7])

    class Skips(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(6, 3), nn.Linear(3, 3)

        def forward(self, x):
            return self.used(x) if float(x.detach().max()) < 50 else self.unused(self.used(x))

    net = Specimen(Skips(), np.full((1, 6), 999, dtype=np.float32))
    never = Lesion(ROI("never", {"unused": [0]}), Zero())
    for lesion in (noise & never, never & noise):
        with pytest.raises(LesionNotApplied):
            examine(net, [lesion], [Task("t", STIMULI, scores.margin)], progress=False)


def test_names_rungs_and_notes__say_what_was_done_together():
    ladder = noise_ladder(Lesion(STIM, Noise(1.0, USUAL), name="input"), [0.5, 1.0], n_draws=2)
    rungs = [AREA & rung for rung in ladder]
    assert [one.id for one in rungs[::2]] == ["area & input noise 0.5", "area & input noise 0.5 | draw 1"]
    assert {one.rung for one in rungs} == {("area & input", 0.5), ("area & input", 1.0)}
    assert rungs[0].label == "Mean & Noise sd=0.5 at input"
    trials = examine(NET, [AREA, *ladder, *rungs], [Task("t", STIMULI, scores.margin)], progress=False)
    at = list(trials["lesion_id"].values).index("area & input noise 0.5")
    also = json.loads(trials["lesion_notes"].values[0, at])["also"]
    assert [part["digest"] for part in also] == [ladder[0].digest]
    assert also[0]["digest"] == trials["lesion_digest"].values[0, list(trials["lesion_id"].values).index(ladder[0].id)]
    assert trials["how"].values[at] == "Mean & Noise sd=0.5 at input"
    assert trials["n_units"].values[at] == 3
    assert len({lesion.digest for lesion in (AREA, *ladder, *rungs)}) == 9
    half = Lesion(LATE, Zero(), name="area", dose=0.5) & ladder[0]
    assert (half.rung, half.dose) == (("area | dose 0.5 & input", 0.5), 0.5)


def test_a_sham_of_a_composite__harms_nothing_and_its_controls_keep_the_noise():
    both = COMPOSITES["input noise"]
    intact = record(NET, STIMULI, ["output"]).values
    np.testing.assert_array_equal(record(NET, STIMULI, ["output"], lesions=[sham(both)]).values, intact)
    assert (sham(both).digest, sham(both).n_units) == (sham(AREA).digest, 0)
    control = matched_controls(AREA & Lesion(STIM, Noise(0.8, USUAL)), USUAL, 1, rng=0)[0]
    assert control.role == "control"
    assert [part.roi.sites for part in control.parts] == [("input",), ("3",)]


@pytest.mark.parametrize("how", [WeightNoise(0.1), Quantise(8)], ids=lambda how: how.label)
def test_ladders_of_weight_noise_and_of_rounding(how):
    rungs = noise_ladder(Lesion(EARLY, how, name="weights"), [8, 4, 2])
    assert [rung.how for rung in rungs] == [type(how)(value) for value in (8, 4, 2)]
    wanted = [2.0**-7, 2.0**-3, 0.5] if isinstance(how, Quantise) else [8.0, 4.0, 2.0]
    assert [rung.rung for rung in rungs] == [("weights", value) for value in wanted]


def test_what_cannot_be_joined__is_refused_with_advice():
    noise = Lesion(STIM, Noise(0.8, USUAL), name="noise")
    with pytest.raises(LesionPlanError, match="examine it as a lesion of its own"):
        sham(AREA) & noise
    with pytest.raises(LesionPlanError, match="expected a target"):
        AREA & matched_controls(AREA, USUAL, 1, rng=0)[0]
    with pytest.raises(LesionPlanError, match="lesion & noise"):
        Lesion(LATE, Zero(), also=(AREA & noise,))
    with pytest.raises(LesionPlanError, match="Pair the lesions first"):
        pairs([AREA & noise, AREA & noise])
    with pytest.raises(LesionPlanError, match="draws nothing"):
        noise_ladder(Lesion(EARLY, Quantise(8)), [4], n_draws=2)
    with pytest.raises(LesionPlanError, match="WeightNoise or Quantise"):
        noise_ladder(AREA, [1.0])
    chosen = Lesion(ROI("chosen", {"1": [1]}, chosen_on=frozenset(STIMULI.ids)), Zero())
    with pytest.raises(DoubleDippingError, match="chosen"):
        examine(NET, [noise & chosen], [Task("t", STIMULI, scores.margin)], progress=False)
    elsewhere = Lesion(ROI("theirs", {"1": [1]}, specimen="another"), Zero())
    with pytest.raises(LesionPlanError, match="whose units are others"):
        examine(NET, [noise & elsewhere], [Task("t", STIMULI, scores.margin)], progress=False)
