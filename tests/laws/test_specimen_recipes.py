"""Laws of training: alone as among others whatever disturbs, paired by seed, finished networks stay, nothing global."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.specimen import Prune, Recipe, mlp, train_cohort, untrained_cohort
from neurolab.specimen.abreast import Abreast, hidden_shapes
from neurolab.specimen.disturbance import Disturbance, mixed_labels
from neurolab.stimuli import StimulusSet

RNG = np.random.default_rng(0)
LABEL = np.arange(60) % 4
CENTRES = RNG.normal(size=(4, 6))
TABLE = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(60)], "condition": LABEL.astype(str), "label": LABEL,
                      "left": LABEL // 2, "right": LABEL % 2})  # fmt: skip
SHOWN = StimulusSet("blobs", CENTRES[LABEL] + 0.3 * RNG.normal(size=(60, 6)), TABLE)

DISTURBED = {
    "plain": {},
    "dropout": {"dropout": 0.4},
    "activation noise": {"activation_noise": 0.5},
    "both": {"dropout": 0.3, "activation_noise": 0.3},
    "weight noise": {"weight_noise": 0.3},
    "input noise": {"input_noise": 0.3},
    "gradient noise": {"gradient_noise": 0.05},
    "label noise": {"label_noise": 0.5},
    "l1": {"l1": 1e-3},
    "l2": {"weight_decay": 1e-2},
    "prune": {"prune": Prune(to=0.8, first=0.2, start=1, every=3)},
    "all": {"dropout": 0.2, "activation_noise": 0.1, "weight_noise": 0.1, "input_noise": 0.1, "gradient_noise": 0.01,
            "label_noise": 0.2, "l1": 1e-4, "weight_decay": 1e-4, "prune": Prune(to=0.5, every=2)},
}  # fmt: skip


def double(batch_norm=False):
    return mlp(6, 16, 12, 4, batch_norm=batch_norm).double()


def convolving():
    layers = nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 4)
    return nn.Sequential(*layers).double()


def hanging_on_values():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.relu, self.b = nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4)

        def forward(self, x):
            hidden = self.relu(self.a(x))
            return self.b(hidden if float(hidden.detach().sum()) > -1 else -hidden)  # hangs on values: not batched

    return Odd().double()


def weights(cohort, at):
    return [value.detach() for value in [*cohort[at].model.parameters(), *cohort[at].model.buffers()]]


@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "norms"])
@pytest.mark.parametrize("kind", DISTURBED)
def test_a_network_trained_alone__equals_its_slice_of_the_cohort(kind, batch_norm):
    recipe = Recipe(epochs=4, batch_size=16, **DISTURBED[kind])
    build = partial(double, batch_norm)
    among = train_cohort(build, SHOWN, seeds=[5, 1, 3], rng=0, recipe=recipe)
    alone = train_cohort(build, SHOWN, seeds=[3], rng=0, recipe=recipe)
    for a, b in zip(weights(among, 2), weights(alone, 0)):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
    assert among.training.accuracy[2] == alone.training.accuracy[0]
    assert (among.training.labels[2] == alone.training.labels[0]).all()


@pytest.mark.parametrize("build", [convolving, hanging_on_values])
def test_networks_that_cannot_be_batched__train_one_after_another_alike(build):
    recipe = Recipe(epochs=2, batch_size=16, **DISTURBED["all"])
    among = train_cohort(build, SHOWN, seeds=[5, 3], rng=0, recipe=recipe)
    alone = train_cohort(build, SHOWN, seeds=[3], rng=0, recipe=recipe)
    assert all(torch.equal(a, b) for a, b in zip(weights(among, 1), weights(alone, 0)))


@pytest.mark.parametrize("kind", [kind for kind in DISTURBED if kind != "plain"])
def test_every_disturbance__changes_the_network_and_differs_between_seeds(kind):
    plain, other = (train_cohort(double, SHOWN, n=2, rng=0, recipe=Recipe(epochs=2, batch_size=16, **how))
                    for how in ({}, DISTURBED[kind]))
    assert plain[0].digest != other[0].digest
    assert other[0].digest != other[1].digest


@pytest.mark.parametrize("kind", DISTURBED)
def test_training__same_rng_same_bytes_and_nothing_global(kind):
    recipe = Recipe(epochs=2, **DISTURBED[kind])
    torch.rand(1)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    one, again, other = (train_cohort(double, SHOWN, n=2, rng=rng, recipe=recipe) for rng in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert [net.digest for net in one] == [net.digest for net in again]
    assert one[0].digest != other[0].digest
    assert not any(part.training for net in one for part in net.model.modules())
    assert not any(value.requires_grad for net in one for value in net.model.parameters())
    assert not any(part._forward_hooks for net in one for part in net.model.modules())


def test_recipes__start_from_the_same_weights_and_show_the_same_order():
    start = untrained_cohort(double, SHOWN, n=2, rng=3)
    early = [train_cohort(double, SHOWN, n=2, rng=3, recipe=Recipe(epochs=1, learning_rate=1e-12, **how))
             for how in DISTURBED.values() if "prune" not in how]
    for cohort in early:
        for a, b in zip(weights(start, 1), weights(cohort, 1)):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-9)
    assert (start.training.epochs == 0).all()
    assert start.training.reached.all()


def test_untrained_cohort__says_what_chance_answers():
    cohort = untrained_cohort(double, SHOWN, n=3, rng=0)
    assert len({net.digest for net in cohort}) == 3
    for net, accuracy in zip(cohort, cohort.training.accuracy):
        right = nl.record(net, SHOWN, ["output"]).values.argmax(axis=1) == LABEL
        assert right.mean() == pytest.approx(accuracy)


def test_streams__one_kind_of_noise_changes_no_other():
    stack = Abreast([double(), double()], together=True)
    x = torch.zeros(2, 5, 6, dtype=torch.float64)
    alone = Disturbance(Recipe(dropout=0.5), stack, 0, [0, 1]).edits(x)
    both = Disturbance(Recipe(dropout=0.5, activation_noise=0.5, input_noise=1), stack, 0, [0, 1])
    both.inputs(x)
    for key, (scale, shift) in both.edits(x).items():
        assert torch.equal(scale, alone[key][0])
        assert (shift[scale == 0] == 0).all()  # a silent unit is silent, noise and all
        assert alone[key][1] is None


def test_hidden_units__are_those_of_activation_modules_but_not_the_answer():
    network = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3), nn.Sigmoid())
    shapes = hidden_shapes(Abreast([network], together=True), torch.zeros(7, 6))
    assert shapes == {"1@0": (7, 5), "3@0": (7, 4)}


def test_a_module_that_is_called_twice__draws_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.relu, self.b, self.c = nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3), nn.Linear(3, 2)

        def forward(self, x):
            return self.c(self.relu(self.b(self.relu(self.a(x)))))

    stack = Abreast([Twice(), Twice()], together=True)
    assert hidden_shapes(stack, torch.zeros(7, 6)) == {"relu@0": (7, 5), "relu@1": (7, 3)}
    silent = {f"relu@{call}": (torch.zeros(2, 1, 1), None) for call in (1,)}
    answers = stack.forward(torch.randn(2, 7, 6), edits=silent)
    torch.testing.assert_close(answers, stack.parameters["c.bias"][:, None].expand_as(answers))


def test_noise__has_the_size_that_was_asked_for():
    stack = Abreast([mlp(6, 500, 4)], together=True)
    chance = Disturbance(Recipe(dropout=0.3, weight_noise=0.2, input_noise=0.7, gradient_noise=0.4), stack, 0, [0])
    x = torch.zeros(1, 400, 6)
    assert chance.inputs(x).std() == pytest.approx(0.7, rel=0.05)
    scale = chance.edits(x)["1@0"][0]
    assert sorted(set(scale.flatten().tolist())) == pytest.approx([0, 1 / 0.7])
    assert (scale == 0).float().mean() == pytest.approx(0.3, abs=0.01)
    weight = stack.parameters["0.weight"].detach()
    noisy = chance.parameters({})
    assert (noisy["0.weight"] - weight).std().item() == pytest.approx(0.2 * weight.std().item(), rel=0.05)
    assert noisy["0.bias"] is stack.parameters["0.bias"]
    pruned = {"0.weight": (torch.arange(500) % 2).float()[None, :, None].expand(1, 500, 6)}
    noise = chance.parameters(pruned)["0.weight"] - weight
    assert not noise[:, ::2].any()  # what is pruned away stays away
    assert noise[:, 1::2].all()
    shift = Disturbance(Recipe(activation_noise=0.6), stack, 0, [0]).edits(x)["1@0"][1]
    assert shift.std() == pytest.approx(0.6, rel=0.02)
    for step, sd in ((0, 0.4), (999, 0.4 * 1000**-0.275)):
        for value in stack.parameters.values():
            value.grad = torch.zeros_like(value)
        chance.gradients(step)
        assert stack.parameters["0.weight"].grad.std() == pytest.approx(sd, rel=0.05)


def test_a_finished_network__stays_as_it_was_and_is_named_with_its_epochs():
    recipe = Recipe(epochs=60, batch_size=16, learning_rate=3e-3, criterion=0.97, dropout=0.2)
    cohort = train_cohort(double, SHOWN, n=6, rng=0, recipe=recipe)
    found = cohort.training
    assert found.reached.all()
    assert not found.missed
    assert len(set(found.epochs)) > 1  # some stopped while others went on
    at = int(found.epochs.argmin())
    until = train_cohort(double, SHOWN, seeds=[at], rng=0, recipe=Recipe(
        epochs=int(found.epochs[at]), batch_size=16, learning_rate=3e-3, dropout=0.2))
    for a, b in zip(weights(cohort, at), weights(until, 0)):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
    before = train_cohort(double, SHOWN, seeds=[at], rng=0, recipe=Recipe(
        epochs=int(found.epochs[at]) - 1, batch_size=16, learning_rate=3e-3, dropout=0.2))
    assert before.training.accuracy[0] < 0.97
    for net, accuracy in zip(cohort, found.accuracy):
        right = nl.record(net, SHOWN, ["output"]).values.argmax(axis=1) == LABEL
        assert right.mean() == pytest.approx(accuracy)
        assert accuracy >= 0.97


def test_cohort__keeps_its_training_when_it_is_cut():
    cohort = train_cohort(double, SHOWN, seeds=[4, 7, 9], rng=0, recipe=Recipe(epochs=1, label_noise=1.0))
    assert cohort[1:].training.seeds == (7, 9)
    assert (cohort[1:].training.labels == cohort.training.labels[1:]).all()
    assert cohort[:2].training.table().seed.tolist() == [4, 7]
    assert "3 networks, accuracy" in repr(cohort.training)


def test_label_noise__is_of_each_network_and_can_be_asked_for():
    cohort = train_cohort(double, SHOWN, n=3, rng=0, recipe=Recipe(epochs=1, label_noise=0.5))
    taught = [cohort.training.taught(at).table.label.to_numpy() for at in range(3)]
    for labels in taught:
        assert 0 < (labels != LABEL).sum() <= 30
        assert set(labels) <= set(LABEL)
    assert (taught[0] != taught[1]).any()
    assert (cohort.training.stimuli.table.label == LABEL).all()
    right = nl.record(cohort[1], SHOWN, ["output"]).values.argmax(axis=1) == taught[1]
    assert right.mean() == pytest.approx(cohort.training.accuracy[1])


def test_mixed_labels__are_uniform_over_the_labels_there_are():
    labels = np.repeat([[0], [3], [7]], 4000, axis=0)
    mixed = mixed_labels(labels, 0.6, 0, 0)
    drawn = mixed[mixed != labels]
    assert set(mixed.flat) == {0, 3, 7}
    assert len(drawn) / len(labels) == pytest.approx(0.6 * 2 / 3, abs=0.02)  # a third comes back by chance
    assert (mixed_labels(labels, 0, 0, 0) == labels).all()


def test_pruning__leaves_the_share_that_the_schedule_says_and_it_stays_gone():
    recipe = Recipe(epochs=6, batch_size=16, prune=Prune(to=0.75, start=1, stop=3, every=1), weight_noise=0.3)
    cohort = train_cohort(double, SHOWN, n=2, rng=0, recipe=recipe)
    for net in cohort:
        for name, value in net.model.named_parameters():
            n = value.numel()
            gone = int((value == 0).sum())
            assert gone == (round(0.75 * n) + 1 if value.dim() > 1 else 0), name


def test_criterion__waits_until_pruning_is_over():
    schedule = Prune(to=0.3, start=0, stop=12, every=2)
    cohort = train_cohort(double, SHOWN, n=2, rng=0, recipe=Recipe(epochs=60, criterion=0.3, prune=schedule))
    assert (cohort.training.epochs == 12).all()
    assert all((net.model[0].weight == 0).double().mean() > 0.3 for net in cohort)


def test_several_labels__each_head_learns_its_own():
    recipe = Recipe(epochs=80, batch_size=16, learning_rate=5e-3, criterion=0.98)
    cohort = train_cohort(double, SHOWN, n=2, rng=0, recipe=recipe, label=("left", "right"))
    for net, accuracy in zip(cohort, cohort.training.accuracy):
        answers = nl.record(net, SHOWN, ["output"]).values
        left, right = (answers[:, at : at + 2].argmax(axis=1) for at in (0, 2))
        assert np.mean([left == TABLE.left, right == TABLE.right]) == pytest.approx(accuracy)
    assert cohort.training.columns == ("left", "right")


def test_training_table__has_a_row_per_condition_and_network():
    plain, noisy = (train_cohort(double, SHOWN, n=2, rng=0, recipe=Recipe(epochs=1, dropout=p), name="x")
                    for p in (0, 0.5))
    table = nl.specimen.training_table({"control": plain, "dropout": noisy})
    assert table.condition.tolist() == ["control"] * 2 + ["dropout"] * 2
    assert table.accuracy.tolist() == [*plain.training.accuracy, *noisy.training.accuracy]
    assert nl.specimen.training_table(plain).condition.tolist() == ["x", "x"]


def test_training__says_how_long_it_will_take(monkeypatch, caplog):
    monkeypatch.setattr("neurolab.specimen.fitting.LONG", 0.0)
    train_cohort(double, SHOWN, n=1, rng=0, recipe=Recipe(epochs=6), name="slow ones")
    assert "slow ones: 6 epochs, at most about" in caplog.text
    caplog.clear()
    train_cohort(double, SHOWN, n=1, rng=0, recipe=Recipe(epochs=6), progress=False)
    assert not caplog.text


def test_digits_and_gratings__differ_neither_in_ink_nor_in_contrast():
    train, test = (nl.datasets.load_stimuli("digits-and-gratings", part=part) for part in ("train", "held out"))
    assert not set(train.ids) & set(test.ids)
    digits, gratings = (train.where(condition=kind) for kind in ("digits", "gratings"))
    for statistic in (np.mean, np.std):
        a, b = (np.sort(statistic(one.inputs.astype(float), axis=1)) for one in (digits, gratings))
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert sorted(set(gratings.table.label)) == list(range(10, 20))
    assert nl.datasets.load_stimuli("digits-and-gratings", part="train").digest == train.digest
    with pytest.raises(nl.errors.DataError, match="'train' or 'held out'"):
        nl.datasets.load_stimuli("digits-and-gratings", part="test")


def test_digits_and_gratings__orientation_is_what_the_label_says():
    gratings = nl.datasets.load_stimuli("digits-and-gratings").where(condition="gratings")
    pictures = gratings.inputs.reshape(-1, 8, 8).astype(float)
    across = (np.diff(pictures, axis=2) ** 2).mean(axis=(1, 2))
    down = (np.diff(pictures, axis=1) ** 2).mean(axis=(1, 2))
    step = gratings.table.label.to_numpy() - 10
    assert (across[step == 0] > 2 * down[step == 0]).mean() > 0.95
    assert (down[step == 5] > 2 * across[step == 5]).mean() > 0.95
