"""Training against a slow loop of plain torch that knows no batching, and pruning against the published rule."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab.chance import generator
from neurolab.specimen import Prune, Recipe, kept_by_magnitude, mlp, train_cohort, untrained_cohort
from neurolab.specimen.fitting import orders
from neurolab.stimuli import StimulusSet

RNG = np.random.default_rng(1)
LABEL = np.arange(41) % 4
TABLE = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(41)], "condition": LABEL.astype(str), "label": LABEL,
                      "left": LABEL // 2, "right": LABEL % 2, "yes": LABEL == 3})  # fmt: skip
SHOWN = StimulusSet("blobs", RNG.normal(size=(4, 6))[LABEL] + 0.3 * RNG.normal(size=(41, 6)), TABLE)


def build(n_out=4, batch_norm=False):
    return mlp(6, 16, 12, n_out, batch_norm=batch_norm).double()


def normal(chance, *shape):
    return torch.empty(*shape, dtype=torch.float64).normal_(generator=chance)


def slow(network, recipe, seed, rng, loss_of):
    """One network, stimulus batch by stimulus batch, its disturbance written out layer by layer."""
    chance = {kind: torch.Generator().manual_seed(int(generator(rng, kind, seed).integers(2**62)))
              for kind in ("dropout", "activation noise", "weight noise", "input noise", "gradient noise")}
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    x, step = torch.tensor(SHOWN.inputs), 0
    for order in orders(rng, seed, 41, recipe.epochs):
        for low in (0, 10, 20, 30):  # the one that is left over joins the last batch
            rows = order[low : 41 if low == 30 else low + 10]
            hidden = x[rows]
            if recipe.input_noise:
                hidden = hidden + recipe.input_noise * normal(chance["input noise"], len(rows), 6)
            noisy = {}
            for part in network:
                if isinstance(part, nn.Linear) and recipe.weight_noise:
                    noise = normal(chance["weight noise"], *part.weight.shape)
                    noisy[part] = part.weight + recipe.weight_noise * part.weight.detach().std() * noise
            for part in network:
                hidden = nn.functional.linear(hidden, noisy[part], part.bias) if part in noisy else part(hidden)
                if isinstance(part, nn.ReLU):
                    if recipe.activation_noise:
                        hidden = hidden + recipe.activation_noise * normal(chance["activation noise"], *hidden.shape)
                    if recipe.dropout:
                        drawn = torch.empty(hidden.shape, dtype=torch.float64).uniform_(generator=chance["dropout"])
                        hidden = hidden * (drawn < 1 - recipe.dropout) / (1 - recipe.dropout)
            loss = loss_of(hidden, rows)
            if recipe.l1:
                loss = loss + recipe.l1 * sum(p.abs().sum() for p in network.parameters() if p.dim() > 1)
            optimiser.zero_grad()
            loss.backward()
            for parameter in network.parameters() if recipe.gradient_noise else ():
                sd = (recipe.gradient_noise**2 / (1 + step) ** 0.55) ** 0.5
                parameter.grad += sd * normal(chance["gradient noise"], *parameter.shape)
            optimiser.step()
            step += 1
    return network


def digit(answers, rows):
    return nn.functional.cross_entropy(answers, torch.tensor(LABEL[rows]))


def heads(answers, rows):
    left, right = (torch.tensor(TABLE[name].to_numpy()[rows]) for name in ("left", "right"))
    return nn.functional.cross_entropy(answers[:, :2], left) + nn.functional.cross_entropy(answers[:, 2:], right)


def responding(answers, rows):
    yes = torch.tensor(TABLE.yes.to_numpy()[rows]).double()
    named = nn.functional.cross_entropy(answers[:, :4], torch.tensor(LABEL[rows]))
    return named + nn.functional.binary_cross_entropy_with_logits(answers[:, 4], yes)


@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "norms"])
@pytest.mark.parametrize("how", [
    {}, {"dropout": 0.4}, {"activation_noise": 0.5, "dropout": 0.3}, {"weight_noise": 0.3}, {"input_noise": 0.4},
    {"gradient_noise": 0.1}, {"l1": 1e-3}, {"weight_decay": 1e-2},
], ids=str)  # fmt: skip
def test_training__equals_a_slow_loop(how, batch_norm):
    recipe, made = Recipe(epochs=3, batch_size=10, **how), partial(build, batch_norm=batch_norm)
    cohort = train_cohort(made, SHOWN, n=2, rng=7, recipe=recipe)
    network = untrained_cohort(made, SHOWN, n=2, rng=7)[1].model.train().requires_grad_(True)
    expected = slow(network, recipe, 1, 7, digit)
    for a, b in zip([*cohort[1].model.parameters(), *cohort[1].model.buffers()],
                    [*expected.parameters(), *expected.buffers()]):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11, check_dtype=False)


@pytest.mark.parametrize("label, n_out, loss_of", [
    (("left", "right"), 4, heads), ({"label": range(4), "yes": 4}, 5, responding),
], ids=["heads", "response"])  # fmt: skip
def test_several_labels__add_their_losses_up(label, n_out, loss_of):
    recipe, made = Recipe(epochs=3, batch_size=10), partial(build, n_out)
    cohort = train_cohort(made, SHOWN, n=2, rng=7, recipe=recipe, label=label)
    network = untrained_cohort(made, SHOWN, n=2, rng=7, label=label)[1].model.train().requires_grad_(True)
    expected = slow(network, recipe, 1, 7, loss_of)
    for a, b in zip(cohort[1].model.parameters(), expected.parameters()):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_schedule__has_the_published_values():
    schedule = Prune(to=0.9, first=0.5)
    assert [schedule.share(t) for t in (0, 0.5, 1)] == pytest.approx([0.5, 0.85, 0.9], abs=1e-15)
    due = [Prune(to=0.9, first=0.5, start=2, stop=4, every=10).due(step, 20, 9) for step in range(180)]
    assert [step for step, share in enumerate(due) if share is not None] == [40, 50, 60, 70, 80]
    assert due[60] == pytest.approx(0.85)
    assert due[80] == pytest.approx(0.9)
    ragged = Prune(to=0.9, start=0, every=7)  # the last cut is made, whether or not it falls on a seventh step
    assert [step for step in range(21) if ragged.due(step, 10, 2) is not None] == [0, 7, 14, 20]


def published_rule(percent, mask, weight):
    """prune_by_percent of the lottery ticket hypothesis' code, written anew from its description."""
    ranked = sorted(abs(float(w)) for w, m in zip(weight.ravel(), mask.ravel()) if m == 1)
    cutoff = ranked[int(np.round(percent * len(ranked)))]
    return np.array([0.0 if abs(float(w)) <= cutoff else m for w, m in zip(weight.ravel(), mask.ravel())])


@pytest.mark.parametrize("percent", [0.01, 0.1, 0.2, 0.25, 0.5, 0.75, 0.9])
def test_kept_by_magnitude__is_the_published_rule_round_after_round(percent):
    weight = np.random.default_rng(2).normal(size=(20, 30)).round(2)  # with ties
    mask, kept = np.ones(600), None
    for _ in range(3):
        mask = published_rule(percent, mask, weight)
        kept = kept_by_magnitude(torch.tensor(weight), percent, kept)
        assert kept.numpy().ravel().tolist() == mask.tolist()


def test_kept_by_magnitude__without_ties_one_more_than_the_share_goes():
    weight = torch.tensor(np.random.default_rng(3).permutation(200) - 100.3)
    for share in (0.1, 0.5, 0.9):
        assert int((kept_by_magnitude(weight, share) == 0).sum()) == round(share * 200) + 1
    assert kept_by_magnitude(weight, 0.0).all()
    assert not kept_by_magnitude(weight, 1.0).any()
