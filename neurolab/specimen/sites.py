"""Addresses in a network: where one can record and cut, along which axes, and where one cannot and why."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

from neurolab.errors import DataError, LesionPlanError, RefusedSiteError, UnknownSiteError, did_you_mean, listed
from neurolab.recording import FLAT

#: Dims that name units; the other dims of a site are positions, which pooling sums up.
UNIT_DIMS = ("channel", "head", "unit")
#: What a region without dims means at a site with such dims: whole channels, whole heads, units at every position.
DEFAULT_DIMS = (("head", ("head",)), ("channel", ("channel",)), ("unit", ("unit",)))


#: What to type where a network does more for a stimulus than it did when it was loaded.
MOST_FIRST = "Put the stimulus that runs longest first in the example: Specimen(model, example) looks at three only."


@dataclass(frozen=True)
class Site:
    """One address: a module's call, the input, the read-out, heads that enter a projection, a state of a recurrence.

    ``dims`` and ``shape`` are what one stimulus gives, in the tensor's own order. ``cut`` is whether a lesion of
    activity can be placed here; ``span`` is (start, stride, width) of heads within a projection's output; ``rows`` says
    how stimuli and positions are merged on the first axis ("stimulus" or "position" first, positions per stimulus);
    ``part`` names a recurrent layer's state ("l0", "l0_reverse", "l1/c"); ``ragged``: its sequences differ in length;
    ``routed``: an expert, to which a router sends rows, so that its units can be cut but not recorded;
    ``status`` is "ok", "warned" or "refused", and ``why`` says why.
    """

    address: str
    path: str
    call: int
    calls: int
    kind: str
    type: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    batch_axis: int = 0
    dtype: str = "float32"
    inplace: bool = False
    norm: bool = False
    tied: tuple[str, ...] = ()
    n_heads: int = 0
    span: tuple[int, ...] = ()
    rows: tuple[str, int] | tuple[()] = ()
    part: str = ""
    ragged: bool = False
    routed: bool = False
    cut: bool = True
    status: str = "ok"
    why: str = ""
    instead: str = ""

    @property
    def unit_axis(self) -> str:
        """The name of the dim that counts units, e.g. "channel"."""
        return next((dim for dim in DEFAULT_DIMS if dim[0] in self.dims), ("", ()))[0]

    @property
    def unit_dims(self) -> tuple[str, ...]:
        """The dims that stay when positions are pooled, e.g. ("channel",) or ("head", "unit")."""
        return tuple(dim for dim in self.dims if dim in UNIT_DIMS)

    def sizes(self, dims: tuple[str, ...]) -> tuple[int, ...]:
        """Get the lengths of these dims."""
        return tuple(self.shape[self.dims.index(dim)] for dim in dims)

    def region_dims(self, dims: tuple[str, ...]) -> tuple[str, ...]:
        """Get the dims that a region's unit index runs over here; a region without dims means whole units.

        Raises LesionPlanError for dims that the site does not have, or in another order.
        """
        if tuple(dims) == FLAT and self.dims != FLAT:
            return next((default for name, default in DEFAULT_DIMS if name in self.dims), self.dims)
        places = [self.dims.index(dim) for dim in dims if dim in self.dims]
        if len(places) != len(dims) or places != sorted(places):
            raise LesionPlanError(
                f"A region indexes site {self.address!r} by {tuple(dims)}; the site has {self.dims} of shape "
                f"{self.shape}. Record this specimen at this site and select the region there."
            )
        return tuple(dims)


@dataclass(frozen=True)
class SiteTable:
    """Every address of a specimen, in the order of the first call; prints as a table, also in notebooks."""

    rows: tuple[Site, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Site]:
        return iter(self.rows)

    def __getitem__(self, address: str) -> Site:
        return self.find(address)[0]

    def __contains__(self, address: object) -> bool:
        return isinstance(address, str) and bool(self._matching(address))

    @property
    def names(self) -> tuple[str, ...]:
        """Every address, refused ones included."""
        return tuple(site.address for site in self.rows)

    @property
    def working(self) -> tuple[str, ...]:
        """The addresses that can be recorded."""
        return tuple(site.address for site in self.rows if site.status != "refused" and not site.routed)

    def _matching(self, address: str) -> list[Site]:
        stem, _, call = address.partition("@")
        address = f"{self.aliases.get(stem, stem)}{'@' + call if call else ''}"
        exact = [site for site in self.rows if site.address == address]
        if exact or "@" in address:
            return exact or [s for s in self.rows if s.calls == 1 and f"{_stem(s)}@0" == address]
        return [site for site in self.rows if _stem(site) == address]

    def find(self, address: str) -> list[Site]:
        """Get the site of an address; one per call where the module is called several times and no call is named.

        Raises
        ------
        UnknownSiteError : no such address, with the nearest ones.
        RefusedSiteError : the address exists but cannot be recorded or cut, with the reason and what to use instead.
        """
        found = self._matching(address)
        if not found:
            stems = dict.fromkeys([_stem(site) for site in self.rows] + list(self.names))
            heads = " Of attention written out, the module of the projections must say how many: num_heads = 4."
            raise UnknownSiteError(
                f"The specimen has no site {address!r}.{did_you_mean(address, stems)} It has {listed(self.working)}; "
                f"type specimen.sites() for the table.{heads if str(address).endswith('/heads') else ''}"
            )
        stem = self.aliases.get(address)
        if stem and len(found) > 1:
            raise RefusedSiteError(
                f"Site {address!r} is a second name of {stem!r}, one module that is called {len(found)} times; which "
                f"call the name means cannot be told. Type one of {listed(site.address for site in found)}; "
                f"{stem!r} means every call."
            )
        for site in found:
            if site.status == "refused":
                raise RefusedSiteError(
                    f"Site {address!r} is refused: {site.why}.{use_instead(site)} Type specimen.sites() for the table."
                )
        return found

    def to_frame(self) -> pd.DataFrame:
        """Get the table as a DataFrame, one row per address."""
        frame = pd.DataFrame([{entry.name: getattr(site, entry.name) for entry in fields(site)} for site in self.rows])
        frame.insert(6, "unit_axis", [site.unit_axis for site in self.rows])
        return frame

    def _lines(self) -> list[tuple[str, ...]]:
        head = ("address", "type", "dims", "shape", "calls", "norm", "tied", "status")
        body = [
            (site.address, site.type, " x ".join(site.dims), " x ".join(map(str, site.shape)), str(site.calls),
             "yes" if site.norm else "", ", ".join(site.tied), _said(site))
            for site in self.rows
        ]
        return [head, *body]

    def __repr__(self) -> str:
        lines = self._lines()
        widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]) - 1)]
        return "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[-1]]).rstrip() for line in lines
        )

    def _repr_html_(self) -> str:
        head, *body = self._lines()
        cells = "".join(f"<th>{html.escape(name)}</th>" for name in head)
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>" for line in body)
        return f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"


def _said(site: Site) -> str:
    """The status in words: a warning, or why a site is refused and what to use."""
    parts = [site.why] if site.why else []
    parts += [f"use {site.instead!r}"] if site.instead and site.status == "refused" else []
    return site.status + (": " + "; ".join(parts) if parts else "")


def _stem(site: Site) -> str:
    return site.address.partition("@")[0]


def use_instead(site: Site) -> str:
    """Get " Use … instead." where a site names another one, else nothing."""
    return f" Use {site.instead!r} instead." if site.instead else ""


def unit_numbers(given: Any, who: str) -> tuple[int, ...]:
    """Get unit indices as whole numbers; raises DataError for masks, text, fractions, or none at all.

    Example
    -------
    >>> unit_numbers(range(3), "Probe at 'conv'")
    (0, 1, 2)
    """
    units = np.asarray(list(given) if isinstance(given, Iterable) and not isinstance(given, str) else given)
    if units.ndim != 1 or units.dtype.kind not in "iu":  # nothing is float64
        raise DataError(
            f"{who}: units={given!r}; expected a list of one or more unit numbers. For a boolean mask type "
            "units=numpy.flatnonzero(mask)."
        )
    return tuple(map(int, units))


def check_units(site: Site, units: np.ndarray, dims: tuple[str, ...], who: str) -> None:
    """Raise LesionPlanError where unit indices do not fit the site."""
    size = int(np.prod(site.sizes(dims)))
    if len(units) and (units.min() < 0 or units.max() >= size):
        bad = units.min() if units.min() < 0 else units.max()
        raise LesionPlanError(
            f"{who}: unit {bad} of site {site.address!r} is out of range; the site has {size} along {dims}, numbered "
            f"0 to {size - 1}."
        )
