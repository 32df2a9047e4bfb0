"""Unions of many regions at once are those of the operator, pair by pair."""

import pickle
from functools import reduce
from operator import or_

import numpy as np
import pytest

from neurolab.errors import SchemaError
from neurolab.roi import ROI
from neurolab.unions import unions_of


def regions(seed: int) -> list[ROI]:
    """Regions of one to three units at one or two of three sites, some with a known shape."""
    stream = np.random.default_rng(seed)
    made = []
    for name in "abcdefgh":
        sites = stream.choice(["x", "y", "z"], stream.integers(1, 3), replace=False)
        units = {site: stream.integers(0, 20, stream.integers(1, 4)) for site in sites}
        made.append(ROI(name, units, dims={"z": ("channel",)}, shape={"z": (20,)}, how_chosen="by hand"))
    return made


@pytest.mark.parametrize("seed", range(5))
def test_unions__equal_those_of_the_operator(seed):
    rois = regions(seed)
    union = unions_of(rois)
    for size in (1, 2, 5, 8):
        taken = np.random.default_rng(seed).choice(8, size, replace=False)
        one, other = union(taken), reduce(or_, [rois[k] for k in taken])
        assert one.digest == other.digest
        assert (dict(one.shape), one.how_chosen) == (dict(other.shape), other.how_chosen)


def test_unions__of_regions_that_share_no_unit__are_those_of_the_operator():
    """One site or two, and some that have nothing at one of them; each knows its size and cannot be written into."""
    units = [{"x": [7]}, {"z": [3, 1]}, {"x": [2], "z": [9]}, {"x": [4, 0]}]
    rois = [ROI(name, one, dims={"z": ("channel",)}, shape={"z": (20,)}) for name, one in zip("abcd", units)]
    union = unions_of(rois)
    for taken in ((0,), (1,), (2, 0), (3, 1), (0, 3), (3, 2, 1, 0)):
        one, other = union(taken), reduce(or_, [rois[k] for k in taken])
        assert (one.n_units, one.digest, one.sites) == (other.n_units, other.digest, other.sites)
        assert (dict(one.dims), dict(one.shape), one.name) == (dict(other.dims), dict(other.shape), "a")
        assert not any(chosen.flags.writeable for chosen in one.units.values())
        assert pickle.loads(pickle.dumps(one)).digest == other.digest


def test_unions__of_regions_told_differently__remember_all_of_them():
    rois = [ROI("a", {"x": [1]}, chosen_on=frozenset("p")), ROI("b", {"x": [2]}, chosen_on=frozenset("q"))]
    assert unions_of(rois)([0, 1]).chosen_on == {"p", "q"}


def test_unions__of_units_counted_differently__are_refused():
    rois = [ROI("a", {"x": [1]}), ROI("b", {"x": [2]}, dims={"x": ("channel",)})]
    with pytest.raises(SchemaError, match="indexed by"):
        unions_of(rois)([0, 1])


def test_unions__of_a_few_of_regions_whose_shapes_differ__are_those_of_the_operator():
    rois = [ROI("a", {"x": [30]}, shape={"x": (40,)}), ROI("b", {"x": [1]}, shape={"x": (20,)}),
            ROI("c", {"x": [2]}, shape={"x": (20,)})]  # fmt: skip
    one, other = unions_of(rois)([1, 2]), rois[1] | rois[2]
    assert (one.digest, dict(one.shape)) == (other.digest, dict(other.shape))
