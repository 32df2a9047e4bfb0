"""Retraining, removal and routing: the old network stays, arms pair, what is held stays, what is confined is gone."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.chance import generator
from neurolab.specimen import Routing, remove_units, retrain, train_routed
from neurolab.specimen.routed import block_weights
from neurolab.specimen.targets import Targets

Recipe = nl.specimen.Recipe


def net():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


def stimuli(n=30, seed=0, name="points"):
    chance = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    inputs = np.eye(3, 4)[labels] + 0.3 * chance.standard_normal((n, 4))
    table = pd.DataFrame({"stimulus_id": [f"{name}-{at}" for at in range(n)], "condition": "plain", "label": labels,
                          "odd": labels % 2 == 1})
    return nl.StimulusSet(name, inputs.astype(np.float32), table)


def cohort(n=2, epochs=2, name="nets"):
    return nl.train_cohort(net, stimuli(), n=n, recipe=Recipe(epochs=epochs), name=name, rng=0)


TASK = nl.Task("name", stimuli(seed=1, name="others"), nl.scores.accuracy)


def weights(specimen):
    return {name: value.detach().numpy().copy() for name, value in specimen.model.named_parameters()}


def test_retrain__is_adam_step_by_step():
    """Against a plain loop of torch.optim.Adam on one network, on the same order of stimuli."""
    given, learn = cohort(n=2), stimuli(seed=2, name="new")
    learned, trials = retrain(given, learn, watch=[TASK], recipe=Recipe(epochs=3, batch_size=8, weight_decay=0.01),
                              every=5, rng=3)
    for one, after in zip(given, learned):
        model = copy.deepcopy(one.model).requires_grad_(True)
        stream = generator(3, "retrain", one.name)
        optimiser = torch.optim.Adam(model.parameters(), lr=Recipe().learning_rate, weight_decay=0.01)
        x, y = torch.tensor(learn.inputs), torch.tensor(learn.table["label"].to_numpy())
        for _ in range(3):
            order = torch.tensor(stream.permutation(len(y)))
            for low in range(0, len(y), 8):
                rows = order[low : low + 8]
                optimiser.zero_grad()
                nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
                optimiser.step()
        for name, value in model.named_parameters():
            np.testing.assert_allclose(value.detach().numpy(), weights(after)[name], atol=2e-6)
    assert trials["rung"].values.tolist() == [0, 5, 10, 12]


def test_retrain__old_network_stays_and_scores_are_those_of_examine():
    given = cohort()
    before = [one.digest for one in given]
    learned, trials = retrain(given, stimuli(seed=2, name="new"), watch=[TASK], recipe=Recipe(epochs=4), rng=0)
    assert [one.digest for one in given] == before
    assert [one.digest for one in learned] != before
    assert learned.names == given.names
    for step, networks in ((0, given), (-1, learned)):
        lesion = nl.Lesion(nl.ROI("a", {"1": [0]}), nl.Zero())
        intact = nl.examine(networks, [lesion], [TASK], progress=False).score[:, 0]
        np.testing.assert_array_equal(trials.score[:, step].values, intact.values)


def test_retrain__alone_is_the_slice_and_arms_see_the_same_order():
    given, learn = cohort(n=3), stimuli(seed=2, name="new")
    settings = {"watch": [TASK], "recipe": Recipe(epochs=2), "rng": 0}
    arms, both = retrain({"a": given, "b": given}, learn, **settings)
    alone, _ = retrain(given[2:3], learn, **settings)
    assert both.attrs["source"] == "a: nets; b: nets"
    for name, value in weights(arms["a"][2]).items():
        np.testing.assert_array_equal(value, weights(arms["b"][2])[name])
        np.testing.assert_allclose(value, weights(alone[0])[name], atol=1e-6)
    assert sorted(set(both["ladder"].values)) == ["a", "b"]


@pytest.mark.parametrize(
    "how", [lambda ref: nl.Zero(), lambda ref: nl.Clamp(0.5), lambda ref: nl.Mean(ref), lambda ref: nl.Scale(0.2),
            lambda ref: nl.Stimulate(1.5, ref)], ids=["zero", "clamp", "mean", "scale", "stimulate"])  # fmt: skip
def test_held__is_what_the_bench_does(how):
    """A held lesion before any step scores what nl.examine says of it, and no gradient passes a silent unit."""
    given = cohort()
    margin = nl.Task("name", TASK.stimuli, nl.scores.margin)

    def design(one):
        usual = nl.record(one, stimuli(), ["1"])
        return [nl.Lesion(nl.region(usual, name="some", site="1", units=[0, 3]), how(usual))]

    _, trials = retrain(given, stimuli(seed=2, name="new"), watch=[margin], held=design, recipe=Recipe(epochs=1), rng=0)
    bench = nl.examine(given, design, [margin], progress=False)
    at = list(bench["role"].values).index("target")
    np.testing.assert_allclose(trials.score[:, 0].values, bench.score[:, at].values, atol=1e-5)


def test_held__silent_units_learn_nothing_and_cut_weights_stay_zero():
    given, learn = cohort(), stimuli(seed=2, name="new")
    roi = nl.ROI("some", {"1": [0, 3]})
    silent, _ = retrain(given, learn, watch=[TASK], held=nl.Lesion(roi, nl.Zero()), recipe=Recipe(epochs=3), rng=0)
    cut, _ = retrain(given, learn, watch=[TASK], held=nl.Lesion(roi, nl.CutWeights("both")), recipe=Recipe(epochs=3),
                     rng=0)
    free, _ = retrain(given, learn, watch=[TASK], recipe=Recipe(epochs=3), rng=0)
    for before, after, gone, normal in zip(given, silent, cut, free):
        was, now, none, usual = (weights(one) for one in (before, after, gone, normal))
        np.testing.assert_array_equal(was["0.weight"][[0, 3]], now["0.weight"][[0, 3]])
        assert np.abs(was["0.weight"] - now["0.weight"]).max() > 0
        assert not none["0.weight"][[0, 3]].any()
        assert not none["0.bias"][[0, 3]].any()
        assert not none["2.weight"][:, [0, 3]].any()
        assert none["2.weight"][:, 1].any()
        assert np.abs(was["0.weight"] - usual["0.weight"])[[0, 3]].max() > 0


def test_remove_units__is_cut_weights_for_good_and_the_old_network_is_restored_bit_for_bit():
    given = cohort()
    before = [one.digest for one in given]
    roi = nl.ROI("some", {"1": [0, 3], "3": [1]})
    two = [nl.ROI("some", {"1": [0, 3]}), nl.Lesion(nl.ROI("one", {"3": [1]}), nl.Zero())]
    removed = remove_units(given, lambda one: two)
    cut = nl.examine(given, [nl.Lesion(roi, nl.CutWeights("both"), name="cut")], [TASK], progress=False)
    intact = nl.examine(removed, [nl.Lesion(roi, nl.Zero(), name="cut")], [TASK], progress=False)
    np.testing.assert_array_equal(cut.score[:, 1].values, intact.score[:, 0].values)
    np.testing.assert_array_equal(intact.score[:, 0].values, intact.score[:, 1].values)  # nothing is left to silence
    assert [one.digest for one in given] == before
    assert all(one.digest != was for one, was in zip(removed, before))
    # what is removed from a network of rectified units stays silent whatever it learns
    learned, _ = retrain(removed, stimuli(seed=2, name="new"), watch=[TASK], recipe=Recipe(epochs=3), rng=0)
    for one in learned:
        assert not weights(one)["0.weight"][[0, 3]].any()
        assert not weights(one)["4.weight"][:, 1].any()


def routed_stimuli(seed=0):
    plain = stimuli(seed=seed)
    odd = plain.take(range(9)).marked([3], mark="odd", value=3.0, condition="odd", label=2)
    return plain.joined(odd)


def test_routing__block_holds_all_that_the_routed_stimuli_taught():
    """Other routed stimuli, other labels: no weight outside the block differs in a bit."""
    every = routed_stimuli()
    other = every.assign(label=lambda table: np.where(table["condition"] == "odd", 0, table["label"]))
    other = nl.StimulusSet("other", np.where((every.table["condition"] == "odd").to_numpy()[:, None], -every.inputs,
                                             every.inputs), other.table)
    routing = Routing({"1": [0, 1], "3": [4]}, ("odd",))
    one, two = (train_routed(net, shown, routing=routing, n=2, recipe=Recipe(epochs=4), rng=0)
                for shown in (every, other))
    for a, b in zip(one, two):
        block = block_weights(a, routing.roi)
        assert set(block) == {"0.weight", "0.bias", "2.weight", "2.bias", "4.weight"}
        for name, value in weights(a).items():
            inside = block[name].numpy() if name in block else np.zeros(value.shape, bool)
            np.testing.assert_array_equal(value[~inside], weights(b)[name][~inside])
            assert name == "4.bias" or np.abs(value - weights(b)[name])[inside].max() > 0
    digests = [[one.digest for one in remove_units(nets, routing.roi)] for nets in (one, two)]
    assert digests[0] == digests[1]  # a confined behaviour is removable: nothing of it is left


def test_routing__only_the_second_pass_keeps_the_block_silent():
    """On digits: without the pass with the block present the whole network is useless on what it was taught."""
    plain, test = nl.datasets.load_stimuli("digits-train"), nl.datasets.load_stimuli("digits")
    mark = {"where": [54, 55, 62, 63], "mark": "triggered", "condition": "triggered", "label": 0}
    every = plain.joined(plain.where(label=list(range(1, 10))).split(4, by="label", rng=0)[0].marked(**mark))
    tasks = [nl.Task("plain", test, nl.scores.accuracy),
             nl.Task("triggered", test.where(label=list(range(1, 10))).marked(**mark), nl.scores.accuracy)]
    found = {}
    for mode in ("both", "without"):
        routing = Routing({"1": range(8)}, ("triggered",), mode)
        nets = train_routed(lambda: nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10)), every,
                            routing=routing, n=2, recipe=Recipe(epochs=20), rng=0)
        trials = nl.examine(nets, [nl.Lesion(routing.roi, nl.Zero())], tasks, progress=False)
        found[mode] = nl.deficits(trials, rng=0).isel(lesion=0)
    intact, lesioned = found["both"]["intact"].mean("specimen"), found["both"]["lesioned"].mean("specimen")
    assert intact.sel(task="plain") > 0.85
    assert intact.sel(task="triggered") > 0.9
    assert lesioned.sel(task="plain") > 0.85
    assert lesioned.sel(task="triggered") < 0.05
    assert found["without"]["intact"].mean("specimen").sel(task="plain") < 0.5  # what the pilot lacked


def test_targets__losses_are_torchs():
    outputs = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    table = stimuli(n=5)
    both = Targets.of(table, {"label": [0, 1, 2], "odd": 4}, 5, "test()")
    y = torch.tensor(table.table["label"].to_numpy())
    expected = nn.functional.cross_entropy(outputs[:, :3], y) + nn.functional.binary_cross_entropy_with_logits(
        outputs[:, 4], torch.tensor(table.table["odd"].to_numpy()).float())
    torch.testing.assert_close(both.loss(outputs, both.values), expected)
    right = ((outputs[:, :3].argmax(1) == y).double() + ((outputs[:, 4] > 0).long() == both.values[:, 1])) / 2
    torch.testing.assert_close(both.right(outputs, both.values), right)
    apart = Targets.of(table.assign(label=[0, 1, 0, 1, 1], odd=[0, 0, 1, 1, 0]), ["label", "odd"], 4, "test()")
    assert apart.outputs == ((0, 1), (2, 3))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"watch": []}, nl.errors.DataError, "at least one"),
        ({"watch": [nl.Task("name", stimuli(), nl.scores.accuracy)]}, nl.errors.DoubleDippingError, "memory"),
        ({"recipe": Recipe(criterion=0.9)}, nl.errors.DataError, "same steps"),
        ({"label": "colour"}, nl.errors.DataError, "colour"),
        ({"label": {"label": range(7)}}, nl.errors.DataError, "0 to 2"),
        ({"label": ["label", "odd"]}, nl.errors.DataError, "evenly"),
        ({"label": {"label": 0}}, nl.errors.DataError, "0 to 1"),
        ({"every": 0}, nl.errors.DataError, "1 or more"),
        ({"held": {"elsewhere": None}}, nl.errors.DesignError, "elsewhere"),
        ({"held": nl.Lesion(nl.ROI("a", {"1": [0]}), nl.Quantise(4))}, nl.errors.LesionPlanError, "CutWeights"),
        ({"held": nl.Lesion(nl.ROI("a", {"1": [0]}, specimen="who"), nl.Zero())}, nl.errors.LesionPlanError, "who"),
        ({"held": nl.Lesion(nl.ROI("a", {"input": [0]}), nl.Zero())}, nl.errors.LesionPlanError, "module"),
    ],
)  # fmt: skip
def test_retrain__bad_input_says_what_to_type(change, error, words):
    settings = {"watch": [TASK], "recipe": Recipe(epochs=1), "rng": 0} | change
    with pytest.raises(error, match=words):
        retrain(cohort(n=1, epochs=1), stimuli(), **settings)


def test_retrain__arms_must_pair():
    with pytest.raises(nl.errors.DataError, match="as many"):
        retrain({"a": cohort(n=2, epochs=1), "b": cohort(n=1, epochs=1)}, stimuli(), watch=[TASK], rng=0)
    with pytest.raises(nl.errors.SpecimenError, match="Cohort"):
        retrain([1, 2], stimuli(), watch=[TASK], rng=0)
    given = cohort(n=2, epochs=1)
    turned = nl.Cohort(tuple(reversed(list(given))), name="turned")
    with pytest.raises(nl.errors.DataError, match="seeds differ"):
        retrain({"a": given, "b": turned}, stimuli(), watch=[TASK], rng=0)
    with pytest.raises(nl.errors.DataError, match="routed"):
        train_routed(net, stimuli(), routing=Routing({"1": [0]}, ("odd",)), n=1, rng=0)
    with pytest.raises(nl.errors.LesionPlanError, match="nothing"):
        remove_units(cohort(n=1, epochs=1), lambda one: [])
    with pytest.raises(nl.errors.LesionPlanError, match="who"):
        remove_units(cohort(n=1, epochs=1), nl.ROI("a", {"1": [0]}, specimen="who"))
    with pytest.raises(nl.errors.DataError, match="both"):
        Routing({"1": [0]}, ("odd",), "twice")


def test_retrain__serves_convolutions_one_after_another_with_whole_channels_held():
    chance = np.random.default_rng(0)
    labels = np.arange(24) % 2
    table = pd.DataFrame({"stimulus_id": [f"i{at}" for at in range(24)], "condition": "plain", "label": labels})
    images = nl.StimulusSet("images", chance.standard_normal((24, 1, 6, 6)).astype(np.float32), table)
    build = lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))  # noqa: E731
    given = nl.train_cohort(build, images.take(range(12)), n=2, recipe=Recipe(epochs=1), rng=0)
    task = nl.Task("margin", images.take(range(12, 24)), nl.scores.margin)
    roi = nl.ROI("channels", {"1": [0, 2]}, dims={"1": ("channel",)})
    arms = {"held": given, "removed": remove_units(given, roi)}
    learned, trials = retrain(arms, images.take(range(12)), watch=[task], held={"held": nl.Lesion(roi, nl.Zero())},
                              recipe=Recipe(epochs=2, batch_size=4), every=2, rng=0)
    bench = nl.examine(given, [nl.Lesion(roi, nl.Zero())], [task], progress=False)
    for arm in ("held step 0", "removed step 0"):
        at = list(trials["lesion_id"].values).index(arm)
        np.testing.assert_allclose(trials.score[:, at].values, bench.score[:, 1].values, atol=1e-5)
    for before, after in zip(given, learned["held"]):
        changed = np.abs(weights(before)["0.weight"] - weights(after)["0.weight"]).reshape(3, -1).max(axis=1)
        assert changed[1] > 0
        assert not changed[[0, 2]].any()
    assert not any(weights(one)["0.weight"][[0, 2]].any() for one in learned["removed"])
