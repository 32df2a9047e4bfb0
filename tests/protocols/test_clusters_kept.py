"""What the full runs on clusters of connections left: both shuffles side by side, and controls that hold."""

import pathlib

import pytest

from neurolab.protocol.findings import load_dataset

FIGURES = pathlib.Path(__file__).resolve().parents[2] / "figures"


def kept(protocol, name):
    return load_dataset(FIGURES / protocol / "results" / f"{name}.nc")


@pytest.mark.parametrize(("protocol", "name", "planted"), [
    ("clusterability", "one_digit", None), ("clusterability", "two_digits", "glued, links 0.1"),
    ("structure_and_function", "cut", "glued"),
])  # fmt: skip
def test_planted_modules__were_found_and_untrained_networks_have_none(protocol, name, planted):
    cut = kept(protocol, name)
    assert cut.attrs["n"] >= 8
    assert cut["null"].values.tolist() == ["shuffled", "nonzero"]
    assert (cut["p"].sel(condition="initial") > 0.05).all()
    if planted:
        assert (cut["own_p"].sel(condition=planted) == cut["own_p_floor"].sel(condition=planted)).all()
        assert (cut["effect"].sel(condition=planted) < -10).all()


def test_links__blur_planted_modules():
    shift = kept("clusterability", "two_digits")["shift"].sel(null="nonzero")
    found = [float(shift.sel(condition=f"glued, links {cross}")) for cross in (0.1, 0.5, 1.0)]
    assert found == sorted(found)


def test_random_partitions__agree_with_nothing_and_cost_what_any_sets_cost():
    aligned, cost = kept("structure_and_function", "alignment"), kept("structure_and_function", "importance")
    assert (aligned["p"].sel(partition="random", measure="ari") > 0.05).all()
    assert float(aligned["effect"].sel(condition="glued", partition="found", measure="ari")) > 0.2
    random = [name for name in cost["condition"].values if name.endswith("random")]
    assert (cost["p"].sel(condition=random) > 0.05).all()
