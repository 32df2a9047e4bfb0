"""Profiles of several cohorts as one array, paired by seed where they share seeds, and how equal they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats as sps

from neurolab.analysis.flags import Flags
from neurolab.analysis.scale import at_ceiling, at_floor
from neurolab.analysis.words import joined, p_text
from neurolab.digest import digest_of
from neurolab.errors import DesignError, ReplicationUnitError, UnknownNameError, did_you_mean, listed
from neurolab.schema import strings
from neurolab.stats.equivalence import sign_flip_tost, tost_independent
from neurolab.stats.permutation import label_shuffle, sign_flip

#: Spreads that differ by more, in cohorts of unequal size, are said to undermine a shuffle of networks.
UNEVEN = 2.0
TEST = ("effect", "low", "high", "p", "p_floor")


@dataclass(frozen=True, eq=False)
class Cohorts:
    """Values (cohort, member, index) of several cohorts; members pair up across them where ``paired``.

    Cohorts of unequal size are padded with NaN; ``sizes`` are how many networks each has, with or without an
    index; ``told`` is what the profile of each says against itself; ``chance`` the level below which nobody is
    expected of the indices that are known to lie in [0, 1].
    """

    names: tuple[str, ...]
    members: tuple[str, ...]
    indices: tuple[str, ...]
    values: np.ndarray
    paired: bool
    sizes: tuple[int, ...]
    told: tuple[tuple[str, ...], ...] = ()
    chance: Mapping[str, float] = field(default_factory=dict)

    @property
    def smallest(self) -> int:
        """The size of the smallest cohort, which is the n of what compares them."""
        return min(self.sizes)

    def of(self, cohort: int, index: int) -> np.ndarray:
        """Get the values (members,) of one cohort; NaN where an index is not defined."""
        return self.values[cohort, : self.sizes[cohort], index]

    def difference(self, cohort: int, other: int, index: int, level: float, rng: Any) -> dict[str, float]:
        """Get the test of cohort minus other: sign-flip of pairs, else label shuffle; NaN where one is undefined."""
        a, b = self.of(cohort, index), self.of(other, index)
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return dict.fromkeys(TEST, np.nan)
        test: Any = sign_flip(a - b, level=level, rng=rng) if self.paired else label_shuffle(a, b, level=level, rng=rng)
        return {name: float(getattr(test, name)) for name in TEST}

    def mean(self, cohort: int, index: int, level: float, rng: Any, popmean: float = 0.0) -> dict[str, float]:
        """Get the mean of a cohort with its sign-flip about ``popmean``; NaN where one value is undefined."""
        x = self.of(cohort, index)
        if not np.isfinite(x).all():
            return dict.fromkeys(TEST, np.nan)
        test = sign_flip(x, popmean=popmean, level=level, rng=rng)
        return {name: float(getattr(test, name)) for name in TEST}

    def equal(self, cohort: int, other: int, index: int, within: float, rng: Any) -> bool:
        """Get whether two cohorts are shown to differ by less than ``within`` in the mean (equivalence, .05)."""
        a, b = self.of(cohort, index), self.of(other, index)
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return False
        if self.paired:
            return bool(sign_flip_tost(a - b, bounds=within, rng=rng).equivalent)
        if np.ptp(a) == 0 and np.ptp(b) == 0:
            return bool(abs(a[0] - b[0]) < within)
        return bool(tost_independent(a, b, bounds=within).equivalent)

    def flags(self, home: str = "") -> Flags:
        """Get what undermines cohorts: what their profiles say, and every index that some of their networks lack.

        home : the cohort that others are compared with: what is said of it is said of all.
        """
        said: dict[str, dict[str, list[str]]] = {}
        for name, lines in zip(self.names, self.told):
            for line in lines:
                before = said.get(line, {"condition": []}).get("condition")
                said[line] = {} if name == home or before is None else {"condition": [*before, name]}
        for at, k in np.ndindex(len(self.names), len(self.indices)):
            x = self.of(at, k)
            lost = [self.members[member] for member in np.flatnonzero(~np.isfinite(x))]
            if lost:
                name, index = self.names[at], self.indices[k]
                about = {"index": [index]} | ({} if name == home else {"condition": [name]})
                said[f"{name}: {index} is not defined in {len(lost)} of {len(x)} networks ({', '.join(lost)}), "
                     f"{len(x) - len(lost)} are left; nothing is tested with them."] = about  # fmt: skip
        return said

    def uneven(self, home: str) -> Flags:
        """Get which cohorts, of another size and spread than ``home``, a shuffle of networks tests at another level."""
        said: dict[str, dict[str, list[str]]] = {}
        base = self.names.index(home)
        for at, k in np.ndindex(len(self.names), len(self.indices)):
            a, b = self.of(at, k), self.of(base, k)
            one, other = float(a.std(ddof=1)), float(b.std(ddof=1))  # NaN where an index is not defined
            if self.paired or len(a) == len(b) or not max(one, other) > UNEVEN * min(one, other):
                continue
            often = "often" if (one > other) == (len(a) < len(b)) else "seldom"
            welch = p_text(float(sps.ttest_ind(a, b, equal_var=False).pvalue))
            sentence = (
                f"{self.names[at]} and {home} differ in size ({len(a)} and {len(b)} networks) and in the spread of "
                f"{self.indices[k]} (sd {one:.3g} and {other:.3g}): a shuffle of networks then rejects too {often}; "
                f"Welch's t gives {welch}, uncorrected."
            )
            said[sentence] = {"index": [self.indices[k]], "condition": [self.names[at]]}
        return said

    def room(self, home: str) -> Flags:
        """Get which indices, of those in [0, 1], are at floor or at ceiling in which cohort; of ``home`` for all."""
        said: dict[str, dict[str, list[str]]] = {}
        for at, k in np.ndindex(len(self.names), len(self.indices)):
            (name, index), mean = (self.names[at], self.indices[k]), float(self.of(at, k).mean())
            low = float(np.nan_to_num(self.chance.get(index, np.nan)))
            ends = {"floor": (at_floor(mean, low, bounded=True), "fallen"),
                    "ceiling": (at_ceiling(mean, low, bounded=True), "risen")}  # fmt: skip
            for end, (hit, gone) in ends.items():
                if hit and index in self.chance:
                    about = {"index": [index]} | ({} if name == home else {"condition": [name]})
                    sentence = f"{index} of {name} is at {end} (mean {mean:.3f}): it could hardly have {gone} further."
                    said[sentence] = about
        return said

    def said(self) -> dict[str, str]:
        """Get what every comparison of cohorts says of its data."""
        return {
            "generalises_over": "specimen",
            "source": f"profiles of {joined(list(self.names))}",
            "inputs": digest_of(self.values, list(self.indices)),
        }

    @property
    def coords(self) -> dict[str, Any]:
        """The names along every dim of ``values``."""
        return {"cohort": strings(self.names), "member": strings(self.members), "index": strings(self.indices)}


#: What a profile may be given as: a table (network x index), or one number per network, named after its index.
Profile = pd.DataFrame | xr.DataArray


def table_of(given: Profile) -> pd.DataFrame:
    """Get a profile as a table (network x index); a DataArray over specimen is one column, called by its name.

    Example
    -------
    >>> ed50 = xr.DataArray([1.0, 2.0], dims="specimen", coords={"specimen": ["net seed 0", "net seed 1"]}, name="ED50")
    >>> table_of(ed50).loc["net seed 1"].to_dict()
    {'ED50': 2.0}
    """
    if isinstance(given, pd.DataFrame):
        return given
    if isinstance(given, xr.DataArray) and given.dims == ("specimen",) and "specimen" in given.coords:
        names = pd.Index(given["specimen"].values.astype(str), name="specimen")
        return pd.DataFrame({str(given.name or "value"): np.asarray(given.values, dtype=float)}, index=names)
    raise DesignError(
        f"A profile is a table (network x index) or one number per network, a DataArray over 'specimen'; got "
        f"{type(given).__name__}. Type profile([...]), or result['value'].rename('ED50')."
    )


def cohorts_of(
    profiles: Mapping[str, Profile], indices: Sequence[str] | None, paired: bool | None, *, least: int = 2
) -> Cohorts:
    """Get the cohorts of some profiles: the indices that all have, or those named.

    Raises DesignError for fewer than two cohorts or networks, or pairs asked of networks that share no seeds.
    """
    if not isinstance(profiles, Mapping) or len(profiles) < least:
        what = "Two cohorts or more are compared" if least == 2 else "No cohort was given"
        raise DesignError(f"{what}; expected {{condition: profile}}, profiles as of nl.analysis.profile().")
    names, tables = [str(name) for name in profiles], [table_of(one) for one in profiles.values()]
    chosen = _chosen(tables, indices)
    for name, table in zip(names, tables):
        _check(name, table)
    seeds = [_seeds(table) for table in tables]
    shared = all(one is not None and set(one) == set(seeds[0] or ()) for one in seeds)
    if paired and not shared:
        raise DesignError(
            "paired=True, but the cohorts do not share their seeds (names that end in 'seed 0', the same in all). "
            "Train them with the same seeds, or type paired=None."
        )
    together = shared if paired is None else bool(paired)
    size = max(len(table) for table in tables)
    values = np.full((len(tables), size, len(chosen)), np.nan)
    for at, (table, seed) in enumerate(zip(tables, seeds)):
        order = [seed.index(one) for one in seeds[0]] if together and seed and seeds[0] else range(len(table))
        values[at, : len(table)] = table[chosen].to_numpy(dtype=float)[list(order)]
    members = [f"seed {one}" for one in seeds[0]] if together and seeds[0] else [str(k + 1) for k in range(size)]
    return Cohorts(tuple(names), tuple(members), tuple(chosen), values, together, tuple(map(len, tables)),
                   tuple(tuple(table.attrs.get("undermined_by", ())) for table in tables),
                   {name: float(tables[0].attrs["bounded"][name]) for name in chosen
                    if all(name in table.attrs.get("bounded", {}) for table in tables)})  # fmt: skip


def _chosen(tables: list[pd.DataFrame], indices: Sequence[str] | None) -> list[str]:
    every = [str(name) for name in tables[0].columns if all(name in table for table in tables)]
    for name in indices or ():
        if name not in every:
            raise UnknownNameError(
                f"Not every profile has the index {name!r}.{did_you_mean(name, every)} All have {listed(every)}."
            )
    if not every:
        raise DesignError("The profiles have no index in common; expected columns of the same names.")
    return [str(name) for name in indices] if indices else every


def _check(name: str, table: pd.DataFrame) -> None:
    if len(table) < 2:
        raise DesignError(f"The profile {name!r} has {len(table)} network; expected two or more (six for p = .05).")
    twice = table.index[table.index.duplicated()].astype(str).tolist()
    if twice:
        raise ReplicationUnitError(f"The profile {name!r} names {listed(twice)} more than once; a network counts once.")


def _seeds(table: pd.DataFrame) -> list[str] | None:
    """The seed of each network, from names that end in "seed 3"; None where one does not, or a seed comes twice."""
    found = [re.search(r"seed (\d+)$", str(name)) for name in table.index]
    if not all(found):
        return None
    seeds = [one.group(1) for one in found if one]
    return seeds if len(set(seeds)) == len(seeds) else None


def matched(cohorts: Cohorts, matched_on: Sequence[str] | str | None) -> tuple[str, ...]:
    """Get the indices on which cohorts ought to be equal, checked to be there."""
    wanted = (matched_on,) if isinstance(matched_on, str) else tuple(matched_on or ())
    for name in wanted:
        if name not in cohorts.indices:
            raise UnknownNameError(
                f"matched_on={name!r} is no index of every profile.{did_you_mean(name, cohorts.indices)} All have "
                f"{listed(cohorts.indices)}; type matched_on=None where nothing was matched, which is recorded."
            )
    return wanted


def unequal_text(name: str, other: str, index: str, means: tuple[float, float], within: float) -> str:
    """Get the flag of two cohorts that are not shown to be equal.

    Example
    -------
    >>> unequal_text("dropout", "control", "accuracy", (0.9, 0.96), 0.02).partition(":")[0]
    'dropout (0.9) and control (0.96) are not shown to be equal in accuracy within 0.02'
    """
    return (
        f"{name} ({means[0]:.3g}) and {other} ({means[1]:.3g}) are not shown to be equal in {index} within {within:g}: "
        "what differs may follow from that."
    )
