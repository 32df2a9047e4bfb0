"""The digests of a network's weights: right after any change, and hashed anew only where something changed."""

import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from neurolab.specimen import promises
from neurolab.specimen.promises import state_digests, weights_digest


def slowly(model):
    """What a digest is: sha256 of type, shape and bytes, tensor by tensor."""
    named = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    found = {}
    for name, tensor in named:
        flat = tensor.detach().contiguous().reshape(-1)
        content = flat.view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
        found[name] = hashlib.sha256(f"{tensor.dtype}{tuple(tensor.shape)}".encode() + content).hexdigest()
    return found


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        made = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 6), nn.Linear(6, 3).bfloat16())
    made[2].weight = made[0].weight  # tied
    made[1].register_buffer("nothing", torch.zeros(0), persistent=False)
    return made


@pytest.fixture
def hashed(monkeypatch):
    """The names under which a tensor is hashed, as they come."""
    seen, plain = [], promises._sha256
    monkeypatch.setattr(promises, "_sha256", lambda tensor, content: seen.append(tensor) or plain(tensor, content))
    return seen


CHANGES = {
    "one number": lambda model: model[0].weight.data.view(-1)[7:8].mul_(2),
    "one bit": lambda model: model[0].weight.data.view(torch.int32).view(-1)[3:4].bitwise_xor_(1),
    "two rows swapped": lambda model: model[0].weight.data.copy_(model[0].weight.data[[1, 0, 2, 3, 4, 5]].clone()),
    "through numpy": lambda model: np.negative(model[0].bias.data.numpy(), out=model[0].bias.data.numpy()),
    "a buffer": lambda model: model[1].running_mean.add_(1),
    "a new shape": lambda model: setattr(model[0], "bias", nn.Parameter(model[0].bias.data.reshape(2, 3))),
    "a new type": lambda model: setattr(model[3], "bias", nn.Parameter(model[3].bias.data.view(torch.float16))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_digests__are_those_of_the_bytes_after_any_change_and_back(model, change):
    before, kept = state_digests(model), {name: one.clone() for name, one in model.state_dict().items()}
    assert before == slowly(model)
    with torch.no_grad():
        CHANGES[change](model)
    assert state_digests(model) == slowly(model) != before
    if not change.startswith("a new"):
        model.load_state_dict(kept)
        assert state_digests(model) == slowly(model) == before


def test_digests__are_computed_again_only_where_something_changed(model, hashed):
    first = weights_digest(model)
    count = len(hashed)
    assert count == len({id(one) for one in [*model.parameters(), *model.buffers()]})
    assert weights_digest(model) == first
    assert len(hashed) == count
    model[1].running_mean.add_(1)
    other = weights_digest(model)
    assert [one is model[1].running_mean for one in hashed[count:]] == [True]
    model[1].running_mean.sub_(1)
    assert weights_digest(model) == first != other
    assert len(hashed) == count + 1  # as it was is known too


def test_digests__of_two_models_are_apart_and_few_states_are_kept(model, hashed):
    twin = nn.Sequential(nn.Linear(6, 6))
    twin[0].load_state_dict(model[0].state_dict())
    count = len(state_digests(model)) and len(hashed)
    assert state_digests(twin)["0.weight"] == state_digests(model)["0.weight"]
    assert len(hashed) == count + 2  # hashed for itself
    for step in range(5):
        model[1].running_mean.fill_(step + 10)
        state_digests(model)
    assert len(promises.KNOWN[model]) == promises.STATES
