"""Where rounding swells behind a lesion, no update is trusted; where it does not, the fast path serves."""

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import neurolab as nl
from neurolab.specimen import by_channels
from neurolab.specimen.engine import Engine

SIZE, N = 6, 10


class Net(nn.Module):
    """Few units are active at a place, so that lesions of three silence many places behind ``b``."""

    def __init__(self, head, *, bias=False, active=-0.9):
        super().__init__()
        self.a, self.r, self.b = nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 12, 3, padding=1, bias=bias)
        self.norm, self.group = nn.BatchNorm2d(12), nn.GroupNorm(3, 12)
        self.p, self.head = nn.Parameter(torch.randn(5, 12)), head
        with torch.no_grad():
            self.a.bias.fill_(active)

    def forward(self, x):
        return self.head(self, self.b(self.r(self.a(x))))


def read(net, y):
    return torch.einsum("bchw,kc->bkhw", y, net.p).mean((2, 3))


STEEP = {
    "cosine": lambda net, y: F.cosine_similarity(y[:, None], net.p[None, :, :, None, None], dim=2).mean((2, 3)),
    "gain": lambda net, y: read(net, torch.tanh(1e6 * y)),
    "spread of a channel": lambda net, y: read(net, y / (y.std((2, 3), keepdim=True) + 1e-9)),
    "spread of a place": lambda net, y: read(net, F.layer_norm(y.movedim(1, -1), (12,), eps=1e-14).movedim(-1, 1)),
}
CALM = {
    "relu": lambda net, y: read(net, torch.relu(y)),
    "batch norm": lambda net, y: read(net, torch.relu(net.norm(y))),
    "group norm": lambda net, y: read(net, torch.relu(net.group(y))),
    "gelu and pool": lambda net, y: read(net, F.max_pool2d(F.gelu(y), 2)),
    "sigmoid": lambda net, y: read(net, torch.sigmoid(y)),
}


def asked(head, monkeypatch, **settings):
    """The largest difference from hooks, as a share of the largest answer, and the paths."""
    monkeypatch.setattr(Engine, "_worth", lambda self: True)
    torch.manual_seed(0)
    model = Net(head, **settings).eval()
    x = np.random.default_rng(0).standard_normal((N, 3, SIZE, SIZE)).astype(np.float32)
    with torch.no_grad():
        active = (model.r(model.a(torch.from_numpy(x))) > 0).amax((2,))  # by column of the picture
    sets = sorted({tuple(torch.nonzero(active[i, :, max(0, w - 1) : w + 2].amax(1)).ravel().tolist())
                   for i in range(N) for w in range(SIZE)})  # fmt: skip
    sets = [one for one in sets if 3 <= len(one) <= 11][:60] + [(k,) for k in range(6)]
    table = pd.DataFrame({"stimulus_id": [f"s{k}" for k in range(N)], "condition": "x", "label": np.arange(N) % 5})
    stimuli = nl.StimulusSet("noise", x, table)
    specimen = nl.Specimen(model, x[:2], name="net")
    lesions = [nl.Lesion(nl.ROI(f"r{k}", {"r": one}, {"r": ("channel",)}), nl.Zero()) for k, one in enumerate(sets)]
    task = nl.Task("own", stimuli, lambda out, known: np.asarray(out, float)[np.arange(len(out)), known["label"]])
    trials = nl.examine(specimen, lesions, task, progress=False)
    rows = trials["lesion_id"].values.astype(str).tolist()
    far = []
    for k, one in enumerate(sets):
        hook = model.r.register_forward_hook(lambda _, __, out, one=one: out.index_fill(1, torch.tensor(one), 0.0))
        with torch.no_grad():
            whole = model(torch.from_numpy(x)).numpy()
        hook.remove()
        known = whole[np.arange(N), table["label"]]
        far.append(np.abs(trials["score"].values[0, rows.index(f"r{k}")] - known).max() / np.abs(whole).max())
    paths = {str(path) for path in trials["certificate_path"].values.ravel() if not str(path).startswith("hooks")}
    return max(far), paths


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("head", STEEP)
def test_what_swells__is_served_by_no_update(head, listed, monkeypatch):
    if not listed:  # no list of operations knows every one
        monkeypatch.setattr(by_channels, "steep_of", lambda *nodes: "")
    far, paths = asked(STEEP[head], monkeypatch)
    assert far <= 1e-6
    assert all(path.startswith("slice (no sparse: ") for path in paths)
    assert listed or all("more than rounding of what differs by rounding" in path for path in paths)


@pytest.mark.parametrize("head", CALM)
@pytest.mark.parametrize("bias", [True, False])
def test_what_is_calm__is_served_by_the_update(head, bias, monkeypatch):
    far, paths = asked(CALM[head], monkeypatch, bias=bias)
    assert far <= 1e-5
    assert paths == {"sparse"}


@pytest.mark.parametrize("head", STEEP)
def test_what_swells_only_where_nothing_is_left__is_found_while_all_is_active(head, monkeypatch):
    monkeypatch.setattr(by_channels, "steep_of", lambda *nodes: "")
    far, paths = asked(STEEP[head], monkeypatch, active=3.0)
    assert far <= 1e-6
    assert all("more than rounding of what differs by rounding" in path for path in paths)
