"""Laws of the bench: an empty lesion is nothing, the past is untouched, and whatever happens, all is as before."""

import random
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import neurolab.scores as scores
from neurolab.errors import LesionNotUndone
from neurolab.lesion import Clamp, CutWeights, Lesion, Mean, Noise, Quantise, Resample, Scale, WeightNoise, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, Task, bench, examine, record
from neurolab.specimen.promises import check_unchanged, one_thread, snapshot
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(0)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


N = 10


def seeded(build):
    """Build with a torch state of its own, so that every run has the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build()


def network():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(5 * 16, 6), nn.Tanh(), nn.Linear(6, 3),
    )  # fmt: skip
    model[1].running_mean.normal_()
    return Specimen(model.eval(), np.ones((1, 1, 8, 8)), name="net")


NET = seeded(network)
STIMULI = StimulusSet("images", DRAW.normal(size=(N, 1, 8, 8)), pd.DataFrame({
    "stimulus_id": [f"s{at}" for at in range(N)], "condition": ["a", "b"] * (N // 2), "label": np.arange(N) % 3}))
SITES = {"input": 1, "0": 4, "1": 4, "2": 4, "3": 5, "4": 5, "5": 80, "7": 6, "8": 6, "9": 3, "output": 3}
REFERENCE = record(NET, STIMULI, [Probe(site, pool=None) for site in SITES])
ACTIVITY = [Zero(), Mean(REFERENCE), Resample(REFERENCE), Noise(1.0, REFERENCE), Scale(0.5), Clamp(1.5)]
WEIGHTS = [CutWeights("both"), CutWeights("in"), WeightNoise(0.5), Quantise(3)]


def lesion_at(site, units, how, **settings):
    return Lesion(ROI("region", {site: units}), how, **settings)


def answer(*lesions, net=NET):
    with bench(net) as table, table.lesioned(*lesions):
        return table.forward(net.prepare(STIMULI.inputs), STIMULI.ids)


regions = st.sampled_from(sorted(SITES)).flatmap(
    lambda site: st.tuples(st.just(site), st.sets(st.integers(0, SITES[site] - 1), min_size=1, max_size=3).map(sorted))
)
activity = st.builds(lambda region, how: lesion_at(*region, how), regions, st.sampled_from(ACTIVITY))
weights = st.builds(
    lambda site, unit, how: lesion_at(site, [unit], how), st.sampled_from(["3", "4", "7"]), st.integers(0, 4),
    st.sampled_from(WEIGHTS),
)
lesions = activity | weights


@given(lesions)
@settings(max_examples=30, deadline=None)
def test_sham__is_the_intact_network_bit_for_bit(lesion):
    sham = Lesion(lesion.roi, lesion.how, role="sham")
    assert torch.equal(answer(), answer(sham))


@given(lesions)
@settings(max_examples=30, deadline=None)
def test_upstream__is_bit_identical(lesion):
    order = list(SITES)
    (site,) = lesion.roi.sites
    # a weight lesion acts from the layer that it changes, the one before at the earliest
    upstream = order[: order.index(site) - 2 * (lesion.how in WEIGHTS)]
    if not upstream:
        return
    intact, cut = record(NET, STIMULI, upstream), record(NET, STIMULI, upstream, lesions=[lesion])
    np.testing.assert_array_equal(intact.values, cut.values)


@given(regions, regions)
@settings(max_examples=30, deadline=None)
def test_zero_lesions__commute_and_make_their_union(one, other):
    a, b = lesion_at(*one, Zero()), lesion_at(*other, Zero())
    both = answer(a, b)
    assert torch.equal(both, answer(b, a))
    assert torch.equal(both, answer(Lesion(a.roi | b.roi, Zero())))
    assert torch.equal(both, answer(Lesion(b.roi | a.roi, Zero())))


HOLDING = [Zero(), Mean(REFERENCE), Resample(REFERENCE), Clamp(0.3), CutWeights("in"), Quantise(3)]


@given(regions, st.sampled_from(HOLDING))
@settings(max_examples=30, deadline=None)
def test_holding_twice__is_holding_once(region, how):
    site, units = ("7", [1, 2]) if how in HOLDING[-2:] else region
    lesion = lesion_at(site, units, how)
    torch.testing.assert_close(answer(lesion, lesion), answer(lesion), rtol=1e-6, atol=1e-7)


@given(lesions)
@settings(max_examples=30, deadline=None)
def test_after_a_lesion__the_intact_network_answers_as_before(lesion):
    digest, before = NET.digest, answer()
    answer(lesion)
    assert NET.digest == digest
    assert torch.equal(before, answer())


def interrupt(error):
    """A user's hook that raises when it meets the activity of the sick stimuli."""

    def hook(module, args, output):
        if float(args[0].max()) > 20:
            raise error

    return hook


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("boom"), SystemExit(1)])
@given(
    st.lists(st.tuples(st.sampled_from(["lesion", "record", "examine", "flags"]), lesions, st.booleans()), max_size=4)
)
@settings(max_examples=40, deadline=None)
def test_any_nesting_with_errors__leaves_all_as_before(error, steps):
    model = NET.model
    sick = StimulusSet("sick", np.where(STIMULI.inputs > 0, 99.0, STIMULI.inputs), STIMULI.table)
    hook = model[3].register_forward_hook(interrupt(error))
    model[4].train()
    before = snapshot(model)
    chance = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    try:
        with suppress(type(error)), bench(NET) as table:
            _nest(table, steps, sick)
    finally:
        check_unchanged(before, model)
        hook.remove()
        model[4].eval()
    assert random.getstate() == chance[0]
    assert np.random.get_state()[1].tolist() == chance[1]
    assert torch.equal(torch.get_rng_state(), chance[2])


def _nest(table, steps, sick):
    if not steps:
        return
    (kind, lesion, ill), *rest = steps
    stimuli = sick if ill else STIMULI
    torch.rand(3), np.random.rand(2), random.random()
    if kind == "record":
        record(NET, STIMULI, ["8"], lesions=[lesion])
    elif kind == "examine":
        examine(NET, [lesion], [Task("t", STIMULI, scores.margin)], progress=False)
    elif kind == "flags":
        NET.model[0].train()
        NET.model[0].eval()
    with table.lesioned(lesion):
        table.forward(NET.prepare(stimuli.inputs), stimuli.ids)
        _nest(table, rest, sick)


def test_a_change_that_stays__is_found_and_named():
    net = network()
    with pytest.raises(LesionNotUndone, match=r"'7\.bias'"), bench(net):
        net.model[7].bias.data += 1e-3
    with pytest.raises(LesionNotUndone, match="hooks"), bench(net):
        net.model[7].register_forward_hook(lambda *args: None)
    before = snapshot(net.model)
    with bench(net):
        net.model[7].training = True  # a flag is simply given back
    check_unchanged(before, net.model)


@pytest.mark.parametrize("how", ACTIVITY + WEIGHTS, ids=lambda how: how.label)
def test_batch_size__never_changes_a_result(how):
    lesion = lesion_at("3" if how in ACTIVITY else "4", [0, 2], how)
    task = Task("t", STIMULI, scores.margin)
    one, all_at_once = (examine(NET, [lesion], [task], batch_size=size).score.values for size in (1, 64))
    np.testing.assert_allclose(one, all_at_once, rtol=1e-4, atol=1e-5)


def test_order_and_company__never_change_a_result():
    design = [lesion_at("3", [at], how, rng=at, name=f"{at} {how.label}") for at in range(3) for how in ACTIVITY]
    task = Task("t", STIMULI, scores.margin)
    together = examine(NET, design, [task])
    back = examine(NET, design[::-1], [task])
    np.testing.assert_array_equal(together.score.values[:, 1:], back.score.values[:, 1:][:, ::-1])
    alone = examine(NET, [design[7]], [task])
    np.testing.assert_array_equal(alone.score.values[:, 1], together.score.values[:, 8])


def test_workers__never_change_a_result():
    design = [lesion_at("3", [unit], how, name=f"{unit} {how.label}") for unit in range(2) for how in ACTIVITY]
    task = Task("t", STIMULI, scores.margin)
    one, two = examine(NET, design, [task]), examine(NET, design, [task], n_jobs=2)
    assert one.identical(two)


def test_workers__make_numbers_of_the_type_that_is_set_here():
    tasks = [Task("t", STIMULI, lambda outputs, table: outputs[:, 0] * torch.linspace(0, 1, 7)[3].numpy() / 3)]
    torch.set_default_dtype(torch.float64)
    try:
        design = [lesion_at("3", [unit], Zero(), name=f"{unit}") for unit in range(4)]
        one, two = (examine(NET, design, tasks, n_jobs=n)["score"].values for n in (1, 2))
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(one, two)


def test_common_noise__depends_on_stimulus_and_unit_not_on_company():
    reference = record(NET, STIMULI, [Probe("3", pool=None)])

    def noise(units, stimuli=STIMULI, **settings):
        lesion = lesion_at("3", units, Noise(1.0, reference), **settings)
        return record(NET, stimuli, ["3"], lesions=[lesion]).values

    both, one = noise([1, 3]), noise([1])
    np.testing.assert_array_equal(both[:, 1], one[:, 1])
    order = DRAW.permutation(N)
    np.testing.assert_allclose(noise([1], STIMULI.take(order))[:, 1], one[order, 1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(noise([1], name="another name"), one)
    assert not np.array_equal(noise([1], rng=1), one)


def test_examine__adds_the_sham_and_never_two():
    task = Task("t", STIMULI, scores.accuracy)
    lesion = lesion_at("3", [0], Zero())
    added = examine(NET, [lesion], [task])
    given_one = examine(NET, [Lesion(lesion.roi, Zero(), role="sham"), lesion], [task])
    assert list(added["role"].values) == ["sham", "target"]
    assert added.identical(given_one)
    assert list(examine(NET, [], [task])["role"].values) == ["sham"]
    with torch.no_grad():
        intact = NET.model(NET.prepare(STIMULI.inputs)).numpy()
    np.testing.assert_array_equal(added.score.values[0, 0], scores.accuracy(intact, STIMULI.table))


def test_certificate__counts_changes_and_finds_the_vacuous():
    net = Specimen(nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2)), np.ones((1, 2)))
    with torch.no_grad():
        net.model[0].weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, -1], [1, 1]]))
        net.model[0].bias.zero_()
        net.model[2].weight[:, 3] = 0
    stimuli = StimulusSet("positive", DRAW.uniform(0.5, 1, size=(6, 2)), pd.DataFrame({
        "stimulus_id": list("abcdef"), "condition": ["x"] * 6, "label": [0, 1] * 3}))
    design = [lesion_at("1", [unit], Zero(), name=str(unit)) for unit in range(4)]
    trials = examine(net, design, [Task("t", stimuli, scores.margin)])
    assert trials["vacuous"].values[0].tolist() == [False, False, False, True, False]
    assert trials["certificate_changed"].values[0, 1:].tolist() == [1, 1, 0, 1]
    assert trials["certificate_downstream"].values[0].tolist() == [0, 1, 1, 0, 0]
    assert trials["certificate_fired"].values[0].tolist() == [1] * 5
    assert np.all(trials["certificate_off_distribution"].values[0, [1, 2, 4]] > 1)
