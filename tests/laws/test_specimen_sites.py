"""The table of sites says what is there: addresses, axes, calls, norms, wiring; and prints, also in a notebook."""

import numpy as np
import pytest
import torch
from torch import nn

from neurolab.errors import UnknownSiteError
from neurolab.specimen import Specimen
from neurolab.specimen.axes import batch_axis
from neurolab.specimen.leaves import first_tensor, map_tensors, with_first_tensor


def net(*layers, shape, **settings):
    return Specimen(nn.Sequential(*layers), np.ones((1, *shape)), name="net", **settings)


@pytest.mark.parametrize(
    ("layers", "shape", "dims", "sizes"),
    [
        ([nn.Linear(4, 3)], (4,), ("unit",), (3,)),
        ([nn.Linear(4, 3), nn.Flatten()], (5, 4), ("token", "unit"), (5, 3)),
        ([nn.Conv1d(2, 3, 3), nn.Flatten()], (2, 8), ("channel", "time"), (3, 6)),
        ([nn.Conv2d(2, 3, 3), nn.Flatten()], (2, 8, 7), ("channel", "row", "col"), (3, 6, 5)),
        ([nn.Conv3d(1, 3, 2), nn.Flatten()], (1, 4, 5, 6), ("channel", "depth", "row", "col"), (3, 3, 4, 5)),
        ([nn.Linear(4, 3), nn.Flatten()], (6, 5, 4), ("row", "col", "unit"), (6, 5, 3)),
    ],
)
def test_axes__follow_the_module(layers, shape, dims, sizes):
    site = net(*layers, shape=shape).sites()["0"]
    assert (site.dims, site.shape, site.batch_axis) == (dims, sizes, 0)


def test_axes__a_relu_keeps_what_its_layer_had():
    table = net(nn.Conv1d(2, 3, 3), nn.ReLU(), nn.Flatten(), shape=(2, 8)).sites()
    assert table["1"].dims == ("channel", "time")
    assert table["1"].region_dims(("unit",)) == ("channel",)


def test_batch_axis__is_found_or_the_reason_is_given():
    assert batch_axis((2, 5), (3, 5)) == (0, "")
    assert batch_axis((5, 2, 7), (5, 3, 7)) == (1, "")
    assert "merged" in batch_axis((10, 7), (15, 7))[1]
    assert "no axis" in batch_axis((5, 7), (5, 7))[1]
    assert "all change" in batch_axis((2, 2), (3, 3))[1]
    assert "number of axes" in batch_axis((2, 2), (3,))[1]


def test_merged_rows__are_parted_where_the_stimuli_can_be_told_apart():
    class Merges(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.head = nn.Linear(4, 3), nn.Linear(15, 2)

        def forward(self, x):
            return self.head(self.inner(x.reshape(-1, 4)).reshape(len(x), -1))

    table = Specimen(Merges(), np.ones((1, 5, 4))).sites()
    assert (table["inner"].dims, table["inner"].shape) == (("token", "unit"), (5, 3))
    assert (table["inner"].status, table["inner"].cut) == ("warned", True)
    assert "5 positions, stimulus first" in table["inner"].why
    assert table["head"].status == "ok"


def test_table__says_what_it_knows_and_prints():
    specimen = net(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2), shape=(1, 8, 8))
    table = specimen.sites()
    assert table.names == ("input", "0", "1", "2", "3", "4", "output")
    assert [site.norm for site in table] == [False, True, False, False, False, False, False]
    assert table["0"].status == "warned"
    frame = table.to_frame()
    assert list(frame["address"]) == list(table.names)
    assert list(frame["unit_axis"][1:4]) == ["channel"] * 3
    assert "4 x 6 x 6" in repr(table)
    assert "<td>BatchNorm2d</td>" in specimen._repr_html_()
    assert len(table) == 7
    assert "2" in table
    assert "relu" not in table
    with pytest.raises(UnknownSiteError, match="'input', '0'"):
        table["relu"]


def test_wiring__goes_through_what_keeps_the_units_and_stops_where_they_branch():
    specimen = net(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2), shape=(1, 8, 8))
    for site in ("0", "1", "2"):
        assert specimen.wiring[site].made_by.parameter == "0.weight"
        assert specimen.wiring[site].read_by.parameter == "4.weight"

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            h = torch.relu(self.a(x))
            return self.c(h + self.b(h))

    residual = Specimen(Residual(), np.ones((1, 4)))
    assert residual.wiring["a"].read_by is None
    assert residual.wiring["a"].made_by.parameter == "a.weight"
    assert residual.wiring["c"].made_by.parameter == "c.weight"


def test_verify__edits_every_site_and_says_which_drive_nothing():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x):
            return self.used(x) + 0 * self.idle(x)

    seen = Specimen(Idle(), np.ones((1, 3)), name="idle").verify()
    assert seen.ok
    assert seen.seen == {"input": "", "used": "", "idle": "changes nothing in the read-out", "output": ""}
    assert "idle: changes nothing" in repr(seen)


def test_leaves__are_replaced_without_touching_the_container():
    a, b, new = torch.zeros(2), torch.ones(2), torch.full((2,), 7.0)
    value = {"x": None, "y": [3, (a, b)]}
    assert first_tensor(value) is a
    assert first_tensor([1, "text"]) is None
    changed = with_first_tensor(value, new)
    assert changed["y"][1][0] is new
    assert changed["y"][1][1] is b
    assert value["y"][1][0] is a
    doubled = map_tensors(value, lambda tensor: tensor * 2)
    assert torch.equal(doubled["y"][1][1], 2 * b)


def test_specimen__leaves_the_model_and_its_weights_alone():
    model = nn.Sequential(nn.Linear(3, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    specimen = Specimen(model, np.ones((1, 3)))
    assert specimen.model is model
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    digest = specimen.digest
    with torch.no_grad():
        model[0].bias[0] += 1e-6
    assert specimen.digest != digest
