"""Promise two and three of the bench: afterwards all is as before, and a watchman who checks it."""

from __future__ import annotations

import hashlib
import random
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from neurolab.errors import LesionNotUndone, SpecimenError, listed
from neurolab.specimen.devices import chances

#: The hook registries of a module: the user's own hooks must be there afterwards, the same objects in the same order.
HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


_checksum: Callable[[Any], int] = zlib.crc32
with suppress(ImportError):  # zarr brings it: CRC-32C by the processor's own instruction, two to three times as fast
    import google_crc32c

    if google_crc32c.implementation == "c":
        _checksum = google_crc32c.value

#: What was hashed before, by model: sha256 by name, type, shape and CRC of a tensor, of its last states.
KNOWN: WeakKeyDictionary[nn.Module, list[dict[tuple[Any, ...], str]]] = WeakKeyDictionary()
#: States of a model whose digests are kept: as it is, and as it was.
STATES = 2


def state_digests(model: nn.Module) -> dict[str, str]:
    """Get the sha256 of every parameter and buffer by name: of its type, shape and bytes; any dtype, bfloat16 too.

    Buffers outside the state dict are there as well. Every byte is read by a CRC of 32 bits, some three to eight times
    as fast; where it is that of a state which was hashed before, its sha256 is taken from there.
    """
    named = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    once = {id(tensor): (name, tensor) for name, tensor in reversed(named)}  # tied ones once, by their first name
    states = KNOWN.setdefault(model, [])
    digests, found = {}, {}
    for at, (name, tensor) in once.items():
        content = _bytes(tensor)
        key = name, tensor.dtype, tuple(tensor.shape), _checksum(content)
        before = (state[key] for state in states if key in state)
        digests[at] = found[key] = next(before, "") or _sha256(tensor, content)
    KNOWN[model] = [found, *(state for state in states if state != found)][:STATES]
    return {name: digests[id(tensor)] for name, tensor in named}


def _bytes(tensor: torch.Tensor) -> np.ndarray:
    """The bytes of a tensor; on the host no copy, for a language model is read several times."""
    whole = tensor.detach() if tensor.layout == torch.strided else tensor.detach().to_dense()
    plain = whole.cpu().contiguous().reshape(-1)
    return plain.view(torch.uint8).numpy() if plain.numel() else np.zeros(0, dtype=np.uint8)


def _sha256(tensor: torch.Tensor, content: np.ndarray) -> str:
    state = hashlib.sha256(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    state.update(content.data)
    return state.hexdigest()


def weights_digest(model: nn.Module) -> str:
    """Get the sha256 over all parameters and buffers, by sorted name."""
    return joined_digest(state_digests(model))


def joined_digest(digests: dict[str, str]) -> str:
    """Get one sha256 of the digests of all parameters and buffers, by sorted name."""
    state = hashlib.sha256()
    for name, digest in sorted(digests.items()):
        state.update(f"{name}:{digest}".encode())
    return state.hexdigest()


@dataclass(frozen=True)
class Snapshot:
    """What must be the same after a run: weights, training flags, the user's hooks (and patched forwards)."""

    tensors: dict[str, str]
    training: dict[str, bool]
    hooks: dict[str, tuple[int, ...]]


def snapshot(model: nn.Module) -> Snapshot:
    """Get the state of a model as it is now."""
    return Snapshot(
        state_digests(model),
        {path: module.training for path, module in model.named_modules()},
        {f"{path}.{kind}": tuple(id(hook) for hook in getattr(module, kind, {}).values())
         for path, module in model.named_modules() for kind in HOOKS}
        | {f"{path}.forward": (id(module.__dict__.get("forward")),) for path, module in model.named_modules()},
    )


def check_unchanged(before: Snapshot, model: nn.Module) -> None:
    """Raise LesionNotUndone, naming what differs, when a model is not as it was."""
    after = snapshot(model)
    for what, old, new in (("parameters or buffers", before.tensors, after.tensors),
                           ("training flags", before.training, after.training), ("hooks", before.hooks, after.hooks)):
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        if changed:
            raise LesionNotUndone(
                f"After the run the {what} {listed(changed, most=4)} differ from before; expected the specimen as it "
                "was. Does the model change itself in forward, or does another thread use it? Load it again."
            )


@contextmanager
def kept_chance() -> Iterator[None]:
    """Give the random states of Python, numpy and torch, on every device in use, back as they were."""
    python, numpy_state, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    elsewhere = list(chances())
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)  # noqa: NPY002
        torch.set_rng_state(cpu)
        for put_back in elsewhere:
            put_back()


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Set every module's flag to evaluation and give each its own flag back.

    The flags are set directly: ``train()`` may be overridden and do more (merging adapters, for instance).
    """
    flags = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in flags:
            module.training = False
        yield
    finally:
        for module, flag in flags:
            module.training = flag


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one torch thread, the mode in which equal rows give equal bits; give the setting back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Let torch make tensors of a type where none is said; give the setting back."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Keep torch off the paths that skip hooks: the fused transformer encoder, and compiled code.

    These are settings of the whole process: the first thread that asks sets them, the last one gives them back.
    """
    with _PLAIN.turn:
        if not _PLAIN.inside:
            _PLAIN.undo = _without_shortcuts()
        _PLAIN.inside += 1
    try:
        yield
    finally:
        with _PLAIN.turn:
            _PLAIN.inside -= 1
            if not _PLAIN.inside:
                _PLAIN.undo.close()


def _without_shortcuts() -> ExitStack:
    with ExitStack() as stack:
        if "torch._dynamo" in sys.modules:  # only then can anything have been compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        return stack.pop_all()


@dataclass
class _Plain:
    """How many are inside :func:`plain_kernels`, and what the last one undoes."""

    turn: threading.RLock = field(default_factory=threading.RLock)
    inside: int = 0
    undo: ExitStack = field(default_factory=ExitStack)


_PLAIN = _Plain()

#: Models of more bytes than this are not copied at load, so that what their forward rewrote cannot be put back.
COPIED = 2**31


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Run a block and put weights and buffers back where a forward rewrote them, as data-dependent initialisation does.

    Raises SpecimenError when it did.
    """
    named = dict([*model.named_parameters(), *model.named_buffers()])
    before = state_digests(model)
    small = sum(tensor.numel() * tensor.element_size() for tensor in named.values()) <= COPIED
    saved = {name: tensor.detach().clone() for name, tensor in named.items()} if small else {}
    try:
        yield
    finally:
        after = state_digests(model)
        changed = [name for name in before if after.get(name) != before[name]]
        for name in saved.keys() & set(changed):
            named[name].data.copy_(saved[name])
            if name.rpartition(".")[2] in (owner := model.get_submodule(name.rpartition(".")[0]))._buffers:
                owner._buffers[name.rpartition(".")[2]] = named[name]
    if changed:
        raise SpecimenError(
            f"The model changes itself in forward, in evaluation mode too: {listed(changed, most=4)}. Expected weights "
            f"and buffers that stay{'; they are as they were again' if saved else ''}. If it sets itself up on its "
            "first batch, run the model once on real stimuli first; else take the counter or cache out of the buffers."
        )


@contextmanager
def promised(model: nn.Module) -> Iterator[Any]:
    """Run a block in evaluation mode, without gradients, and prove afterwards that the model is as it was.

    Raises
    ------
    LesionNotUndone : parameters, buffers, flags or hooks differ afterwards, also when the block itself raised.
    """
    before = snapshot(model)
    try:
        with kept_chance(), plain_kernels(), eval_mode(model), torch.no_grad():
            yield before
    finally:
        check_unchanged(before, model)
