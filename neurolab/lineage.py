"""Which weights a network had when something was found in it, and before: two networks may have one name."""

from __future__ import annotations

from typing import Any

#: What recordings and results say: the digest of the weights as they were, and those from which they were trained on.
SAID = ("weights", "weights_before")


def weights_said(data: Any) -> dict[str, str]:
    """Get what a recording or a result says of its network's weights, for what is made of it to say the same.

    Example
    -------
    >>> import xarray as xr
    >>> weights_said(xr.DataArray(0, attrs={"weights": "ab", "units": "a.u."}))
    {'weights': 'ab'}
    """
    return {name: str(data.attrs[name]) for name in SAID if data.attrs.get(name)}


def weights_of(data: Any) -> frozenset[str]:
    """Get the digests of all weights that the network of a recording or a result has had; none where nothing says.

    Example
    -------
    >>> import xarray as xr
    >>> sorted(weights_of(xr.DataArray(0, attrs={"weights": "cd", "weights_before": "ab"})))
    ['ab', 'cd']
    """
    return frozenset(" ".join(weights_said(data).values()).split())


def are_strangers(some: frozenset[str], others: frozenset[str]) -> bool:
    """Get whether two networks are known to have no weights in common, now or before.

    Example
    -------
    >>> are_strangers(frozenset({"ab"}), frozenset({"cd"})), are_strangers(frozenset({"ab"}), frozenset())
    (True, False)
    """
    return bool(some and others) and not some & others
