"""Recordings against hooks written by hand: sites, pooling, picks, attention heads, streams, outgoing norms."""

import numpy as np
import pandas as pd
import pytest
import torch
from small_conv import MODEL, NET, REFERENCE_STIMULI, SITE, STIMULI, N, by_hand, seeded
from torch import nn

from neurolab.lesion import (
    Clamp,
    Lesion,
    Mean,
    Zero,
)
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, record
from neurolab.specimen.promises import one_thread
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(2)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


POOLED = record(NET, REFERENCE_STIMULI, [SITE])
WHOLE = record(NET, REFERENCE_STIMULI, [Probe(SITE, pool=None, dtype="float64")])


@pytest.mark.parametrize("site", ["0", "2", "3", "6"])
def test_record__equals_hooks_written_by_hand(site):
    whole = by_hand(STIMULI, site)[0]
    flat = whole.reshape(N, whole.shape[1], -1)
    unpooled = record(NET, STIMULI, [Probe(site, pool=None)], batch_size=4)
    np.testing.assert_allclose(unpooled.values, whole.reshape(N, -1), rtol=1e-5, atol=1e-6)
    for pool, expected in (("mean", flat.mean(axis=2)), ("max", flat.max(axis=2))):
        np.testing.assert_allclose(record(NET, STIMULI, [Probe(site, pool)]).values, expected, rtol=1e-5, atol=1e-6)
    some = record(NET, STIMULI, [Probe(site, units=[3, 1])])
    np.testing.assert_allclose(some.values, flat.mean(axis=2)[:, [1, 3]], rtol=1e-5, atol=1e-6)
    assert some["unit"].values.tolist() == [1, 3]


def test_record__says_where_each_element_lies():
    recording = record(NET, STIMULI, [Probe(SITE, pool=None), "6"])
    here = recording.isel(neuroid=recording["site"].values == 0)
    places = np.stack([here[name].values for name in ("channel", "row", "col")], axis=1)
    np.testing.assert_array_equal(places, np.stack(np.unravel_index(np.arange(60), (5, 4, 3)), axis=1))
    assert set(recording["row"].values[60:]) == {-1}


def test_out_norm__is_the_norm_of_the_outgoing_weights():
    recording = record(NET, STIMULI, ["0", "1", "2", "6", "output"])
    norms = recording["out_norm"].values
    conv, linear, last = (dict(MODEL.named_parameters())[name].detach().double().numpy() for name in
                          ("2.weight", "5.weight", "7.weight"))  # fmt: skip
    channels = np.sqrt((conv**2).sum(axis=(0, 2, 3)))
    flattened = np.sqrt((linear.reshape(8, 5, 12) ** 2).sum(axis=(0, 2)))
    expected = np.concatenate([channels, channels, flattened, np.sqrt((last**2).sum(axis=0)), np.full(3, np.nan)])
    np.testing.assert_allclose(norms, expected, rtol=1e-10)


class PlainAttention(nn.Module):
    """Multi-head attention written out, with an output projection."""

    def __init__(self, width=12, num_heads=3):
        super().__init__()
        self.num_heads, self.qkv, self.out_proj = num_heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, head_mask=None):
        q, k, v = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        z = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        if head_mask is not None:
            z = z * head_mask[None, None, :, None]
        return self.out_proj(z.flatten(2))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.attn, self.head = nn.LayerNorm(12), PlainAttention(), nn.Linear(12, 4)

    def forward(self, x, head_mask=None):
        return self.head((x + self.attn(self.norm(x), head_mask)).mean(1)), x


BLOCK = seeded(Block).eval()
TOKENS = StimulusSet("tokens", DRAW.normal(size=(7, 5, 12)), pd.DataFrame({
    "stimulus_id": [f"t{at}" for at in range(7)], "condition": ["a"] * 7, "label": np.arange(7) % 4}))
HEADS = "attn.out_proj/heads"


def test_heads__are_slices_of_the_projections_input():
    net = Specimen(BLOCK, np.ones((1, 5, 12)), output=0)
    assert (net.sites()[HEADS].dims, net.sites()[HEADS].shape) == (("token", "head", "unit"), (5, 3, 4))
    for heads in ([1], [0, 2]):
        mask = torch.ones(3)
        mask[heads] = 0
        with torch.no_grad():
            expected = BLOCK(torch.tensor(TOKENS.inputs, dtype=torch.float32), mask)[0].numpy()
        lesion = Lesion(ROI("heads", {HEADS: heads}), Zero())
        got = record(net, TOKENS, ["output"], lesions=[lesion]).values
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_heads__are_recorded_by_unit_and_by_length_and_held_at_their_own_mean():
    net = Specimen(BLOCK, np.ones((1, 5, 12)), output=0)
    kept = []
    handle = BLOCK.attn.out_proj.register_forward_pre_hook(lambda module, args: kept.append(args[0].clone()))
    with torch.no_grad():
        BLOCK(torch.tensor(TOKENS.inputs, dtype=torch.float32))
    handle.remove()
    z = kept[0].numpy().reshape(7, 5, 3, 4)
    by_unit, by_length = record(net, TOKENS, [HEADS]), record(net, TOKENS, [Probe(HEADS, pool="norm")])
    np.testing.assert_allclose(by_unit.values, z.mean(axis=1).reshape(7, 12), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_length.values, np.linalg.norm(z, axis=3).mean(axis=1), rtol=1e-5)
    assert by_unit["head"].values.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    columns = BLOCK.attn.out_proj.weight.detach().double().numpy().reshape(12, 3, 4)
    np.testing.assert_allclose(by_length["out_norm"].values, np.sqrt((columns**2).sum(axis=(0, 2))))
    held = record(net, TOKENS, [Probe(HEADS, pool=None)], lesions=[Lesion(ROI("h", {HEADS: [2]}), Mean(by_unit))])
    held = held.values.reshape(7, 5, 3, 4)
    np.testing.assert_allclose(held[:, :, 2], np.broadcast_to(z.mean(axis=(0, 1))[2], (7, 5, 4)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(held[:, :, :2], z[:, :, :2], rtol=1e-5, atol=1e-6)


def test_residual_stream_of_a_block_that_returns_a_tuple__is_its_first_tensor():
    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.block, self.last = Block(), nn.Linear(4, 2)

        def forward(self, x):
            return self.last(self.block(x)[0])

    model = Stack().eval()
    net = Specimen(model, np.ones((1, 5, 12)))
    got = record(net, TOKENS, ["block", "output"], lesions=[Lesion(ROI("r", {"block": [1]}), Clamp(2.0))])
    with torch.no_grad():
        stream = model.block(torch.tensor(TOKENS.inputs, dtype=torch.float32))[0]
        stream[:, 1] = 2.0
        expected = model.last(stream).numpy()
    np.testing.assert_allclose(got.values, np.hstack([stream.numpy(), expected]), rtol=1e-5, atol=1e-6)
