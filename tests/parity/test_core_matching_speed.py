"""Controls are drawn fast, and are those that a slow loop over xarray and masks draws, to the unit and to the note."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurolab.chance import generator
from neurolab.design import random_lesions
from neurolab.lesion import Lesion, Zero
from neurolab.matching import N_NEAREST, matched_controls
from neurolab.recording import make_recording
from neurolab.roi import ROI, roi_from_mask


def _pool(rng: int) -> object:
    """Two sites, one channel of which runs far off, some invalid units."""
    draw = np.random.default_rng(rng)
    values = draw.normal(draw.normal(size=60), draw.uniform(0.5, 2, 60), (20, 60))
    values[:, 5] += 40
    columns = {"stimulus_id": [f"s{at}" for at in range(20)], "condition": ["x", "y"] * 10}
    neuroid = {"site": ["a"] * 35 + ["b"] * 25, "unit": [*range(35), *range(25)], "valid": draw.random(60) < 0.9}
    return make_recording(values, presentation=columns, neuroid=neuroid, kind="simulated", specimen="net")


def _slow(lesion, pool, n, match, caliper, rng):
    """The rule as its docstring says it, one unit after another."""
    mean, sd = pool.values.mean(axis=0), pool.values.std(axis=0, ddof=1)
    columns = np.stack([mean, sd] if "activity" in match else [np.zeros_like(mean)], axis=1)
    site = pool["site"].values
    for code in (0, 1):
        here = site == code
        spread = columns[here].std(axis=0)
        columns[here] = (columns[here] - columns[here].mean(axis=0)) / np.where(spread > 0, spread, 1)
    inside = lesion.roi.mask(pool)
    free, attempt, found = np.flatnonzero(~inside & pool["valid"].values.astype(bool)), 0, []
    while len(found) < n:
        draw, taken, far = generator(rng, "matched", lesion.roi.digest, attempt), set(), {}
        attempt += 1
        units = np.flatnonzero(inside)
        for target in draw.permutation(len(units)):
            unit = units[target]
            away = {
                int(other): float(np.abs(columns[other] - columns[unit]).max())
                for other in free
                if site[other] == site[unit] and other not in taken
            }
            near = [other for other, distance in away.items() if distance <= caliper]
            near = near or sorted(away, key=lambda other: (away[other], other))[:N_NEAREST]
            pick = near[draw.integers(len(near))]
            taken.add(pick)
            far[target] = away[pick]
        if taken not in [units for units, _ in found]:
            found.append((taken, [far[target] for target in range(len(units))]))
    return found


@pytest.mark.parametrize("match", [("site",), ("site", "activity")])
@pytest.mark.parametrize("caliper", [0.2, 1.0])
def test_controls_are_those_of_a_slow_loop(match: tuple[str, ...], caliper: float) -> None:
    """Extreme units, two sites, invalid units: the same units and the same notes."""
    pool = _pool(0)
    target = Lesion(ROI("area", {"a": [1, 5, 9], "b": [2, 3]}), Zero())
    controls = matched_controls(target, pool, 40, match=match, caliper=caliper, rng=3)
    slow = _slow(target, pool, 40, match, caliper, 3)
    sites = {"a": 0, "b": 35}
    assert [
        {sites[site] + int(unit) for site, units in one.roi.units.items() for unit in units} for one in controls
    ] == [units for units, _ in slow]
    noted = np.array([[value for _, value in one.notes] for one in controls])
    expected = [(np.mean(far), np.mean(np.array(far) > caliper)) for _, far in slow]
    np.testing.assert_allclose(noted, expected, rtol=1e-12)


def test_a_caliper_without_end_takes_no_unit_twice() -> None:
    """An infinite caliper is any free unit of the site, never a taken one nor one of another site."""
    target = Lesion(ROI("area", {"a": range(15), "b": [2, 3]}), Zero())
    controls = matched_controls(target, _pool(1), 20, match=("site", "activity"), caliper=np.inf, rng=0)
    assert {tuple(len(units) for units in one.roi.units.values()) for one in controls} == {(15, 2)}


def test_many_controls_share_what_they_have_in_common() -> None:
    """A thousand controls hold one set of the stimuli that chose them, not a thousand."""
    ids = [f"s{at}" for at in range(20)]
    target = Lesion(ROI("area", {"a": [1, 5]}, chosen_on=frozenset(ids)), Zero())
    controls = matched_controls(target, _pool(2), 30, rng=0)
    assert len({id(one.roi.chosen_on) for one in controls}) == 1
    assert controls[0].chosen_on == frozenset(ids)
    drawn = random_lesions(_pool(2), Zero(), 5, n_units=4, rng=0)
    assert len({id(one.roi.chosen_on) for one in drawn}) == 1


def test_regions_of_one_reading_are_those_of_many() -> None:
    """What reads a recording once gives the region that reading it each time gives."""
    pool = _pool(3)
    for places in ([4], [40, 2, 2, 59]):
        mask = np.isin(np.arange(60), places)
        one = roi_from_mask(mask, pool, name="r", chosen_on=["s1"], how_chosen="given")
        units = {
            site: [p - first for p in sorted(set(places)) if first <= p < first + size]
            for site, first, size in (("a", 0, 35), ("b", 35, 25))
        }
        other = ROI(
            "r",
            {site: held for site, held in units.items() if held},
            shape={"a": (35,), "b": (25,)},
            chosen_on=frozenset(["s1"]),
            how_chosen="given",
            specimen="net",
        )
        assert one.digest == other.digest
        assert one.shape == other.shape
        assert one.chosen_on == other.chosen_on
        assert replace(one, name="s").n_units == len(set(places))
