"""Campaigns: the store on disk whose finished cells stay finished, and the workers that fill it. No torch in here."""

from typing import TYPE_CHECKING

import lazy_loader as _lazy

if TYPE_CHECKING:
    from neurolab.campaign.joined import merge
    from neurolab.campaign.outline import filled
    from neurolab.campaign.overview import partial, status
    from neurolab.campaign.store import Cell, Store

_NAMES = {
    "joined": ["merge"],
    "outline": ["filled"],
    "overview": ["partial", "status"],
    "store": ["Cell", "Store"],
}

__all__ = ["Cell", "Store", "filled", "merge", "partial", "status"]

__getattr__, __dir__, _ = _lazy.attach(__name__, submod_attrs=_NAMES)
