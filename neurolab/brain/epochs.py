"""EEG and MEG: mne Epochs and Evoked as recordings, every channel kept, numbers untouched."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.brain.checks import open_file, require_finite
from neurolab.errors import DataError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.recording import make_recording

if TYPE_CHECKING:
    import mne


OWN_COLUMNS = ("stimulus_id", "condition", "onset")
NEUROID_COLUMNS = ("site", "unit", "channel", "units", "valid", "x", "y", "z", "time", "presentation", "neuroid")


def from_epochs(
    epochs: mne.BaseEpochs | mne.Evoked | Sequence[mne.Evoked] | str | os.PathLike[str],
    *,
    condition: str | Sequence[str] | None = None,
    stimulus_id: str | Sequence[str] | None = None,
    window: tuple[float | None, float | None] | None = None,
    specimen: str = "",
    source: str = "",
) -> xr.DataArray:
    """Get an mne Epochs, an Evoked or a list of Evoked as a recording, in float64 and in mne's own (SI) units.

    Parameters
    ----------
    epochs : Epochs, Evoked, list of Evoked with the same channels and times, or the path of a ``-epo.fif`` or
        ``-ave.fif`` file.
    condition : a column of ``epochs.metadata``, or one name per epoch. Default: the event names (Epochs) or the
        comments (Evoked).
    stimulus_id : a column of ``epochs.metadata``, or one id per epoch. Default: metadata's ``stimulus_id``, else
        "epoch-00012", the number before any epoch was dropped, so that ids stay when epochs go.
    window : (from, to) in seconds, None for an open end: the mean over these times, and a recording without a time
        axis. Default: all times.
    specimen : whose brain, e.g. "sub-01"; goes before default stimulus ids, so that two people's epochs stay apart.
    source : where the data come from.

    Returns
    -------
    Recording, presentation x neuroid [x time]. One site per channel type ("eeg", "mag", "misc", …), in the file's
    channel order; neuroid coordinates channel, units, x, y, z (m, head frame; NaN where unknown), valid (False for
    ``info["bads"]``, of any of several Evoked). Channels of type misc are kept, which mne's own plots and averages
    drop. Epochs have ``onset`` (s, at the sampling rate of the raw data), unless their events only number them.

    When this is invalid
    --------------------
    Epochs of one continuous recording share slow drifts: for inference over stimuli, filter or baseline before.

    Source
    ------
    Agrees bit for bit with ``mne.Epochs.get_data()`` and ``mne.Evoked.data``, https://mne.tools

    Example
    -------
    >>> import mne
    >>> info = mne.create_info(["Cz", "Pz"], 100.0, "eeg")
    >>> epochs = mne.EpochsArray(np.ones((3, 2, 5)), info, tmin=-0.02, event_id={"face": 1}, verbose=False)
    >>> from_epochs(epochs).sizes["time"], from_epochs(epochs, window=(0, 0.02)).shape
    (5, (3, 2))
    """
    import mne

    given = _opened(epochs)
    if isinstance(given, mne.BaseEpochs):
        values, rows, info, times = _from_epochs(given, condition, stimulus_id, specimen)
    else:
        values, rows, info, times = _from_evoked(given, condition, stimulus_id)
    require_finite(values, rows["stimulus_id"], "epochs", "epochs.drop(indices) or mne.preprocessing.annotate_nan(raw)")
    if window is not None:
        values = _mean_over(values, times, window)
    neuroid, sites = _channels(info)
    units = sorted(set(neuroid["units"]))
    return make_recording(
        values, presentation=rows, neuroid=neuroid, sites=sites, kind="brain", specimen=specimen,
        time=times if window is None else None,
        units=units[0] if len(units) == 1 else "mixed: see the coordinate units", source=source or "mne",
    )  # fmt: skip


def _opened(epochs: Any) -> Any:
    import mne

    if isinstance(epochs, (str, os.PathLike)):
        name = pathlib.Path(epochs).name
        evoked = name.removesuffix(".gz").endswith(("-ave.fif", "_ave.fif"))
        reader = mne.read_evokeds if evoked else mne.read_epochs
        epochs = open_file(epochs, lambda path: reader(path, verbose="error"), "an mne -epo.fif or -ave.fif file")
    if isinstance(epochs, mne.BaseEpochs):
        if _length(epochs) == 0:
            raise DataError(
                "The Epochs hold no epoch; expected at least one. Type epochs.drop_log to see why they went."
            )
        return epochs
    evoked_list = [epochs] if isinstance(epochs, mne.Evoked) else epochs
    if (
        not isinstance(evoked_list, Sequence)
        or not evoked_list
        or not all(isinstance(e, mne.Evoked) for e in evoked_list)
    ):
        advice = "mne.Epochs(raw, events)" if isinstance(epochs, mne.io.BaseRaw) else "mne.read_epochs(path)"
        raise SchemaError(
            f"{type(epochs).__name__} was given; expected mne Epochs, Evoked, a list of Evoked or a path. "
            f"Type {advice}."
        )
    return list(evoked_list)


def _length(epochs: mne.BaseEpochs) -> int:
    try:
        return len(epochs)
    except RuntimeError as error:  # mne knows how many are good only once it has looked
        raise DataError(
            "The Epochs are not loaded, so it is not known which are good; expected Epochs in memory. Type "
            "epochs.load_data(), or epochs.drop_bad() where they do not fit."
        ) from error


def _from_epochs(
    epochs: mne.BaseEpochs, condition: Any, stimulus_id: Any, specimen: str
) -> tuple[np.ndarray, dict[str, Any], mne.Info, np.ndarray]:
    names = {code: name for name, code in epochs.event_id.items()}
    meta = epochs.metadata if epochs.metadata is not None else pd.DataFrame(index=range(len(epochs)))
    before = f"{specimen}-" if specimen else ""
    if stimulus_id is None and "stimulus_id" in meta:
        stimulus_id = "stimulus_id"
    ids = [f"{before}epoch-{number:05d}" for number in epochs.selection]
    rows: dict[str, Any] = {
        "stimulus_id": _column(stimulus_id, meta, ids, "stimulus_id"),
        "condition": _column(condition, meta, [names[code] for code in epochs.events[:, 2]], "condition"),
    }
    rate = _event_rate(epochs)
    if rate is not None:
        rows["onset"] = epochs.events[:, 0] / rate
    for name in [name for name in meta if name not in OWN_COLUMNS]:
        # a label called "x" must not end up where the channel's x is
        rows[f"stimulus_{name}" if name in NEUROID_COLUMNS else str(name)] = meta[name].to_numpy()
    return epochs.get_data(copy=True).astype(np.float64, copy=False), rows, epochs.info, epochs.times.copy()


def _event_rate(epochs: mne.BaseEpochs) -> float | None:
    """Samples per second of the events, which decimating and resampling leave alone; None where nothing says it."""
    if np.array_equal(epochs.events[:, 0], epochs.selection):  # mne's own numbers, where no events were given
        return None
    rate = getattr(epochs, "_raw_sfreq", None)  # from a file it is an array of one
    if rate is None or getattr(epochs, "_unsafe_annot_add", False):  # a file of an old mne does not say it
        return None
    return float(np.ravel(rate)[0])


def _from_evoked(
    evoked: list[mne.Evoked], condition: Any, stimulus_id: Any
) -> tuple[np.ndarray, dict[str, Any], mne.Info, np.ndarray]:
    first = evoked[0]
    strange = sorted({str(one.kind) for one in evoked} - {"average"})
    if strange:
        raise DataError(
            f"Evoked of the kind {listed(strange)} were given; expected averages alone. Type [one for one in evokeds "
            "if one.kind == 'average']."
        )
    for other in evoked[1:]:
        if other.ch_names != first.ch_names:
            raise DataError(
                f"Evoked {other.comment!r} has other channels than {first.comment!r}; expected the same, in the same "
                "order. Type mne.channels.equalize_channels(evokeds)."
            )
        if not np.array_equal(other.times, first.times):
            raise DataError(
                f"Evoked {other.comment!r} has other times than {first.comment!r}; expected the same. Type "
                "evoked.crop() or evoked.decimate() on each."
            )
    names = [one.comment for one in evoked]
    none = pd.DataFrame(index=range(len(evoked)))
    rows = {
        "stimulus_id": _column(stimulus_id, none, names, "stimulus_id"),
        "condition": _column(condition, none, names, "condition"),
        "nave": np.array([one.nave for one in evoked]),
    }
    info = first.info.copy()
    info["bads"] = [name for name in first.ch_names if any(name in one.info["bads"] for one in evoked)]
    return np.stack([one.data for one in evoked]).astype(np.float64, copy=False), rows, info, first.times.copy()


def _column(asked: str | Sequence[str] | None, meta: pd.DataFrame, default: list[str], what: str) -> list[str]:
    if asked is None:
        return default
    if isinstance(asked, str):
        if asked not in meta:
            raise UnknownNameError(
                f"{what}={asked!r} is no column of the metadata.{did_you_mean(asked, meta.columns)} It has "
                f"{listed(meta.columns, empty='no columns')}. Type epochs.metadata = table, or pass one name per epoch."
            )
        asked = meta[asked].tolist()
    if len(asked) != len(default):
        raise DataError(f"{what} has {len(asked)} names for {len(default)} presentations; expected one each.")
    missing = [row for row, value in enumerate(asked) if pd.isna(value)]
    if missing:
        raise DataError(f"{what} is missing for presentation {missing[0]} ({len(missing)} in all). Drop or name them.")
    return [str(value) for value in asked]


def _mean_over(values: np.ndarray, times: np.ndarray, window: Any) -> np.ndarray:
    low, high = _ends(window, times)
    tolerance = 1e-9 + 1e-6 * (times[-1] - times[0])  # times are decimal fractions: keep both ends
    inside = (times >= low - tolerance) & (times <= high + tolerance)
    if not inside.any():
        raise DataError(
            f"window={window} holds no sample; the times run from {times[0]:g} to {times[-1]:g} s. Type "
            f"window=({times[0]:g}, {times[-1]:g})."
        )
    return values[:, :, inside].mean(axis=2)


def _ends(window: Any, times: np.ndarray) -> tuple[float, float]:
    ends = list(window) if isinstance(window, (Sequence, np.ndarray)) and not isinstance(window, str) else []
    if len(ends) != 2 or not all(one is None or isinstance(one, (int, float, np.number)) for one in ends):
        raise DataError(
            f"window={window!r} was given; expected (from, to) in seconds, None for an open end. Type "
            f"window=({times[0]:g}, {times[-1]:g})."
        )
    low, high = ends
    return float(times[0] if low is None else low), float(times[-1] if high is None else high)


def _places(info: mne.Info) -> np.ndarray:
    """Where each channel lies in the head, (n, 3) in m; NaN where nobody measured it."""
    from mne.io.constants import FIFF
    from mne.transforms import apply_trans

    places = np.array([channel["loc"][:3] for channel in info["chs"]], dtype=float)
    places[~places.any(axis=1)] = np.nan  # mne writes 0, 0, 0 for "not measured"
    of_device = np.array([channel["coord_frame"] == FIFF.FIFFV_COORD_DEVICE for channel in info["chs"]])
    moved = info["dev_head_t"]
    places[of_device] = np.nan if moved is None else apply_trans(moved, places[of_device])
    return places


def _channels(info: mne.Info) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kinds = info.get_channel_types()
    names = list(dict.fromkeys(kinds))
    unit = [kinds[:at].count(kind) for at, kind in enumerate(kinds)]
    neuroid = {
        "site": np.array([names.index(kind) for kind in kinds]),
        "unit": np.array(unit),
        "channel": info["ch_names"],
        "units": [_unit_name(channel) for channel in info["chs"]],
        "valid": ~np.isin(info["ch_names"], info["bads"]),
    } | dict(zip("xyz", _places(info).T))
    return neuroid, [{"name": kind, "dims": ["channel"], "shape": [kinds.count(kind)]} for kind in names]


def _unit_name(channel: Mapping[str, Any]) -> str:
    from mne.io.constants import FIFF

    known = {FIFF.FIFF_UNIT_V: "V", FIFF.FIFF_UNIT_T: "T", FIFF.FIFF_UNIT_T_M: "T/m", FIFF.FIFF_UNIT_NONE: "a.u."}
    return known.get(channel["unit"], "a.u.")
