"""Profiles of several cohorts as one array, paired by seed where they share seeds, and how equal they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.flags import Flags
from neurolab.analysis.profile_flags import plural_of, table_flags
from neurolab.analysis.scale import at_ceiling, at_floor
from neurolab.analysis.whose import is_number, rows_of, shared_by
from neurolab.analysis.words import joined
from neurolab.digest import digest_of
from neurolab.errors import DesignError, ReplicationUnitError, UnknownNameError, did_you_mean, listed
from neurolab.schema import strings
from neurolab.stats.equivalence import sign_flip_tost, tost_independent
from neurolab.stats.permutation import label_shuffle, sign_flip

TEST = ("effect", "low", "high", "p", "p_floor")


@dataclass(frozen=True, eq=False)
class Cohorts:
    """Values (cohort, member, index) of several cohorts; members pair up across them where ``paired``.

    Cohorts of unequal size are padded with NaN; ``sizes`` are how many members each has, with or without an index;
    ``told`` is what the profile of each says against itself; ``chance`` the level below which nobody is expected of the
    indices that are known to lie in [0, 1]. ``plural`` : what the members are called. ``by`` : what pairs have in
    common, or what nobody shares, "seed" or "name". ``rows`` : the names of each cohort's members; none where
    rows are only counted.
    """

    names: tuple[str, ...]
    members: tuple[str, ...]
    indices: tuple[str, ...]
    values: np.ndarray
    paired: bool
    sizes: tuple[int, ...]
    told: tuple[Flags, ...] = ()
    chance: Mapping[str, float] = field(default_factory=dict)
    plural: str = "networks"
    by: str = "seed"
    rows: tuple[tuple[str, ...], ...] = ()

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
        said = self._told(home)
        for at, k in np.ndindex(len(self.names), len(self.indices)):
            x = self.of(at, k)
            lost = [self.members[member] for member in np.flatnonzero(~np.isfinite(x))]
            if lost:
                name, index = self.names[at], self.indices[k]
                about = {"index": [index]} | ({} if name == home else {"condition": [name]})
                said[f"{name}: {index} is not defined in {len(lost)} of {len(x)} {self.plural} ({', '.join(lost)}), "
                     f"{len(x) - len(lost)} are left; nothing is tested with them."] = about  # fmt: skip
        return said

    def _told(self, home: str) -> dict[str, dict[str, list[str]]]:
        """What the profiles say of the indices that are compared; the same sentence of several cohorts once."""
        said: dict[str, dict[str, list[str]]] = {}
        for name, flags in zip(self.names, self.told):
            for line, about in flags.items():
                hit = [index for index in self.indices if index in about.get("index", self.indices)]
                if not hit:
                    continue
                here = {"index": hit, "condition": list(self.names) if name == home else [name]}
                said[line] = {dim: list(dict.fromkeys([*said.get(line, {}).get(dim, ()), *names]))
                              for dim, names in here.items()}  # fmt: skip
        every = {"index": len(self.indices), "condition": len(self.names)}
        return {line: {dim: names for dim, names in about.items() if len(names) < every[dim]}
                for line, about in said.items()}  # fmt: skip

    def twice(self, home: str) -> dict[str, dict[str, list[str]]]:
        """Get which cohorts share members with ``home``, by name, that are compared as strangers all the same."""
        said: dict[str, dict[str, list[str]]] = {}
        base = self.rows[self.names.index(home)] if self.rows and not self.paired else ()
        for name, rows in zip(self.names, self.rows):
            both = [one for one in rows if one in base]
            if both and name != home:
                said[
                    f"{name} and {home} share {len(both)} of their {self.plural} ({listed(both, most=4)}), which are "
                    "compared as strangers: p and interval do not hold. Give both tables the same rows "
                    "(table.loc[ids]) and type paired=True."
                ] = {"condition": [name]}
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
            "generalises_over": "subject" if self.plural == "people" else "specimen",
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
    profiles: Mapping[str, Profile], indices: Sequence[str] | str | None, paired: bool | None, *, least: int = 2
) -> Cohorts:
    """Get the cohorts of some profiles: the indices that all have, or those named.

    Raises DesignError for fewer than two cohorts or members, or pairs asked of those that share neither seed nor name;
    for an index that is no number.
    """
    if not isinstance(profiles, Mapping) or len(profiles) < least:
        what = "Two cohorts or more are compared" if least == 2 else "No cohort was given"
        raise DesignError(f"{what}; expected {{condition: profile}}, profiles as of nl.analysis.profile().")
    names = [str(name) for name in profiles]
    tables = [_named(name, table_of(one)) for name, one in zip(names, profiles.values())]
    chosen = _chosen(tables, [indices] if isinstance(indices, str) else indices)
    parts = [_numbers(name, table, chosen) for name, table in zip(names, tables)]
    keys, by = shared_by(tables, counted=bool(paired))
    if paired and not keys:
        raise DesignError(
            "paired=True, but the cohorts do not share their seeds (names that end in 'seed 0', the same in all), nor "
            "the names of their rows. Train them with the same seeds, give each table the same ids as index, or type "
            "paired=None."
        )
    together = bool(keys) if paired is None else bool(paired)
    size = max(map(len, tables))
    values = np.full((len(tables), size, len(chosen)), np.nan)
    for at, part in enumerate(parts):
        values[at, : len(part)] = part[[keys[at].index(one) for one in keys[0]]] if together else part
    members = [f"seed {one}" if by == "seed" else one for one in keys[0]] if together else map(str, range(1, size + 1))
    return Cohorts(tuple(names), tuple(members), tuple(chosen), values, together, tuple(map(len, tables)),
                   tuple(map(table_flags, tables)),
                   {name: float(tables[0].attrs["bounded"][name]) for name in chosen
                    if all(name in table.attrs.get("bounded", {}) for table in tables)}, plural_of(tables),
                   by if together or not keys else "",
                   tuple(tuple(rows_of(table) or ()) for table in tables))  # fmt: skip


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


def _named(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table of two rows or more, each once, whose columns are called by text, each once."""
    if len(table) < 2:
        raise DesignError(f"The profile {name!r} has {len(table)} network; expected two or more (six for p = .05).")
    for axis, what, way in ((table.index, "rows", "index"), (table.columns, "columns", "columns")):
        if axis.nlevels > 1:
            raise DesignError(
                f"The {what} of the profile {name!r} have names of {axis.nlevels} levels ({listed(axis.names)}); "
                f"expected one name each. Type table.{way} = ['...', ...], or average over a level first."
            )
    twice = table.index[table.index.duplicated()].astype(str).tolist()
    if twice:
        raise ReplicationUnitError(f"The profile {name!r} names {listed(twice)} more than once; a network counts once.")
    named = table.set_axis(table.columns.map(str), axis=1)
    again = named.columns[named.columns.duplicated()].tolist()
    if again:
        raise DesignError(f"The profile {name!r} has several columns called {listed(again)}; expected each name once.")
    return named


def _numbers(name: str, table: pd.DataFrame, chosen: list[str]) -> np.ndarray:
    """The chosen columns (member, index) as float64; what is no number is refused by name."""
    for index in chosen:
        if not is_number(table[index]):
            raise DesignError(
                f"The index {index!r} of the profile {name!r} is {table[index].dtype} ({table[index].iloc[0]!r}); "
                f"expected numbers. Type table.drop(columns=[{index!r}]), indices=[...] without it, or "
                f"pd.to_numeric(table[{index!r}])."
            )
    return np.stack([table[index].to_numpy(dtype=float, na_value=np.nan) for index in chosen], axis=1)


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
