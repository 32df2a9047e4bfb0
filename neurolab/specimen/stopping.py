"""Early stop: once the last site that anybody wants has fired, the rest of a forward need not run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from neurolab.specimen.sites import Site
from neurolab.specimen.stash import marks, settings

if TYPE_CHECKING:
    from neurolab.specimen.bench import Bench
    from neurolab.specimen.specimen import Specimen

#: Whole forwards that must be saved before a trial, which takes a few stimuli through the network, is worth its cost.
WORTH = 16
#: Kinds of site at which a forward can be left; what steps through a recurrence is in the middle of its own work.
LEFT_AT = ("input", "module", "slice", "heads")


class Enough(BaseException):
    """Raised in a hook to leave a forward; no Exception, so that a model's own handlers let it pass."""


def may_stop(table: Bench, sites: Sequence[Site], inputs: torch.Tensor, ids: Sequence[str], n: int) -> bool:
    """Get whether forwards may be left once all of these sites have fired, ``n`` stimuli long; proved on two stimuli.

    Not where something after the sites is wanted (a lesion, another bench, the user's hooks), where the model holds
    anything on its modules at that moment that it does not hold before, or where it catches what a hook raises.
    """
    around = table.active_around()
    if around or table.user_hooks or any(site.kind not in LEFT_AT for site in sites):
        return False
    return n * saved(table.specimen, sites) >= WORTH and _leaves_nothing(table, sites, inputs[:2], ids[:2])


def saved(specimen: Specimen, sites: Sequence[Site]) -> float:
    """Get the share of a forward, in calls of the innermost modules, that lies after the last of these sites."""
    ends = {(call.path, call.call): call for call in specimen.calls}
    moment = -1
    for site in sites:
        if site.kind != "input":
            call = ends[site.path, site.call]
            moment = max(moment, call.began if site.kind == "heads" else call.ended)
    calls = sorted(specimen.calls, key=lambda call: call.began)
    innermost = [call for call, after in zip(calls, [*calls[1:], None]) if after is None or after.began > call.ended]
    return sum(call.began > moment for call in innermost) / max(len(innermost), 1)


def _leaves_nothing(table: Bench, sites: Sequence[Site], inputs: torch.Tensor, ids: Sequence[str]) -> bool:
    """Prove it: what lies on the modules before, at the moment of the stop, and after; and the answers of before."""
    model = table.specimen.model
    before, held = _state(model)
    seen: list[bool] = []

    def look() -> None:
        seen.append(_state(model)[0] == before)

    with table.probed(when_all(sites, look)):
        whole = table.forward(inputs, ids)
    if seen != [True] or _state(model)[0] != before:
        return False
    try:
        with table.probed(when_all(sites, leave)):
            table.forward(inputs, ids)
    except Enough:
        again = table.forward(inputs, ids)
        return _state(model)[0] == before and torch.equal(again, whole) and len(held) > 0
    return False


def _state(model: torch.nn.Module) -> tuple[Any, list[Any]]:
    """What a forward could have changed for a while: what lies on the modules, beside them, and torch's own modes."""
    on, held = marks(model)
    around, held_too = settings(model)
    modes = torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    return (on, around, modes, torch.backends.mha.get_fastpath_enabled()), [*held, *held_too]


def leave() -> None:
    """Leave the forward that is running."""
    raise Enough


def when_all(sites: Sequence[Site], act: Callable[[], None]) -> dict[Site, Callable[[torch.Tensor], None]]:
    """Get a function for each site; the one that is called last in a forward acts."""
    missing = set(sites)

    def seen(site: Site) -> Callable[[torch.Tensor], None]:
        def sink(tensor: torch.Tensor) -> None:
            missing.discard(site)
            if not missing:
                missing.update(sites)
                act()

        return sink

    return {site: seen(site) for site in sites}
