"""As many units as places: sizes do not say which axis counts units, so what the forward does to the axes has to."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import neurolab as nl
from neurolab.specimen.turns import merged

X = np.random.default_rng(0).standard_normal((6, 3, 8, 8)).astype(np.float32)
SOUND, WORDS = X[:, :, 0], X[:, 0]


class Net(nn.Module):
    def __init__(self, forward, **layers):
        super().__init__()
        self.does = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        return self.does(self, x)


def specimen(model, inputs):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.3)
    return nl.Specimen(model.eval(), inputs[:2], name="net")


def even(turn, layer=nn.Conv1d, width=8):
    """A layer with as many units as places (or not), something that turns its axes, and a layer of no type."""
    first = nn.Conv1d(3, width, 1) if layer is nn.Conv1d else nn.Linear(8, width)
    return Net(lambda self, x: self.act(turn(self, self.first(x))).flatten(1)[:, :4], first=first, act=nn.GELU(),
               more=nn.Linear(8, 8))  # fmt: skip


TURNS = {
    "mT": lambda self, y: y.mT, "mH": lambda self, y: y.mH, "einsum": lambda self, y: torch.einsum("bct->btc", y),
    "transpose_": lambda self, y: y.clone().transpose_(1, 2), "swapaxes_": lambda self, y: y.clone().swapaxes_(2, 1),
    "swapdims_": lambda self, y: y.clone().swapdims_(1, 2), "adjoint": lambda self, y: y.adjoint(),
    "squeeze": lambda self, y: y.unsqueeze(-1).permute(0, 2, 1, 3).squeeze(-1),
    "None": lambda self, y: y[:, :, :, None].permute(0, 2, 1, 3)[..., 0],
    "sum": lambda self, y: y.mT.add_(1) / 2 - torch.relu(y.mT),
    "cat": lambda self, y: torch.cat(y.mT.chunk(2, 1), 1),
    "softmax": lambda self, y: y.mT.cumsum(1).clamp(-3, 3).softmax(-1),
    "choice": lambda self, y: y.mT[:, [3, 1, 2, 0] * 2],
    "attention": lambda self, y: functional.scaled_dot_product_attention(y.mT, y.mT, y.mT),
    "product": lambda self, y: torch.softmax(y.mT @ y, -1) @ y.mT,
    "weights": lambda self, y: y.mT @ self.more.weight.T, "left": lambda self, y: self.more.weight.T @ y.mT,
    "batch": lambda self, y: y.permute(1, 0, 2).mul(2).permute(2, 1, 0).transpose(0, 1),
}  # fmt: skip


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
@pytest.mark.parametrize("layer", [nn.Conv1d, nn.Linear])
def test_as_many_units_as_places__are_turned_where_the_forward_turns_them(turn, layer):
    inputs = SOUND if layer is nn.Conv1d else WORDS
    net = specimen(even(turn, layer), inputs)
    site = net.sites()["act"]
    assert (site.dims, site.status) == (("time", "unit") if layer is nn.Conv1d else ("channel", "token"), "ok")
    with nl.specimen.bench(net) as table, table.lesioned(nl.Lesion(nl.ROI("two", {"act": [2]}), nl.Zero())):
        out = table.forward(torch.from_numpy(inputs), list("abcdef"))
    cut = (slice(None), 2) if layer is nn.Conv1d else 2
    alive = torch.ones(8, 8)
    alive[cut] = 0
    handle = net.model.act.register_forward_hook(lambda module, args, out: out * alive)
    with torch.no_grad():
        np.testing.assert_allclose(out.numpy(), net.model(torch.from_numpy(inputs)).numpy(), rtol=1e-5, atol=1e-6)
    handle.remove()


LOST = {
    "as_strided": lambda self, y: y.as_strided((len(y), 8, 8), (64, 1, 8)),
    "rot90": lambda self, y: torch.rot90(y, 1, (1, 2)),
    "stack": lambda self, y: torch.stack(y.unbind(1), 2), "vmap": lambda self, y: torch.vmap(torch.t)(y),
    "gather": lambda self, y: torch.gather(y.mT, 1, torch.arange(8)[None, :, None].expand(len(y), 8, 8)),
    "gram": lambda self, y: y @ y.mT, "fft": lambda self, y: torch.fft.fft(y, dim=1).real,
    "tensordot": lambda self, y: torch.tensordot(y, self.more.weight, ([1], [0])), "both": lambda self, y: y + y.mT,
    "chunk": lambda self, y: torch.cat([part.reshape(len(y), 8, 4) for part in y.chunk(2, 1)], 2),
    "einsum": lambda self, y: torch.einsum("bct,bct->btc", y, y), "index": lambda self, y: y[
        :, torch.arange(8)[None], torch.arange(8)[:, None]],
}  # fmt: skip


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
@pytest.mark.parametrize("layer", [nn.Conv1d, nn.Linear])
def test_as_many_units_as_places__are_guessed_where_nobody_can_tell(lost, layer):
    inputs = SOUND if layer is nn.Conv1d else WORDS
    site = specimen(even(lost, layer), inputs).sites()["act"]
    assert site.status == "warned"
    assert "which axis counts units is guessed" in site.why


@pytest.mark.parametrize("kept", [
    lambda self, y: torch.fft.fft(y, dim=2).real, lambda self, y: torch.special.i0(y),
    lambda self, y: torch.vmap(torch.exp)(y), lambda self, y: (y.exp() @ y.mT @ y).index_fill(1, torch.tensor([0]), 0),
    lambda self, y: torch.bmm(y.unflatten(2, (2, 4)).flatten(2).softmax(1), y.mT).bmm(y),
])  # fmt: skip
def test_other_sizes__say_which_axis_is_which_behind_any_operation(kept):
    site = specimen(even(kept, width=5), SOUND).sites()["act"]
    assert (site.dims, site.shape, site.status) == (("channel", "time"), (5, 8), "ok")


@pytest.mark.parametrize("kept", [
    lambda self, y: y + y.flatten(1).view(y.shape), lambda self, y: y.flatten(1).view(y.shape) + y,
    lambda self, y: y * self.more(y).mean(-1, keepdim=True),
    lambda self, y: y * y[:, :1].squeeze(1)[:, None, :].sigmoid(), lambda self, y: y[:, 0, None].sigmoid() * y,
    lambda self, y: functional.pad(y, (1, 1))[..., 2:], lambda self, y: functional.layer_norm(y, (8,)),
    lambda self, y: functional.dropout(y, 0.5, training=False),
    lambda self, y: y.to(torch.float64).float().contiguous(),
    lambda self, y: torch.where(y > 0, y, y.abs().log1p()), lambda self, y: y.masked_fill(y < 0, 1).relu_(),
    lambda self, y: 2 - (-y + 1) ** 2 / 3, lambda self, y: functional.avg_pool1d(y, 3, 1, 1).roll(1, 2).flip(2),
])  # fmt: skip
def test_as_many_units_as_places__stay_where_each_operation_leaves_them(kept):
    site = specimen(even(kept), SOUND).sites()["act"]
    assert (site.dims, site.status) == (("channel", "time"), "ok")


def test_a_sum_of_what_has_fewer_axes__has_those_of_what_has_all():
    def forward(self, x):
        y = self.first(x.transpose(0, 1))
        return self.act(self.second(y.mean(0)) + y).mean(0)

    net = specimen(Net(forward, first=nn.Linear(8, 8), second=nn.Linear(8, 8), act=nn.GELU()), WORDS)
    assert (net.sites()["act"].dims, net.sites()["act"].status) == (("token", "unit"), "ok")


def test_as_many_channels_as_rows_and_columns__stay_channels():
    parts = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(), nn.Identity(), nn.Hardswish()]
    sites = specimen(nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)), X).sites()
    assert {sites[str(at)].dims for at in range(len(parts))} == {("channel", "row", "col")}
    assert not [site.address for site in sites if "guessed" in site.why]


def test_as_many_words_as_units__are_told_apart_in_a_transformer():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    parts = [nn.Linear(8, 8), nn.GELU(), encoder, nn.Identity(), nn.Flatten(), nn.Linear(64, 4)]
    sites = [site for site in specimen(nn.Sequential(*parts), WORDS).sites() if len(site.shape) == 2]
    assert not [site.address for site in sites if "guessed" in site.why]
    assert {site.dims for site in sites if site.kind == "module"} == {("token", "unit")}


@pytest.mark.parametrize(("before", "after", "names"), [
    ((2, 8, 4, 1), (2, 8, 4), ("batch", "channel", "row")), ((2, 8, 1, 1), (2, 1, 8), ("batch", "token", "channel")),
    ((2, 9, 4, 4), (2, 6, 6, 4), None), ((2, 8, 4, 4), (2, 32, 4), ("batch", "token", "col")),
    ((2, 1, 4, 4), (2, 1, 4, 4), ("batch", "channel", "row", "col")),
])  # fmt: skip
def test_merged__by_hand(before, after, names):
    assert merged(("batch", "channel", "row", "col"), before, after) == names


@pytest.mark.parametrize("way", [(2, 5, 4, 2), (2, 5, 2, 4), (2, 5, 2, 2, 2), (2, 5, 2, 1, 4)])
def test_merged__what_was_parted_comes_together_again(way):
    names, parted = ("batch", "token", "unit"), merged(("batch", "token", "unit"), (2, 5, 8), way)
    assert "unit" not in parted
    assert merged(parted, way, (2, 5, 8)) == names
    assert merged(merged(parted, way, (2, 5, 2, 4)), (2, 5, 2, 4), (2, 5, 8)) == names
    other_way = (*parted[:2], *reversed(parted[2:]))
    assert merged(other_way, (*way[:2], *reversed(way[2:])), (2, 5, 8)) == ("batch", "token", "token")


def test_heads_that_come_together_again__are_the_units_they_were():
    def forward(self, x):
        q, k, v = (layer(x).view(len(x), 8, 2, 4).transpose(1, 2) for layer in (self.q, self.k, self.v))
        fused = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(len(x), 8, 8)
        plain = (torch.softmax(q @ k.transpose(-1, -2) / 2, -1) @ v).transpose(1, 2).flatten(2)
        wrong = self.wrong(fused.view(len(x), 8, 2, 4).mT.reshape(len(x), 8, 8))
        return self.last(wrong + self.act(fused) + self.also(plain))

    layers = {name: nn.Linear(8, 8) for name in "qkv"}
    ends = {"act": nn.GELU(), "also": nn.Identity(), "wrong": nn.GELU(), "last": nn.Linear(8, 2)}
    sites = specimen(Net(forward, **layers, **ends), WORDS).sites()
    assert [(sites[name].dims, sites[name].status) for name in ("act", "also")] == [(("token", "unit"), "ok")] * 2
    assert sites["wrong"].status == "warned"


def test_a_guess__is_handed_on_as_one_and_a_single_axis_is_none():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.act, self.again, self.flat = nn.Conv1d(3, 8, 1), nn.GELU(), nn.GELU(), nn.Flatten()

        def forward(self, x):
            return self.flat(self.again(self.act(torch.rot90(self.a(x), 1, (1, 2)))))

    sites = nl.Specimen(Net().eval(), torch.randn(2, 3, 8), name="net").sites()
    assert [sites[name].status for name in ("a", "act", "again", "flat")] == ["ok", "warned", "warned", "ok"]
    assert "guessed" in sites["again"].why
    assert sites["flat"].dims == ("unit",)
