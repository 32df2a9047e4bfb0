"""Layers behind axes that the forward turned: a unit is a unit, as plain hooks see it, or is said to be guessed."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import neurolab as nl
from neurolab.specimen.trace import turn_of

X = np.random.default_rng(0).standard_normal((6, 3, 8, 8)).astype(np.float32)
IMAGE, TURNED = ("channel", "row", "col"), ("row", "col", "unit")


class Turn(nn.Module):
    """As torchvision has it."""

    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x):
        return torch.permute(x, self.order)


class Norm2d(nn.LayerNorm):
    """As torchvision and timm have it: turns, norms, and turns back."""

    def forward(self, x):
        turned = functional.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return turned.permute(0, 3, 1, 2)


class Net(nn.Module):
    def __init__(self, forward, **layers):
        super().__init__()
        self.does = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        return self.does(self, x)


def act_after(turn, width=5):
    """A convolution, something that turns its axes, and a layer of no type that says which axis is which."""
    return Net(lambda self, x: self.act(turn(self.conv(x))).flatten(1)[:, :4], conv=nn.Conv2d(3, width, 1),
               act=nn.GELU())  # fmt: skip


def convnext(width=8):
    def block(self, x):
        return x + self.drop(self.down(self.act(self.up(self.norm(self.deep(x).permute(0, 2, 3, 1)))))).permute(
            0, 3, 1, 2)

    def whole(self, x):
        return self.head(self.flat(self.pool(self.relu(self.last(self.block(self.first(self.stem(x))))))))

    inner = Net(block, deep=nn.Conv2d(width, width, 3, padding=1, groups=width), norm=nn.LayerNorm(width),
                up=nn.Linear(width, 4 * width), act=nn.GELU(), down=nn.Linear(4 * width, width), drop=nn.Dropout())
    last = nn.Sequential(Turn(0, 2, 3, 1), nn.GELU(), Turn(0, 3, 1, 2))
    return Net(whole, stem=nn.Conv2d(3, width, 1), first=Norm2d(width), block=inner, last=last, relu=nn.ReLU(),
               pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), head=nn.Linear(width, 4))  # fmt: skip


def swin(width=6, window=4):
    def whole(self, x):
        x = self.turn(self.patch(x))
        n, rows, cols, _ = x.shape
        y = torch.roll(self.norm(x), (1, 1), (1, 2)).view(n, rows // window, window, cols // window, window, width)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(-1, window * window, width)
        q, k, v = self.qkv(y).chunk(3, -1)
        y = self.proj(torch.softmax(q @ k.transpose(1, 2), -1) @ v)
        y = y.view(n, rows // window, cols // window, window, window, width).permute(0, 1, 3, 2, 4, 5)
        x = self.middle(x + self.drop(y.reshape(n, rows, cols, width)))
        x = x + self.down(self.act(self.up(self.after(x))))
        x = self.fewer(torch.cat([x[:, a::2, b::2] for a in (0, 1) for b in (0, 1)], -1))
        return self.head(self.end(x).mean((1, 2)))

    return Net(whole, patch=nn.Conv2d(3, width, 1), turn=Turn(0, 2, 3, 1), norm=nn.LayerNorm(width),
               qkv=nn.Linear(width, 3 * width), proj=nn.Linear(width, width), drop=nn.Dropout(), middle=nn.Identity(),
               after=nn.LayerNorm(width), up=nn.Linear(width, 4 * width), act=nn.GELU(),
               down=nn.Linear(4 * width, width), fewer=nn.Linear(4 * width, 2 * width), end=nn.GELU(),
               head=nn.Linear(2 * width, 4))  # fmt: skip


def specimen(model, inputs=X):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.3)
    return nl.Specimen(model.eval(), inputs[:2], name="net")


def hooked(net, address):
    found = []
    handle = net.model.get_submodule(address).register_forward_hook(lambda module, args, out: found.append(out.clone()))
    with torch.no_grad():
        net.model(torch.from_numpy(X))
    handle.remove()
    return found[0].numpy()


def recorded(net, address):
    table = {"stimulus_id": list("abcdef"), "condition": ["x", "y"] * 3}
    return nl.record(net, nl.StimulusSet("six", X, table), [address]).values


@pytest.mark.parametrize("width", [5, 8])  # with 8 channels of 8 by 8 the shape alone says nothing
@pytest.mark.parametrize("turn", [
    lambda x: x.permute(0, 2, 3, 1), lambda x: torch.permute(x, (0, 2, 3, 1)), lambda x: x.movedim(1, -1),
    lambda x: x.transpose(1, 2).transpose(2, 3), lambda x: (x.permute(0, 2, 3, 1) * 2 + 1).contiguous(),
    lambda x: functional.relu(x.moveaxis(1, 3)),
])  # fmt: skip
def test_a_layer_without_a_type__counts_the_units_that_were_turned(turn, width):
    net = specimen(act_after(turn, width))
    site = net.sites()["act"]
    assert (site.dims, site.shape, site.status) == (TURNED, (8, 8, width), "ok")
    np.testing.assert_allclose(recorded(net, "act"), hooked(net, "act").mean(axis=(1, 2)), rtol=1e-4, atol=1e-6)


def test_a_region_behind_turned_axes__is_cut_unit_by_unit():
    net = specimen(act_after(lambda x: x.permute(0, 2, 3, 1), 8))
    with nl.specimen.bench(net) as table, table.lesioned(nl.Lesion(nl.ROI("two", {"act": [2]}), nl.Zero())):
        act = table.forward(torch.from_numpy(X), list("abcdef"))
    expected = hooked(net, "act")
    expected[..., 2] = 0
    np.testing.assert_allclose(act.numpy(), expected.reshape(6, -1)[:, :4], rtol=1e-5, atol=1e-6)


def test_convnext__every_layer_counts_channels():
    net = specimen(convnext())
    dims = {site.address: site.dims for site in net.sites() if site.shape[-1] > 1 and len(site.dims) == 3}
    turned = {"block.norm", "block.up", "block.act", "block.down", "block.drop", "last.0", "last.1"}
    assert dims == {name: TURNED if name in turned else IMAGE for name in dims}
    assert turned | {"first", "block", "last", "last.2", "relu"} <= set(dims)
    for name in ("first", "block", "relu"):
        np.testing.assert_allclose(recorded(net, name), hooked(net, name).mean(axis=(2, 3)), rtol=1e-4, atol=1e-5)
    for name in ("block.norm", "block.drop", "last.1"):
        np.testing.assert_allclose(recorded(net, name), hooked(net, name).mean(axis=(1, 2)), rtol=1e-4, atol=1e-5)


def test_swin__every_layer_counts_units():
    net = specimen(swin())
    dims = {site.address: site.dims for site in net.sites() if site.address not in ("input", "patch", "qkv", "proj")}
    assert {name: found for name, found in dims.items() if found not in (TURNED, ("unit",))} == {}
    for name in ("turn", "drop", "middle", "act", "end"):
        np.testing.assert_allclose(recorded(net, name), hooked(net, name).mean(axis=(1, 2)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("shape_of", "dims"), [
    (lambda x: x.flatten(2), ("channel", "token")),
    (lambda x: x.reshape(len(x), 5, 64).transpose(1, 2), ("token", "unit")),
    (lambda x: x.permute(0, 2, 3, 1).flatten(1, 2), ("token", "unit")),
    (lambda x: x.permute(0, 2, 1, 3), ("row", "unit", "col")),
])  # fmt: skip
def test_places_that_became_one_axis__are_no_units(shape_of, dims):
    site = specimen(act_after(shape_of)).sites()["act"]
    assert (site.dims, site.sizes(site.unit_dims), site.status) == (dims, (5,), "ok")


@pytest.mark.parametrize("lost", [
    lambda x: x.flatten(1, 2), lambda x: x.reshape(len(x), 8, 5, 8),
    lambda x: x.permute(0, 2, 3, 1).mT.reshape(len(x), 8, 4, 10),
    lambda x: x.unfold(2, 4, 4).sum(-1), lambda x: torch.einsum("nchw,nchw->nhwc", x, x)[:, :6],
])  # fmt: skip
def test_axes_that_cannot_be_followed__are_said_to_be_guessed(lost):
    net = specimen(act_after(lost))
    site = net.sites()["act"]
    assert site.status == "warned"
    assert "which axis counts units is guessed" in site.why
    assert "which axis counts units is guessed" in repr(net.sites())
    assert net.sites()["conv"].status == "ok"


def test_a_norm_over_whole_maps__leaves_their_axes():
    net = specimen(Net(lambda self, x: self.norm(self.conv(x)).mean((2, 3)), conv=nn.Conv2d(3, 5, 1),
                       norm=nn.LayerNorm([5, 8, 8])))  # fmt: skip
    assert net.sites()["norm"].dims == IMAGE
    np.testing.assert_allclose(recorded(net, "norm"), hooked(net, "norm").mean(axis=(2, 3)), rtol=1e-4, atol=1e-5)


def test_the_read_out__is_followed_too():
    net = specimen(Net(lambda self, x: self.conv(x).permute(0, 2, 3, 1), conv=nn.Conv2d(3, 5, 1)))
    assert net.sites()["output"].dims == TURNED


def test_turn_of__agrees_with_permute_for_every_order():
    x = torch.zeros(2, 1, 4, 4)[:, :, :, :1].expand(2, 1, 4, 4)
    for order in torch.cartesian_prod(*[torch.arange(4)] * 4).tolist():
        if len(set(order)) == 4:
            assert turn_of(torch.permute, (x, order), {}) == tuple(order)
            assert turn_of(torch.Tensor.permute, (x, *order), {}) == tuple(order)


@pytest.mark.parametrize(("index", "turn"), [
    ((slice(None), 0), (0, 2, 3)), ((Ellipsis, None, 3), (0, 1, 2, -1)), ((slice(2), None), (0, -1, 1, 2, 3)),
    ((slice(None), torch.tensor([3, 1])), (0, 1, 2, 3)), ((slice(None), slice(1, 3), [0, 2]), (0, 1, 2, 3)),
    ((slice(None), 0, torch.tensor([3, 1])), ()), ((slice(None), torch.tensor([[1]])), ()), (torch.zeros(2, 8) > 0, ()),
    ((slice(None), torch.tensor([1]), torch.tensor([1])), ()), (True, ()), (1, (1, 2, 3)),
])  # fmt: skip
def test_turn_of__an_index(index, turn):
    assert turn_of(torch.Tensor.__getitem__, (torch.zeros(2, 8, 8, 8), index), {}) == turn


@pytest.mark.parametrize(("equation", "turn"), [
    ("bct -> btc", (0, 2, 1)), ("bct->bt", (0, 2)), ("bct,ck->bkt", (0, 1, 2)), ("bct,ck->btk", (0, 2, 1)),
    ("bct,c->bct", (0, 1, 2)), ("bct", ()), ("...ct->...tc", ()), ("bcc->bc", ()), ("bct,ctk->bk", ()),
    ("bct,k->bctk", ()),
])  # fmt: skip
def test_turn_of__an_einsum(equation, turn):
    weights = [nn.Parameter(torch.zeros(8, 8))] * equation.count(",")
    assert turn_of(torch.einsum, (equation, torch.zeros(2, 8, 8), *weights), {}) == turn
    assert turn_of(torch.einsum, ("bct,bct->btc", *[torch.zeros(2, 8, 8)] * 2), {}) == ()
