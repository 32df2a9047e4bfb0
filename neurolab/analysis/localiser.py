"""Which neuroids prefer one condition to another: one test per unit, voxel or electrode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.column_tests import TESTS, ColumnTest
from neurolab.analysis.correct import CORRECTIONS, corrected
from neurolab.analysis.entry import Sides, by_column, in_blocks, sides_of
from neurolab.analysis.flags import as_attrs
from neurolab.analysis.nuisance import Nuisance
from neurolab.analysis.sample import noted, whose_stimuli
from neurolab.chance import RNG, rng_name
from neurolab.contrast import Contrast
from neurolab.digest import digest_of
from neurolab.errors import UnknownNameError, did_you_mean, listed
from neurolab.lineage import weights_said
from neurolab.recording import stimuli_of
from neurolab.schema import make_result, register_result, strings
from neurolab.stats import maps
from neurolab.stats.maps import StatMap

PER_NEUROID = ("statistic", "effect", "low", "high", "p", "q", "d_prime", "auc")
BLOCK = 8_192  # neuroids per pass: what is held beside the recording stays small

register_result(
    "localise",
    {**dict.fromkeys((*PER_NEUROID, "valid"), ("neuroid",)), "chosen_on": ("stimulus",), "p_floor": ()},
    [("p", "effect", "low", "high", "p_floor")],
)


def localise(
    recording: xr.DataArray,
    contrast: str | Contrast,
    *,
    column: str = "condition",
    test: str = "welch",
    correction: str = "fdr",
    signed: bool = True,
    alternative: str = "two-sided",
    level: float = 0.95,
    n_permutations: int = 2_000,
    nuisance: Nuisance | None = None,
    pair: str | None = None,
    rng: RNG | None = None,
) -> xr.Dataset:
    """Get a stat map: for each neuroid of a network or a brain, how it tells the conditions apart.

    Activity is cast to float64 at entry, so the same numbers from a network, an array, epochs or an image give the same
    bits. A side of the contrast with several conditions is pooled over their presentations.

    Parameters
    ----------
    recording : presentation x neuroid, each stimulus once (``nl.average_repetitions``, else ReplicationUnitError), and
        on a side of the contrast none with its marked twin. ``valid`` False neuroids are left out.
    contrast : ``"faces > objects + scenes"``, ``"faces > *"``, or a Contrast. column : of presentations, whose values
        it names: ``"condition"``, or any other, e.g. ``localise(recording, "1 > 0", column="label")``.
    test : "welch"; "paired" (``pair`` names the presentation coordinate of the pairs); "rank" (Mann-Whitney; also tests
        units that are silent for one whole condition); "glm" (least squares with ``nuisance`` regressors).
    correction : "fdr" (Benjamini-Hochberg), "by", "holm", "max_t" (permutation, family-wise; needs ``rng``) or "none".
    signed : False tests the absolute activity, as published language-model localisers do; recorded in the result.
    alternative : "two-sided", "greater" (the positive side is larger) or "less".
    nuisance : for "glm": names of presentation coordinates (text ones become indicators), or values over presentations,
        put in order where a table or array has the stimulus ids as its index.
    rng : integer or Generator, needed by "max_t" only.

    Returns
    -------
    Dataset over neuroid: ``statistic`` (t; z for "rank"), ``effect`` with ``low`` and ``high`` (mean difference, in
    units of activity; the AUC for "rank"), ``p``, ``q`` (corrected p), ``d_prime``, ``auc``, ``valid``; over stimulus:
    ``chosen_on``. Where ``valid`` is False (marked bad in the recording; dead, constant, without error variance)
    statistic is 0 and p and q are 1; attrs ``n_marked_bad``, ``n_dead`` and ``n_tested`` count them.

    When this is invalid
    --------------------
    The sample is stimuli, of this one network or brain: volumes of one block are none, which ``undermined_by`` says.
    The effect of units selected by this map is inflated on these stimuli: see ``held_out``. A map over units says which
    units, not that they matter. "max_t" shuffles labels, so sides of unequal size and spread are tested at another
    level: with 8 and 32 presentations, the 8 spread three times as much, .18 of null maps of 20 units, and .34 of 100,
    held a false alarm at .05 (500 each): type test="welch", correction="holm".

    Source
    ------
    Localisers: Fedorenko et al. 2010, doi:10.1152/jn.00032.2010; Kanwisher et al. 1997.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> stat_map = localise(phantom_recording(n_units=50, dead=1, rng=0), "faces > objects")
    >>> int(stat_map["valid"].sum()), bool(stat_map["q"].min() < 0.05)
    (49, True)
    """
    known(test, TESTS, "test")
    known(correction, CORRECTIONS, "correction")
    recording = by_column(recording, contrast, column)
    sides = sides_of(recording, contrast, signed=signed)
    sides.check_once()
    column_test = TESTS[test](recording, sides, nuisance, pair)
    found = map_of(column_test, sides.values.shape[1], alternative=alternative, level=level)
    q, q_floor = corrected(correction, found, column_test, n_permutations=n_permutations, rng=rng)
    return make_result(
        {
            **{name: ("neuroid", getattr(found, name)) for name in ("statistic", "effect", "low", "high", "p")},
            **_selectivity(sides, found),
            **{"q": ("neuroid", q), "p_floor": np.finfo(np.float64).tiny, "q_floor": q_floor},
            "chosen_on": ("stimulus", strings(stimuli_of(recording.isel(presentation=sides.rows)))),
        },
        coords=_coords(recording, found.valid & sides.usable),
        test=test,
        **_counts(found.valid, sides, recording),
        correction=correction,
        rng="" if rng is None else rng_name(rng),
        alternative=alternative,
        level=level,
        signed=signed,
        **_about(recording, sides, column_test.effect, test),
        column=column,
    )


def _selectivity(sides: Sides, found: StatMap) -> dict[str, tuple[str, np.ndarray]]:
    """d' and AUC of every neuroid, block by block."""
    n = sides.values.shape[1]
    blocks = [sides.values[:, at : at + BLOCK] for at in range(0, n, BLOCK)]
    pairs = [(block[sides.positive], block[~sides.positive]) for block in blocks]
    d_prime = np.concatenate([maps.d_prime(a, b) for a, b in pairs])
    auc = found.effect if found.test == "rank" else np.concatenate([maps.auc(a, b) for a, b in pairs])
    return {"d_prime": ("neuroid", d_prime), "auc": ("neuroid", auc)}


def _coords(recording: xr.DataArray, valid: np.ndarray) -> dict[str, Any]:
    """What is known of each neuroid, and whether it could be tested."""
    kept = {str(name): coord for name, coord in recording.coords.items() if coord.dims == ("neuroid",)}
    return {**kept, "valid": ("neuroid", valid)}


def _counts(tested: np.ndarray, sides: Sides, recording: xr.DataArray) -> dict[str, Any]:
    """How many stimuli there are, how many neuroids were tested, and why the others were not."""
    usable = sides.usable
    marked, dead = int((~usable).sum()), int((usable & ~tested).sum())
    said = [f"{marked} marked bad in the recording"] if marked else []
    said += [f"{dead} dead or constant"] if dead else []
    untested = f"{marked + dead} of {len(usable)} neuroids were not tested: {' and '.join(said)}." if said else ""
    kind, blocks = str(recording.attrs.get("kind", "")), in_blocks(recording)
    return {
        "n": len(sides.stimuli),
        "n_presentations": len(sides.rows),
        "n_neuroids": len(usable),
        "n_tested": len(usable) - marked - dead,
        "n_marked_bad": marked,
        "n_dead": dead,
        "note": noted(untested, blocks, whose_stimuli(1, kind)),
        **(as_attrs({blocks: {}}) if blocks else {}),
    }


def _about(recording: xr.DataArray, sides: Sides, effect: str, test: str) -> dict[str, Any]:
    return {
        "analysis": "localise",
        "effect_unit": "AUC" if test == "rank" else recording.attrs.get("units", ""),
        "estimand": f"per neuroid, the {effect} of {sides.contrast} over such stimuli, in this {_whose(recording)}",
        "generalises_over": "stimulus",
        "inputs": digest_of(sides.values, sides.positive),
        "contrast": str(sides.contrast),
        **{name: recording.attrs.get(name, "") for name in ("source", "specimen", "kind", "sites")},
        **weights_said(recording),
    }


def known(given: str, table: Iterable[str], what: str) -> None:
    """Raise, with near misses, unless a choice is in its public table."""
    if given not in table:
        raise UnknownNameError(
            f"{what}={given!r} is not known.{did_you_mean(given, table)} Choose from {listed(table)}."
        )


def _whose(recording: xr.DataArray) -> str:
    return "brain" if recording.attrs.get("kind") == "brain" else "network"


def map_of(column_test: ColumnTest, n: int, *, alternative: str = "two-sided", level: float = 0.95) -> StatMap:
    """Get the test of all ``n`` neuroids, computed block by block."""
    starts = range(0, n, BLOCK)
    parts = [column_test.map(slice(at, at + BLOCK), alternative=alternative, level=level) for at in starts]
    fields = ("statistic", "df", "p", "effect", "low", "high", "valid")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in fields}
    return StatMap(**joined, test=parts[0].test, alternative=alternative, level=level)
