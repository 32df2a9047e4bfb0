"""The verb that records: stimuli in, presentation x neuroid out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import torch
import xarray as xr

from neurolab.errors import DataError, RefusedSiteError
from neurolab.lesion import Lesion
from neurolab.recording import make_recording
from neurolab.specimen.bench import Bench, bench
from neurolab.specimen.columns import Columns
from neurolab.specimen.experts import check_recorded
from neurolab.specimen.feeds import pooled_real, real_tokens
from neurolab.specimen.filling import Filling
from neurolab.specimen.given import check_specimen, check_stimuli, lesions_of
from neurolab.specimen.pooling import pooled, pooled_dims
from neurolab.specimen.sites import Site, check_units
from neurolab.specimen.specimen import Probe, Specimen
from neurolab.specimen.stopping import Enough, may_stop
from neurolab.specimen.stream import Held, Streamed, rows_at_once, store_path
from neurolab.stimuli import StimulusSet
from neurolab.storage import check_names


@dataclass(frozen=True)
class Channel:
    """One probe at one call of one site, resolved against a specimen: where its numbers go."""

    probe: Probe
    site: Site

    @cached_property
    def dims(self) -> tuple[str, ...]:
        """The dims that the unit index runs over."""
        return pooled_dims(self.site, self.probe.pool)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Their sizes."""
        return self.site.sizes(self.dims)

    @cached_property
    def n(self) -> int:
        """How many numbers a stimulus gives."""
        return int(np.prod(self.shape))

    @property
    def units(self) -> np.ndarray:
        """The recorded unit indices."""
        return np.arange(self.n) if self.probe.units is None else self._chosen

    @cached_property
    def _chosen(self) -> np.ndarray:
        units = np.unique(np.asarray(self.probe.units, dtype=np.int64))
        check_units(self.site, units, self.dims, f"Probe at {self.site.address!r}")
        return units

    def read(self, tensor: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        """Get what is kept of a site's tensor, (rows, n_units), on the host; ``real`` says which tokens are.

        It may share memory with the network. Half precision is what is kept, never what is computed in.
        """
        tensor = tensor.detach()  # a model may have switched gradients on
        how, kept = self.probe.pool, getattr(torch, self.probe.dtype)
        if not tensor.dtype.is_floating_point and kept != torch.float64 and tensor.numel():
            self._check_whole(tensor, kept)
        dtype = torch.float32 if kept == torch.float16 else kept
        if real is not None and how is not None and (self.site.dims[0], self.site.shape[0]) == ("token", real.shape[1]):
            flat = pooled_real(tensor, self.site, how, dtype, real)
        elif real is not None and self.dims != self.site.dims and not bool(real.all()):
            raise DataError(
                f"Site {self.site.address!r} ({' x '.join(self.site.dims)}) cannot be pooled without the padding: its "
                f"positions are not the tokens of the stimuli. Type nl.Probe({self.site.address!r}, pool=None), or "
                "show stimuli of one length at a time."
            )
        else:
            flat = pooled(tensor, self.site, how, dtype)
        if flat.shape[1] != self.n:
            raise DataError(
                f"Site {self.site.address!r} gave {flat.shape[1]} numbers per stimulus; it gave {self.n} when the "
                "specimen was loaded. Load it with an example like the stimuli."
            )
        if self.probe.units is not None:
            flat = flat[:, torch.tensor(self.units).to(flat.device)]
        return flat.to(kept).cpu()


    def _check_whole(self, tensor: torch.Tensor, kept: torch.dtype) -> None:
        """Refuse whole numbers that the dtype of the probe would round."""
        most = 2 ** (11 if kept == torch.float16 else 24)
        if tensor.dtype in (torch.int16, torch.int32, torch.int64) and bool((tensor.abs() > most).any()):
            raise DataError(
                f"Site {self.site.address!r} gives whole numbers above {most:,}, which {self.probe.dtype} rounds. Type "
                f"nl.Probe({self.site.address!r}, dtype='float64')."
            )


def resolve(specimen: Specimen, probes: Sequence[str | Probe] | str | Probe) -> list[Channel]:
    """Get the channels of some probes: plain addresses are pooled by the mean, several calls become several channels.

    Raises
    ------
    UnknownSiteError, RefusedSiteError : an address that the specimen does not have or cannot record.
    DataError : no probe, or one address twice.
    """
    given = list(probes) if isinstance(probes, Iterable) and not isinstance(probes, str) else [probes]
    strange = [entry for entry in given if not isinstance(entry, (str, Probe))]
    if strange:
        raise DataError(
            f"record() got {strange[0]!r} among the probes; expected addresses or nl.Probe values. Type "
            f"nl.record(specimen, stimuli, [{specimen.sites().working[-1]!r}]); specimen.sites() is the table."
        )
    if not given:
        raise DataError("record() got no probes; expected at least one site. Type specimen.sites() for the table.")
    channels = []
    for entry in given:
        probe = entry if isinstance(entry, Probe) else Probe(entry)
        for site in specimen.sites().find(probe.site):
            check_recorded(site)
            channels.append(Channel(replace(probe, site=site.address), site))
    names = [channel.site.address for channel in channels]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise DataError(f"record() got site {twice!r} twice; expected each once. Make two recordings for two poolings.")
    for channel in channels:
        if not channel.dims or not channel.n:
            raise RefusedSiteError(f"Site {channel.site.address!r} has no units to record.")
    return channels


def predicted_bytes(specimen: Specimen, stimuli: StimulusSet, probes: Sequence[str | Probe] | str | Probe) -> int:
    """Get how many bytes the values of a recording will take, before it is made."""
    channels = resolve(specimen, probes)
    widest = max(np.dtype(channel.probe.dtype).itemsize for channel in channels)
    return len(stimuli) * sum(len(channel.units) for channel in channels) * widest


def record(
    specimen: Specimen,
    stimuli: StimulusSet,
    probes: Sequence[str | Probe] | str | Probe,
    *,
    batch_size: int = 64,
    lesions: Sequence[Lesion] | Lesion = (),
    store: str | os.PathLike[str] | None = None,
    max_memory: str | int | None = None,
) -> xr.DataArray:
    """Get the activity of a network while it sees the stimuli.

    A forward is left once the last recorded site has fired, where a trial on two stimuli shows that nothing can tell.

    Parameters
    ----------
    specimen : the network; evaluation mode is forced, then every flag is given back.
    stimuli : what it sees, each once, in order.
    probes : addresses (pooled over positions by their mean) or :class:`Probe` values.
    batch_size : stimuli per forward; never changes a result beyond float tolerance.
    lesions : damage in place while recording, all of it at once; one lesion or several.
    store : a ``.zarr`` folder to write to while recording, for recordings larger than memory; one that is there is
        replaced once the new one is whole. The values that come back are read from it when they are asked for, as
        long as it is that one (else FileFormatError); ``.load()`` keeps them.
    max_memory : e.g. "1GB": the most that recording may take; with ``store=`` fewer stimuli are shown at once to keep
        it. The network itself and the stimuli are not counted.

    Returns
    -------
    DataArray, dims presentation x neuroid; ``site`` and ``unit`` on neuroid, with ``out_norm``, the norm of a unit's
    outgoing weights (NaN where no one weight reads the site), and ``head, row, col, token`` where they are not pooled.

    Raises
    ------
    SpecimenError : a bare model or a Cohort.
    DataError : NaN or inf activity, naming site and stimulus; more memory than ``max_memory``.
    StoreBusyError : somebody else is writing a recording of that name. StoreWriteError : it cannot be written there.
    LesionNotApplied, LesionNotUndone : see the bench.

    When this is invalid
    --------------------
    A pooled mean hides a code that lies in positions; half-precision models are recorded in float32, which does not
    give back what the half-precision forward lost.

    Example
    -------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]})
    >>> net = Specimen(torch.nn.Linear(3, 2), torch.zeros(1, 3))
    >>> record(net, StimulusSet("two", np.zeros((2, 3)), table), ["output"]).shape
    (2, 2)
    """
    check_specimen(specimen, "record", each="[nl.record(network, stimuli, probes) for network in cohort]")
    check_stimuli(stimuli, "record")
    in_place = lesions_of(lesions, "record")
    batches(len(stimuli), batch_size)
    if store is not None:
        store_path(store)
    channels = resolve(specimen, probes)
    if len(stimuli) == 0:
        raise DataError("record() got no stimuli; expected at least one.")
    dtype = np.result_type(*(channel.probe.dtype for channel in channels))
    n, width = len(stimuli), sum(len(channel.units) for channel in channels)
    rows = rows_at_once(n, width * dtype.itemsize, batch_size, store, max_memory)
    place: Held | Streamed | None = None
    try:
        with bench(specimen) as table:
            columns = Columns(specimen, channels, table.digest)
            about = partial(_recording, specimen, stimuli, channels, in_place, table.digest)
            nobody = {name: np.zeros(0, dtype=np.int64) for name in columns.names}
            template = about(np.empty((n, 0), dtype), nobody)  # what cannot be described is refused before it is made
            if store is None:
                place = Held(n, width, dtype)
            else:
                check_names(map(str, template.coords))
                place = Streamed(store, template, columns, min(rows, n))
                place.describe(columns)
            _fill(table, stimuli, Filling(channels, columns.spans, place, stimuli.ids), rows, in_place)
        return place.finish() if isinstance(place, Streamed) else about(place.values, columns.whole())
    finally:
        if isinstance(place, Streamed):
            place.drop()


def _recording(
    specimen: Specimen, stimuli: StimulusSet, channels: list[Channel], lesions: Sequence[Lesion], weights: str,
    values: np.ndarray, neuroid: dict[str, np.ndarray],
) -> xr.DataArray:
    return make_recording(
        values, presentation=stimuli.table,
        neuroid=neuroid, sites=[_entry(channel) for channel in channels], kind="ann",
        units="a.u.", source=f"{stimuli.name} {stimuli.digest}", specimen=specimen.name,
        attrs={"lesions": [lesion.id for lesion in lesions] if lesions else "",
               "rng": ",".join(str(lesion.rng) for lesion in lesions), "weights": weights[:16],
               **({"weights_before": " ".join(sorted(specimen.past.weights))} if specimen.past.weights else {}),
               "stimuli": stimuli.digest, "device": specimen.devices,
               "dtype": ",".join(sorted({channel.site.dtype for channel in channels}))},
    )


def _fill(table: Bench, stimuli: StimulusSet, filling: Filling, batch_size: int, lesions: tuple[Lesion, ...]) -> None:
    ids, specimen = stimuli.ids, table.specimen
    with table.lesioned(*lesions) as damage:
        if lesions:
            table.prove(damage, ((specimen.prepare(stimuli.inputs[at]), ids[at])
                                 for at in batches(len(ids), batch_size)))
        else:
            first = specimen.prepare(stimuli.inputs[:2])
            filling.stops = may_stop(table, [one.site for one in filling.channels], first, ids, len(ids))
        with table.probed(filling.sinks()):
            for at in batches(len(ids), batch_size):
                inputs = specimen.prepare(stimuli.inputs[at])
                filling.begin(at, real_tokens(specimen.feed, inputs))
                with suppress(Enough):
                    table.forward(inputs, ids[at])
                    table.check_calls()
                filling.check()
        if lesions:
            damage.certificate()


def batches(n: int, size: int) -> Iterator[slice]:
    """Get the slices that cut ``n`` rows into batches."""
    if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 1:
        raise DataError(f"batch_size was {size!r}; expected 1 or more, a whole number.")
    return (slice(low, min(low + size, n)) for low in range(0, n, size))


def _entry(channel: Channel) -> dict:
    pool = "" if channel.dims == channel.site.dims else str(channel.probe.pool)
    return {"name": channel.site.address, "dims": list(channel.dims), "shape": list(channel.shape), "pool": pool}
