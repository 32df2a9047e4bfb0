"""Where a forward is cut under a lesion: which modules had ended before it began, and cannot feel it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from neurolab.lesion import Lesion
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.sites import Site
from neurolab.specimen.trace import Call
from neurolab.specimen.wiring import Wiring

if TYPE_CHECKING:
    from neurolab.specimen.specimen import Specimen

#: A call of a module: path and number.
Which = tuple[str, int]


def place_of(lesion: Lesion) -> tuple[Any, ...]:
    """Get what decides how a lesion can be computed: whether it is a sham, and each part's kind and sites."""
    return lesion.role == "sham", *((type(part.how), part.roi.sites) for part in lesion.parts)


def cut_of(specimen: Specimen, lesion: Lesion) -> frozenset[Which]:
    """Get the outermost calls that had ended before the lesion began: none of them can feel it.

    The lesioned call itself counts as ended, for its hook edits what it hands out. A call that holds some of a module's
    calls and not others runs again, for it would not be counted how often that module has run. Empty for a sham, which
    is the whole procedure, and where anything may change.
    """
    if lesion.role == "sham":
        return frozenset()
    moment = min(_moments(specimen, lesion), default=-1)
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in specimen.calls:
        calls[call.path].append(call)
    several = [group for group in calls.values() if len(group) > 1]
    before = [call for call in specimen.calls
              if call.path and call.ended <= moment and not any(_parts(call, group) for group in several)]
    return frozenset(
        (call.path, call.call) for call in before
        if not any(other.began < call.began and call.ended < other.ended for other in before)
    )


def spared(specimen: Specimen, cut: frozenset[Which]) -> float:
    """Get the share of a forward that a cut saves, counted in calls of the innermost modules."""
    calls = sorted(specimen.calls, key=lambda call: call.began)
    innermost = [call for call, after in zip(calls, [*calls[1:], None]) if after is None or after.began > call.ended]
    ended = [call for call in calls if (call.path, call.call) in cut]
    saved = [call for call in innermost if any(w.began <= call.began and call.ended <= w.ended for w in ended)]
    return len(saved) / max(len(innermost), 1)


def _parts(call: Call, group: Sequence[Call]) -> bool:
    """Whether some calls of a module lie inside a call, and some do not."""
    inside = {call.began < other.began and other.ended < call.ended for other in group}
    return len(inside) == 2


def _moments(specimen: Specimen, lesion: Lesion) -> Iterator[int]:
    """For each lesioned site, of every part, the last event that the lesion cannot have touched."""
    if lesion.also:
        for part in lesion.parts:
            yield from _moments(specimen, part)
        return
    effect = effect_of(lesion.how)
    for address in lesion.roi.sites:
        for site in specimen.sites().find(address):
            if isinstance(effect, OnWeights):
                yield _weight_moment(specimen, site)
            elif site.kind == "output":
                yield max(call.ended for call in specimen.calls)
            elif site.kind == "input" or site.routed:
                yield -1
            else:
                call = next(c for c in specimen.calls if (c.path, c.call) == (site.path, site.call))
                yield call.ended if site.kind in ("module", "slice") else call.began - 1


def _weight_moment(specimen: Specimen, site: Site) -> int:
    """Before the first use of a weight that feeds or reads the site; -1 for tied weights, used who knows where."""
    wiring = specimen.wiring.get(site.address, Wiring())
    reads = [one for one in (wiring.made_by, wiring.read_by) if one is not None]
    shared = specimen.tied.keys() | {name for name, users in specimen.users.items() if len(users) > 1}
    if not reads or any(one.parameter in shared or not one.module for one in reads):
        return -1
    return min(call.began - 1 for one in reads for call in specimen.calls if call.path == one.module)
