"""Recipes that cannot be, networks that are none, criteria that are never reached: said in words, networks kept."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.errors import CriterionMissed, CriterionWarning, DataError, DesignError, SpecimenError, UnknownNameError
from neurolab.specimen import Prune, Recipe, kept_by_magnitude, mlp, train_cohort, training_table, untrained_cohort
from neurolab.stimuli import StimulusSet

LABEL = np.arange(12) % 3
TABLE = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(12)], "condition": LABEL.astype(str), "label": LABEL,
                      "name": list("abc") * 4, "half": LABEL + 0.5})  # fmt: skip
SHOWN = StimulusSet("twelve", np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32), TABLE)
TINY = partial(mlp, 4, 6, 3)
SHORT = {"epochs": 1, "learning_rate": 1e-9, "criterion": 1.0}


@pytest.mark.parametrize("settings, words", [
    ({"epochs": -1}, "whole number"), ({"epochs": 1.5}, "whole number"), ({"batch_size": 0}, "at least 1"),
    ({"learning_rate": 0}, "above 0"), ({"dropout": 1.0}, "below 1"), ({"dropout": -0.1}, "dropout"),
    ({"label_noise": 1.2}, "0 to 1"), ({"criterion": 1.1}, "accuracy"), ({"criterion": 0}, "accuracy"),
    ({"l1": -1}, "l1=-1"), ({"activation_noise": float("nan")}, "finite"), ({"weight_noise": float("inf")}, "finite"),
    ({"epochs": 5, "prune": Prune(start=5)}, "before its pruning"), ({"epochs": 5, "prune": Prune(stop=6)}, "epochs=6"),
])  # fmt: skip
def test_recipe__refuses_what_cannot_be(settings, words):
    with pytest.raises(DesignError, match=words):
        Recipe(**settings)


NUMBERS = ("epochs", "learning_rate", "batch_size", "weight_decay", "criterion", "l1", "dropout", "activation_noise",
           "weight_noise", "input_noise", "gradient_noise", "label_noise")  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["0.5", "many", float("nan"), float("inf"), -1.0, [1], True])
def test_recipe__refuses_what_is_no_number_of_its_kind(name, value):
    with pytest.raises(DesignError, match=rf"Recipe\({name}="):
        Recipe(**{name: value})


@pytest.mark.parametrize("settings", [{"to": "0.9"}, {"to": float("nan")}, {"every": None}, {"stop": "5"}])
def test_prune__refuses_what_is_no_number(settings):
    with pytest.raises(DesignError, match="finite numbers"):
        Prune(**settings)


def test_recipe__prunes_by_a_schedule():
    with pytest.raises(DesignError, match=r"Type Prune\(to=0\.9\)"):
        Recipe(prune=0.9)


def test_recipe__knows_what_to_do_about_a_miss():
    with pytest.raises(UnknownNameError, match="Did you mean 'flag'"):
        Recipe(on_miss="flags")


@pytest.mark.parametrize("settings", [{"to": 1.0}, {"first": 0.95}, {"first": -0.1}, {"every": 0}, {"start": -1},
                                      {"start": 3, "stop": 3}])  # fmt: skip
def test_prune__refuses_what_cannot_be(settings):
    with pytest.raises(DesignError, match=r"Prune\("):
        Prune(**settings)
    with pytest.raises(DesignError, match="0 to 1"):
        kept_by_magnitude(torch.ones(3), 1.5)


def test_a_missed_criterion__keeps_the_networks_and_says_so():
    with pytest.warns(CriterionWarning, match=r"3 of 3 networks missed the criterion of 1.0 in 1 epochs .*seed 2: 0\."):
        cohort = train_cohort(TINY, SHOWN, n=3, rng=0, recipe=Recipe(**SHORT))
    assert len(cohort) == 3
    assert not cohort.training.reached.any()
    assert "3 of 3 networks missed" in repr(cohort.training)
    assert not training_table(cohort).reached.any()


def test_a_missed_criterion__can_be_flagged_in_silence_or_be_an_error_that_carries_the_networks():
    flagged = train_cohort(TINY, SHOWN, n=2, rng=0, recipe=Recipe(on_miss="flag", **SHORT))
    with pytest.raises(CriterionMissed, match="2 of 2 networks missed") as caught:
        train_cohort(TINY, SHOWN, n=2, rng=0, recipe=Recipe(on_miss="error", **SHORT))
    assert [net.digest for net in caught.value.cohort] == [net.digest for net in flagged]


def test_some_reach_the_criterion__and_the_others_are_named():
    recipe = Recipe(epochs=25, criterion=0.9, on_miss="flag", batch_size=4, learning_rate=0.03)
    training = train_cohort(TINY, SHOWN, n=8, rng=0, recipe=recipe).training
    assert 0 < training.reached.sum() < 8
    assert ((training.accuracy >= 0.9) == training.reached).all()
    assert (training.epochs[~training.reached] == 25).all()
    assert f"{(~training.reached).sum()} of 8" in training.missed


def test_networks_that_diverge__are_kept_and_named():
    recipe = Recipe(epochs=3, learning_rate=1e20)
    with pytest.warns(CriterionWarning, match=r"2 of 2 networks diverged.*learning_rate=1e\+20"):
        cohort = train_cohort(TINY, SHOWN, n=2, rng=0, recipe=recipe)
    assert cohort.training.diverged.all()
    assert not cohort.training.reached.any()


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


@pytest.mark.parametrize("how", [{"dropout": 0.5}, {"activation_noise": 0.1}])
@pytest.mark.parametrize("build", [Functional, lambda: nn.Sequential(nn.Linear(4, 3), nn.Sigmoid())])
def test_noise_on_hidden_units__needs_hidden_units(build, how):
    with pytest.raises(DesignError, match="as modules, not with functions"):
        train_cohort(build, SHOWN, n=2, rng=0, recipe=Recipe(epochs=1, **how))


def test_input_noise__needs_inputs_that_are_numbers():
    words = StimulusSet("words", np.arange(48).reshape(12, 4), TABLE)

    def build():
        return nn.Sequential(nn.Embedding(48, 3), nn.Flatten(), nn.Linear(12, 3))

    with pytest.raises(DesignError, match="token ids"):
        train_cohort(build, words, n=2, rng=0, recipe=Recipe(epochs=1, input_noise=0.1))
    assert len(train_cohort(build, words, n=2, rng=0, recipe=Recipe(epochs=1, weight_noise=0.1))) == 2


ONE = mlp(4, 6, 3)
SIZES = iter(range(5, 50))


@pytest.mark.parametrize("build", [ONE, lambda: ONE, lambda: mlp(4, next(SIZES), 3), lambda: "network", nn.ReLU],
                         ids=["a module", "one module", "other sizes", "a text", "no weights"])  # fmt: skip
def test_build__must_make_new_networks_of_one_kind(build):
    with pytest.raises(SpecimenError, match="makes a new network each time"):
        train_cohort(build, SHOWN, n=2, rng=0)


@pytest.mark.parametrize("seeds", [[], [1, 1], [0, 2, 0]])
def test_seeds__are_checked_before_anything_is_trained(seeds):
    with pytest.raises(DesignError, match="each once"):
        train_cohort(lambda: pytest.fail("built"), SHOWN, seeds=seeds, rng=0)


@pytest.mark.parametrize("label, words", [
    ("lable", "Did you mean 'label'"), ("name", "expected integers"), ("half", "expected integers"),
    (("label", "name"), "cannot share"), ({"label": range(2)}, "expected 0 to 1"),
])  # fmt: skip
def test_labels__that_are_none(label, words):
    with pytest.raises(DataError, match=words):
        train_cohort(TINY, SHOWN, n=2, rng=0, label=label)


def test_answers__must_be_a_row_per_stimulus():
    with pytest.raises(SpecimenError, match="End the network in"):
        train_cohort(lambda: nn.Sequential(nn.Linear(4, 3), nn.Unflatten(1, (3, 1))), SHOWN, n=2, rng=0)


def test_a_stimulus_left_over__does_not_break_batch_norms():
    seven = SHOWN.take(range(7))
    recipe = Recipe(epochs=2, batch_size=3)
    cohort = train_cohort(partial(mlp, 4, 6, 3, batch_norm=True), seven, n=2, rng=0, recipe=recipe)
    assert int(cohort[0].model[1].num_batches_tracked) == 4


def test_a_unit_that_is_in_place__and_dropout_that_is_a_layer_train_too():
    def build():
        return nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(6, 3))

    one, again = (train_cohort(build, SHOWN, n=2, rng=0, recipe=Recipe(epochs=2, dropout=0.2)) for _ in range(2))
    assert [net.digest for net in one] == [net.digest for net in again]


def test_mlp__refuses_sizes_that_make_no_network():
    for sizes in ((4,), (4, 0, 3), (4, 2.5, 3)):
        with pytest.raises(DesignError, match="64, 128"):
            mlp(*sizes)


def test_training_table__needs_cohorts_that_were_trained_here():
    shipped = nl.Cohort([nl.Specimen(TINY(), SHOWN.inputs[:2], name="one")], "shipped")
    with pytest.raises(DataError, match="Nothing is known of the training of 'shipped'"):
        training_table({"trained": untrained_cohort(TINY, SHOWN, n=1, rng=0), "shipped": shipped})
