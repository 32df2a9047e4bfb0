"""Which networks a design is examined in: a campaign that was stopped early has folders of those alone that began."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurolab.campaign.disk import sealed, unsealed, write_first
from neurolab.digest import digest_of

if TYPE_CHECKING:
    import xarray as xr

_IDS = ("lesion_id", "task", "stimulus_id")


def kin_of(outline: Mapping[str, Any]) -> str:
    """Get a name that designs of several networks share when their lesions and trials are homologous."""
    return _kin(outline["coords"][name]["data"] for name in _IDS)


def note_cohort(root: Path, trials: xr.Dataset, names: Sequence[str], by: str) -> None:
    """Write into a store that the design of some trials is examined in all networks of these names."""
    kin = _kin(list(map(str, trials[name].values)) for name in _IDS)
    content = {"design": kin, "specimens": list(names)}
    write_first(root / f"cohort-{digest_of(content)[:12]}.json", sealed(content), by=by)


def cohorts(root: Path) -> dict[str, list[str]]:
    """Get the networks that each design, by its short name, was to be examined in; a damaged note says nothing."""
    found: dict[str, list[str]] = {}
    for path in cohort_files(root):
        content = unsealed(path.read_bytes())
        if isinstance(content, dict):
            known = found.setdefault(str(content["design"]), [])
            known.extend(name for name in content["specimens"] if name not in known)
    return found


def cohort_files(root: Path) -> Iterator[Path]:
    """Get the files that say it."""
    return iter(sorted(root.glob("cohort-*.json")))


def _kin(ids: Any) -> str:
    return digest_of(*ids)[:8]
