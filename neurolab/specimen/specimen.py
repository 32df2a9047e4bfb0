"""A network on the bench as a value: the model, one example of its input, and the table of where to record and cut."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import nn

from neurolab.errors import DataError, SpecimenError, UnknownNameError, did_you_mean, listed
from neurolab.scores import Needs
from neurolab.specimen.devices import devices_of, entrance
from neurolab.specimen.feeds import Feed, Padded, as_batch, fed
from neurolab.specimen.inputs import prepared, settled
from neurolab.specimen.leaves import Selector, select_output
from neurolab.specimen.past import Past
from neurolab.specimen.promises import eval_mode, kept_chance, one_thread, plain_kernels, unchanged, weights_digest
from neurolab.specimen.selftest import Verification, refuse_unfit, self_test, verify
from neurolab.specimen.sites import SiteTable, unit_numbers
from neurolab.specimen.survey import survey, tied_names
from neurolab.specimen.trace import Call
from neurolab.specimen.training import Training
from neurolab.specimen.wiring import Wiring
from neurolab.stimuli import StimulusSet


@dataclass(frozen=True, eq=False)
class Specimen:
    """Any ``torch.nn.Module``, unchanged and un-rewritten, with what the bench needs to know of it.

    Parameters
    ----------
    model : the network. It stays where it is (device or devices, dtype, training flags); a compiled one runs eager.
    example : a batch of inputs (n, ...), array or tensor; one row is enough. Integers are token ids, or bytes of
        images, and stay of their type. What runs longest comes first: three rows are looked at.
    name : what figures and trials call it; names of a cohort differ.
    output : what the model answers with, where it returns a dict or tuple: a key, an index, or a function of it.
    feed : what the model is called with, where that is not the batch itself: a function of the batch that gives a dict
        (keywords), a tuple (arguments) or one value; ``neurolab.specimen.Padded`` masks padding.
    inputs_on : of a model spread over several devices, the one that its inputs go to; "" finds it: the first, in the
        order of the parameters, on which the model takes the example.

    Making one runs the self-test: the batch axis is found at every site with two batch sizes, an edit changes the
    read-out, an empty lesion changes nothing bit for bit, every hook is gone. Attention heads get addresses of their
    own where the module that holds the projections (``qkv``, ``q_proj``, ``proj``) says how many: ``num_heads = 4``.

    Raises
    ------
    SpecimenError : a model that cannot be put on the bench as it is, with the reason and the way out.

    Example
    -------
    >>> net = Specimen(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), torch.zeros(1, 3), name="tiny")
    >>> net.sites().names
    ('input', '0', '1', '2', 'output')
    """

    model: nn.Module
    example: Any
    name: str = ""
    output: Selector = None
    feed: Feed = None
    inputs_on: str | torch.device = ""
    wiring: dict[str, Wiring] = field(init=False, repr=False)
    tied: dict[str, tuple[str, ...]] = field(init=False, repr=False)
    calls: tuple[Call, ...] = field(init=False, repr=False)
    writes_input: bool = field(init=False, repr=False)
    users: dict[str, tuple[str, ...]] = field(init=False, repr=False)
    notes: tuple[str, ...] = field(init=False, repr=False)
    past: Past = field(init=False, repr=False, default=Past())
    _sites: SiteTable = field(init=False, repr=False)
    _entrance: torch.device = field(init=False, repr=False)
    _otherwise: frozenset[torch.dtype] = field(init=False, repr=False, default=frozenset())

    def __post_init__(self) -> None:
        put = object.__setattr__
        model, notes = refuse_unfit(self.model)
        put(self, "model", model)
        put(self, "name", self.name or type(model).__name__)
        put(self, "example", as_batch(self.example))
        put(self, "notes", notes)
        for note in notes:
            warnings.warn(f"{self.name}: {note}", UserWarning, stacklevel=3)
        put(self, "tied", tied_names(model))
        put(self, "_entrance", torch.device(self.inputs_on) if self.inputs_on else devices_of(model)[0])
        put(self, "example", self.prepare(self.example))
        with one_thread(), unchanged(model):
            self._try_out()
            with kept_chance(), plain_kernels(), eval_mode(model), torch.no_grad():
                table, wiring, calls, writes, users = survey(model, self.answer, self.example, self.others)
            put(self, "_sites", table)
            put(self, "wiring", wiring)
            put(self, "calls", calls)
            put(self, "writes_input", writes)
            put(self, "users", users)
            self_test(self)

    def _try_out(self) -> None:
        """A plain forward, which says where the inputs go, and in words why a model refuses its example."""
        given = self.example

        def show(device: torch.device) -> None:
            object.__setattr__(self, "_entrance", device)
            with kept_chance(), plain_kernels(), eval_mode(self.model), torch.no_grad():
                example, otherwise = settled(self.prepare(given), self.answer)
            object.__setattr__(self, "example", example)
            object.__setattr__(self, "_otherwise", otherwise)

        entrance([self.device] if self.inputs_on else devices_of(self.model), tuple(self.example.shape), show)

    def __repr__(self) -> str:
        size = sum(parameter.numel() for parameter in self.model.parameters())
        return f"Specimen({self.name!r}: {type(self.model).__name__}, {size} parameters, {len(self._sites)} sites)"

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(line)}</p>" for line in (repr(self), *self.notes))
        return said + self._sites._repr_html_()

    def sites(self) -> SiteTable:
        """Get the table of addresses: what is recorded, cut or refused, and why; a module ``input`` is "self.input"."""
        return self._sites

    def answer(self, inputs: torch.Tensor) -> torch.Tensor:
        """Get the read-out for inputs as :meth:`prepare` gives them, by one plain forward of the model as it is."""
        return select_output(fed(self.model, self.feed, inputs), self.output)

    def others(self, inputs: torch.Tensor) -> torch.Tensor:
        """Get other stimuli than these, as many and as well-formed."""
        if isinstance(self.feed, Padded):
            return self.feed.others(inputs)
        return inputs.flip(0) * 0.5 + 0.25 if inputs.is_floating_point() else inputs.flip(0).roll(1, dims=-1)

    def verify(self) -> Verification:
        """Run the self-test again, with a probing edit at every site; prints what holds."""
        return verify(self)

    @property
    def digest(self) -> str:
        """Sha256 over all parameters and buffers as they are now."""
        return weights_digest(self.model)

    @property
    def device(self) -> torch.device:
        """Where the inputs go: the device of the model; of several, ``inputs_on`` or the one found when it was loaded.

        What is recorded comes to the processor; edits act where the tensor lies that they edit.
        """
        held = chain(self.model.parameters(), self.model.buffers())  # asked for with every batch: seldom to its end
        if self.inputs_on or any(tensor.device == self._entrance for tensor in held):
            return self._entrance
        return devices_of(self.model)[0]

    @property
    def devices(self) -> str:
        """All devices that parameters and buffers lie on, sorted: "cpu, cuda:0"; recordings and trials say them."""
        return ", ".join(sorted(str(device) for device in devices_of(self.model)))

    @property
    def dtype(self) -> torch.dtype:
        """The floating type of the parameters; floating inputs follow it."""
        floating = (parameter.dtype for parameter in self.model.parameters() if parameter.is_floating_point())
        return next(floating, torch.float32)

    def prepare(self, inputs: Any) -> torch.Tensor:
        """Get inputs (n, ...) as the model takes them: on its device, floats in its type, integers in the example's.

        Raises DataError where shape or kind differ from the example's, or integers do not fit.
        """
        return prepared(inputs, self.example, self.name, self.device, self.dtype, self._otherwise)


@dataclass(frozen=True, eq=False)
class Cohort:
    """Networks trained alike from different seeds: the sample that a result generalises over.

    Iterates over its specimens; ``cohort[:6]`` is a cohort, ``cohort[0]`` and ``cohort["name"]`` a specimen.

    training : how they were trained and how far each got, where ``train_cohort`` trained them.
    """

    specimens: tuple[Specimen, ...]
    name: str = "cohort"
    training: Training | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        given = self.specimens
        some = [given] if isinstance(given, (str, nn.Module, Specimen)) or not np.iterable(given) else list(given)
        if some and (some[0] is given or not all(isinstance(one, Specimen) for one in some)):
            wrong = next((one for one in some if not isinstance(one, Specimen)), given)
            raise SpecimenError(f"Cohort() got {type(wrong).__name__}; expected a list of Specimens. Type "
                                "nl.Cohort([nl.Specimen(model, batch, name='seed-0'), ...], name='seeds').")
        object.__setattr__(self, "specimens", tuple(some))
        names = self.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SpecimenError(f"Cohort {self.name!r} has {listed(twice)} more than once; give each network its own "
                                f"name.")

    def __len__(self) -> int:
        return len(self.specimens)

    def __iter__(self) -> Iterator[Specimen]:
        return iter(self.specimens)

    def __getitem__(self, which: int | slice | str) -> Any:
        if isinstance(which, slice):
            return Cohort(self.specimens[which], self.name, self.training and self.training.take(which))
        if isinstance(which, str):
            if which not in self.names:
                raise UnknownNameError(
                    f"Cohort {self.name!r} has no specimen {which!r}.{did_you_mean(which, self.names)} It has "
                    f"{listed(self.names)}."
                )
            return self.specimens[self.names.index(which)]
        return self.specimens[which]

    def __repr__(self) -> str:
        return f"Cohort({self.name!r}: {len(self)} specimens)"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the specimens, in order."""
        return tuple(specimen.name for specimen in self.specimens)


@dataclass(frozen=True)
class Probe:
    """What to record at a site.

    Parameters
    ----------
    site : an address from ``specimen.sites()``.
    pool : how the positions of a unit (rows and columns, tokens) become one number: "mean", "max", "last" or "norm"
        (heads: length of the head's vector, mean over tokens); None keeps them all.
    units : indices into the recorded, flattened dims to keep; None keeps all.
    dtype : "float32" or "float64"; pooling is done in it, also for half-precision models. "float16" halves what is
        kept, at a relative error of 5e-4 each: pooling is done in float32, and analyses count in float64.
    """

    site: str
    pool: str | None = "mean"
    units: Sequence[int] | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        from neurolab.specimen.pooling import POOLS

        if not isinstance(self.site, str):
            raise DataError(f"Probe site={self.site!r}; expected an address. Type specimen.sites() for the table.")
        if self.pool is not None and self.pool not in tuple(POOLS):
            raise UnknownNameError(
                f"Probe pool={self.pool!r}; expected None or one of {listed(POOLS)}.{did_you_mean(self.pool, POOLS)}"
            )
        if self.dtype not in ("float16", "float32", "float64"):
            raise DataError(f"Probe dtype={self.dtype!r}; expected 'float32', 'float64' or, to halve what is kept, "
                            f"'float16'.")
        if self.units is not None:
            object.__setattr__(self, "units", unit_numbers(self.units, f"Probe at {self.site!r}"))


@dataclass(frozen=True, eq=False)
class Task:
    """Stimuli and the score of the answers to them.

    score : a value from ``nl.scores``, or any function (outputs (n, ...), table) -> (n,) numbers, higher is better.
    """

    name: str
    stimuli: StimulusSet
    score: Callable[..., np.ndarray]

    def __post_init__(self) -> None:
        if not callable(self.score):
            raise DataError(f"Task {self.name!r}: score was {self.score!r}; expected nl.scores.accuracy or a function.")
        if len(self.stimuli) == 0:
            raise DataError(f"Task {self.name!r} has no stimuli.")

    def needs(self) -> Needs:
        """Get which positions and output columns the score reads; a bare function reads all."""
        return self.score.needs(self.stimuli.table) if hasattr(self.score, "needs") else Needs()
