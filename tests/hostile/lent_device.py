"""Two devices without hardware: memory of the processor under another name, which no kernel of the processor reaches.

torch's PrivateUse1 backend, in Python. A tensor on ``lent:0`` or ``lent:1`` is a plain tensor of torch whose storage
lies on that device, so views, version counters, autograd, hooks and ``.to()`` are torch's own. Each operation is
computed by the processor's kernel on the same memory, after the check that a GPU makes: tensors of several devices in
one operation raise. As on a GPU, a number (0-dim) of the processor may meet others point by point, indices of the
processor may index, ``.numpy()`` raises, and ``.cpu()`` copies.

What it is no test of: rounding that differs by device, streams, memory that runs short. torch gives backends written in
Python gradients on their first device alone.

:func:`register` acts on the whole process and cannot be undone: call it in a process of its own, and leave that by
``os._exit``.
"""

from __future__ import annotations

import ctypes
from typing import Any, ClassVar

import torch
from torch.utils import _pytree as pytree

NAME, N = "lent", 2
#: DLPack's name for a device that it does not know; torch reads it as PrivateUse1.
EXT = 12
#: DLPack's (code, bits) of a type.
TYPES = {torch.float32: (2, 32), torch.float64: (2, 64), torch.float16: (2, 16), torch.bfloat16: (4, 16),
         torch.int64: (0, 64), torch.int32: (0, 32), torch.int16: (0, 16), torch.int8: (0, 8), torch.uint8: (1, 8),
         torch.bool: (6, 8), torch.complex64: (5, 64)}
#: Operations that carry values from one device to another; those whose indices may lie on the processor.
CARRY = {"aten::copy_", "aten::_to_copy", "aten::_copy_from", "aten::_copy_from_and_resize"}
INDEX = {"aten::index", "aten::index_put_", "aten::_index_put_impl_", "aten::_unsafe_index", "aten::index_put"}
#: Operations that only look at the same memory otherwise; their kernels are the same for all devices.
VIEWS = {"aten::as_strided", "aten::view", "aten::_reshape_alias", "aten::unfold", "aten::set_"}

ran: list[str] = []  # the names of the operations that ran on a lent device, for a test to see that any did


class _Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("index", ctypes.c_int32)]


class _Type(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", _Device), ("ndim", ctypes.c_int32), ("dtype", _Type),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


class _Managed(ctypes.Structure):
    pass


_Managed._fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

#: What the lent tensors stand on, by the address of their memory: (the processor's tensor, what DLPack was told of it).
#: Kept to the end of the process: torch lets go of memory where no Python may run, an exception under way for instance.
_owner: dict[int, tuple[torch.Tensor, Any]] = {}


def _lend(tensor: torch.Tensor, index: int) -> torch.Tensor:
    """A tensor on the lent device that stands on the memory of this one, which nobody else holds."""
    if tensor.untyped_storage().nbytes() == 0:
        whole = torch.empty(1, dtype=tensor.dtype)
    else:
        whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())
    shape, strides = (ctypes.c_int64 * 1)(len(whole)), (ctypes.c_int64 * 1)(1)
    about = _Tensor(whole.data_ptr(), _Device(EXT, index), 1, _Type(*TYPES[whole.dtype], 1), shape, strides, 0)
    managed = _Managed(about, None, None)
    _owner[whole.data_ptr()] = whole, (managed, shape, strides)
    raw = torch._C._from_dlpack(_capsule(ctypes.addressof(managed), b"dltensor", None))
    return _by_processor(torch.ops.aten.as_strided.default, raw, tensor.size(), tensor.stride(),
                         tensor.storage_offset())


def _same_memory(tensor: torch.Tensor) -> torch.Tensor:
    """The processor's view of a lent tensor."""
    base = _owner[tensor.untyped_storage().data_ptr()][0].untyped_storage()
    return torch.empty(0, dtype=tensor.dtype).set_(base, tensor.storage_offset(), tensor.size(), tensor.stride())


def _by_processor(op: Any, *args: Any, **kwargs: Any) -> Any:
    return op._op_dk(torch._C.DispatchKey.CPU, *args, **kwargs)


def _is_lent(thing: Any) -> bool:
    return isinstance(thing, torch.Tensor) and thing.device.type == NAME


def _refuse_mixed(op: Any, tensors: list[torch.Tensor]) -> None:
    name = op._schema.name
    if name in CARRY:
        return
    here = tensors[:1] if name in INDEX else tensors
    if torch.Tag.pointwise in op.tags:
        here = [one for one in here if one.dim() or one.device.type != "cpu"]
    devices = {str(one.device) for one in here}
    if name in INDEX:
        devices |= {str(one.device) for one in tensors[1:] if one.device.type != "cpu"}
    if len(devices) > 1:
        raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, "
                           f"{' and '.join(sorted(devices))}, in {op}")


def _fallback(op: Any, *args: Any, **kwargs: Any) -> Any:
    """One operation of which an argument, or the device asked for, is lent."""
    name = op._schema.name
    leaves, spec = pytree.tree_flatten((args, kwargs))
    given = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    _refuse_mixed(op, given)
    if name in VIEWS:
        return _by_processor(op, *args, **kwargs)
    asked = next((leaf for leaf in leaves if isinstance(leaf, torch.device)), None)
    target = asked or next((one.device for one in given if _is_lent(one)), None)
    index = (target.index or 0) if target is not None and target.type == NAME else None
    ran.append(name)
    shown = [_same_memory(leaf) if _is_lent(leaf) else leaf for leaf in leaves]
    back = {id(new): old for new, old in zip(shown, leaves) if _is_lent(old)}
    sizes = {key: old.size() for key, old in back.items()}
    stores = {old.untyped_storage().data_ptr(): old for old in back.values()}
    shown = [torch.device("cpu") if isinstance(leaf, torch.device) else leaf for leaf in shown]
    args, kwargs = pytree.tree_unflatten(shown, spec)
    if index is not None and any(one.name == "generator" for one in op._schema.arguments):
        kwargs["generator"] = Module.chance[index]
    kwargs.pop("pin_memory", None)
    made = op(*args, **kwargs)

    def owned(out: Any) -> Any:
        """What the operation gave, on the lent device: what it was given, a view of that, or memory of its own."""
        if not isinstance(out, torch.Tensor) or index is None:
            return out
        if id(out) in back:
            if out.size() != sizes[id(out)]:  # an answer was to be put into an empty tensor
                new = _lend(out, index)
                _by_processor(torch.ops.aten.set_.source_Storage_storage_offset, back[id(out)], new.untyped_storage(),
                              new.storage_offset(), new.size(), new.stride())
            return back[id(out)]
        base = stores.get(out.untyped_storage().data_ptr()) if out.numel() else None
        if base is not None and base.dtype == out.dtype:
            return _by_processor(torch.ops.aten.as_strided.default, base, out.size(), out.stride(),
                                 out.storage_offset())
        assert base is None, f"{op} views a lent tensor as another type"
        return _lend(out, index)

    return pytree.tree_map(owned, made)


def _cloned(storage: torch.UntypedStorage) -> torch.UntypedStorage:
    """What a deep copy of a tensor stands on; torch has no memory of its own for this device."""
    mine = _owner[storage.data_ptr()][0].untyped_storage()
    return _lend(torch.empty(0, dtype=torch.uint8).set_(mine).clone(), storage.device.index or 0).untyped_storage()


def _copy_(into: torch.Tensor, source: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    """Carry values from any device to any."""
    ran.append("aten::copy_")
    plain = [_same_memory(one) if _is_lent(one) else one for one in (into, source)]
    plain[0].copy_(plain[1])
    return into


def _convolution(*args: Any) -> torch.Tensor:
    """A convolution, for which torch asks each backend."""
    return _fallback(torch.ops.aten.convolution.default, *args)


def _lstm_cell(x: torch.Tensor, h: torch.Tensor, cell: torch.Tensor, *biases: torch.Tensor | None) -> Any:
    """One step of an LSTM, which GPUs compute at once."""
    gates = x + h
    for bias in biases:
        gates = gates if bias is None else gates + bias
    let, forget, new, out = gates.chunk(4, 1)
    cell = forget.sigmoid() * cell + let.sigmoid() * new.tanh()
    return out.sigmoid() * cell.tanh(), cell, gates


class Module:
    """What torch asks of a backend: ``torch.lent``."""

    chance: ClassVar = [torch.Generator().manual_seed(7 + index) for index in range(N)]

    is_initialized = is_available = staticmethod(lambda: True)
    current_device = staticmethod(lambda: 0)
    device_count = staticmethod(lambda: N)
    _is_in_bad_fork = staticmethod(lambda: False)
    manual_seed_all = staticmethod(lambda seed: None)

    @classmethod
    def get_rng_state(cls, device: int = 0) -> torch.Tensor:
        """Get the random state of one of the devices."""
        return cls.chance[device].get_state()

    @classmethod
    def set_rng_state(cls, state: torch.Tensor, device: int = 0) -> None:
        """Set it."""
        cls.chance[device].set_state(state)


_libraries: list[Any] = []


def register() -> None:
    """Make ``lent:0`` and ``lent:1`` devices of this process."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME, backend_module=Module())
    every, aten = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    every.fallback(_fallback, "PrivateUse1")
    aten.impl("copy_", _copy_, "PrivateUse1")
    aten.impl("_thnn_fused_lstm_cell", _lstm_cell, "PrivateUse1")
    aten.impl("convolution_overrideable", _convolution, "PrivateUse1")
    plain = torch.UntypedStorage.clone
    torch.UntypedStorage.clone = lambda storage: (_cloned if storage.device.type == NAME else plain)(storage)
    _libraries.extend((every, aten))
