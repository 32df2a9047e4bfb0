"""GGUF files in numpy: header, metadata and tensors, memory-mapped and bounds-checked; nothing in the file can run.

Source
------
The format as written down in ggml, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3.
"""

from __future__ import annotations

import math
import os
import pathlib
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurolab.errors import FileFormatError, UnknownNameError, did_you_mean, listed
from neurolab.writing import path_of

MAGIC = b"GGUF"
#: No sane file has longer keys, deeper nested arrays or more axes; a larger number is damage or malice.
MAX_KEY, MAX_DEPTH, MAX_DIMS = 65_535, 4, 4
#: Metadata value types that have a fixed size: code -> struct format.
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9


def _q4_0(raw: np.ndarray) -> np.ndarray:
    return raw["d"].astype(np.float32)[:, None] * (_nibbles(raw["q"]) - np.float32(8))


def _q4_1(raw: np.ndarray) -> np.ndarray:
    return raw["d"].astype(np.float32)[:, None] * _nibbles(raw["q"]) + raw["m"].astype(np.float32)[:, None]


def _q8_0(raw: np.ndarray) -> np.ndarray:
    return raw["d"].astype(np.float32)[:, None] * raw["q"]


def _nibbles(packed: np.ndarray) -> np.ndarray:
    """Bytes (blocks, 16) to values (blocks, 32): the low nibbles are the first sixteen, the high ones the last."""
    return np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32)


def _plain(raw: np.ndarray) -> np.ndarray:
    return raw.astype(np.float32)


@dataclass(frozen=True)
class Encoding:
    """How a tensor's numbers are stored: block of ``per_block`` values of ``dtype``, and what makes float32 of them."""

    name: str
    dtype: np.dtype
    per_block: int
    decode: Callable[[np.ndarray], np.ndarray]


_SCALE, _MIN = ("d", "<f2"), ("m", "<f2")
#: ggml type code -> encoding; another one is another entry.
ENCODINGS: dict[int, Encoding] = {
    0: Encoding("F32", np.dtype("<f4"), 1, _plain),
    1: Encoding("F16", np.dtype("<f2"), 1, _plain),
    2: Encoding("Q4_0", np.dtype([_SCALE, ("q", "u1", 16)]), 32, _q4_0),
    3: Encoding("Q4_1", np.dtype([_SCALE, _MIN, ("q", "u1", 16)]), 32, _q4_1),
    8: Encoding("Q8_0", np.dtype([_SCALE, ("q", "i1", 32)]), 32, _q8_0),
}


@dataclass(frozen=True)
class Stored:
    """One tensor in the file: its shape (slowest axis first), encoding, and where its bytes begin."""

    shape: tuple[int, ...]
    encoding: Encoding
    offset: int

    @property
    def n_blocks(self) -> int:
        """How many blocks it takes."""
        return math.prod(self.shape) // self.encoding.per_block

    @property
    def nbytes(self) -> int:
        """How many bytes it takes in the file."""
        return self.n_blocks * self.encoding.dtype.itemsize


@dataclass(frozen=True, eq=False)
class GGUF:
    """An opened file: ``metadata`` by key, ``tensors`` by name; numbers are read when asked for."""

    path: pathlib.Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, Stored]
    data: np.ndarray

    def read(self, name: str) -> np.ndarray:
        """Get a tensor as float32, decoded; a fresh array.

        Raises UnknownNameError for a tensor that the file does not have.
        """
        if name not in self.tensors:
            raise UnknownNameError(f"{self.path.name} has no tensor {name!r}.{did_you_mean(name, self.tensors)}")
        stored = self.tensors[name]
        raw = self.data[stored.offset : stored.offset + stored.nbytes].view(stored.encoding.dtype)
        return stored.encoding.decode(raw).reshape(stored.shape)

    def value(self, key: str, kind: type = object) -> Any:
        """Get a metadata value of a kind (int, float, str, list); raises FileFormatError where it is not there."""
        if key not in self.metadata:
            raise FileFormatError(
                f"{self.path.name} lacks the metadata {key!r};{did_you_mean(key, self.metadata)} expected a complete "
                "file of a supported architecture. Get it again from where it came."
            )
        value = self.metadata[key]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise FileFormatError(
                f"{self.path.name}: metadata {key!r} is {type(value).__name__}; expected "
                f"{kind.__name__}. Get the file again."
            )
        return value


class _Cursor:
    """Reads forward through bytes and never beyond their end."""

    def __init__(self, data: memoryview, name: str) -> None:
        self.data, self.name, self.at = data, name, 0

    def take(self, n: int, what: str) -> bytes:
        if n > len(self.data) - self.at:
            raise FileFormatError(
                f"{self.name} ends inside {what}: {n} bytes are promised at byte {self.at}, the file has "
                f"{len(self.data)}. It is truncated or damaged; get it again, nothing was loaded."
            )
        self.at += n
        return self.data[self.at - n : self.at].tobytes()

    def number(self, form: str, what: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form), what))[0]

    def text(self, what: str, most: int | None = None) -> str:
        n = self.number("<Q", what)
        if most is not None and n > most:
            raise FileFormatError(f"{self.name}: {what} is {n} bytes long; expected at most {most}. It is damaged.")
        try:
            return self.take(n, what).decode("utf-8")
        except UnicodeDecodeError as error:
            raise FileFormatError(
                f"{self.name}: {what} is not UTF-8 ({error}); it is damaged, get it again."
            ) from error

    def value(self, kind: int, what: str, depth: int = 0) -> Any:
        if kind in SCALARS:
            return self.number(SCALARS[kind], what)
        if kind == STRING:
            return self.text(what)
        if kind != ARRAY or depth >= MAX_DEPTH:
            raise FileFormatError(
                f"{self.name}: {what} has the unknown type {kind}; the file is damaged or newer than "
                "this reader. Type `pip install --upgrade neurolab-lesion`, or get it again."
            )
        inner, n = self.number("<I", what), self.number("<Q", what)
        if inner in SCALARS:
            form = np.dtype(SCALARS[inner].replace("<B", "u1").replace("<b", "i1"))
            return np.frombuffer(self.take(n * form.itemsize, what), form).tolist()
        smallest = 8 if inner == STRING else 12
        if n * smallest > len(self.data) - self.at:
            self.take(n * smallest, what)
        return [self.value(inner, what, depth + 1) for _ in range(n)]


def open_gguf(path: str | os.PathLike[str]) -> GGUF:
    """Get a GGUF file opened: everything checked against the file's size, nothing decoded yet.

    Parameters
    ----------
    path : a file of version 2 or 3, little-endian, with tensors of the types in ``ENCODINGS``.

    Raises
    ------
    FileFormatError : another format, a truncated or damaged file, a tensor type that is not in the table.
    """
    file = path_of(path)
    if not file.is_file():
        raise FileFormatError(f"{file} is not there; expected a .gguf file.")
    if file.stat().st_size < 24:
        raise FileFormatError(f"{file.name} has {file.stat().st_size} bytes; no GGUF file is that small. Get it again.")
    data = np.memmap(file, np.uint8, "r")
    cursor = _Cursor(memoryview(data.data), file.name)
    n_tensors, n_pairs = _header(cursor)
    metadata = dict(_pairs(cursor, n_pairs))
    listing = list(_listing(cursor, n_tensors))
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 65_536:
        raise FileFormatError(f"{file.name}: general.alignment is {alignment!r}; expected 1 to 65536. It is damaged.")
    start = -(-cursor.at // alignment) * alignment
    tensors = {name: Stored(shape, encoding, start + offset) for name, shape, encoding, offset in listing}
    if len(tensors) != len(listing):
        raise FileFormatError(f"{file.name} names a tensor twice; it is damaged, get it again.")
    for name, stored in tensors.items():
        if stored.offset + stored.nbytes > len(data):
            raise FileFormatError(
                f"{file.name}: tensor {name!r} of shape {stored.shape} should end at byte "
                f"{stored.offset + stored.nbytes}, the file has {len(data)}. It is truncated; get it again, nothing "
                "was loaded."
            )
    return GGUF(file, metadata, tensors, data)


def _header(cursor: _Cursor) -> tuple[int, int]:
    magic = cursor.take(4, "the header")
    if magic != MAGIC:
        raise FileFormatError(f"{cursor.name} begins with {magic!r}; expected {MAGIC!r}: it is no GGUF file.")
    version = cursor.number("<I", "the header")
    if version not in (2, 3):
        raise FileFormatError(
            f"{cursor.name} is GGUF version {version}; this reader knows 2 and 3, little-endian. "
            "Convert the file, or get another release of it."
        )
    return cursor.number("<Q", "the header"), cursor.number("<Q", "the header")


def _pairs(cursor: _Cursor, n: int) -> Iterator[tuple[str, Any]]:
    for _ in range(n):
        key = cursor.text("a metadata key", MAX_KEY)
        yield key, cursor.value(cursor.number("<I", key), f"metadata {key!r}")


def _listing(cursor: _Cursor, n: int) -> Iterator[tuple[str, tuple[int, ...], Encoding, int]]:
    for _ in range(n):
        name = cursor.text("a tensor's name", MAX_KEY)
        n_dims = cursor.number("<I", name)
        if n_dims > MAX_DIMS:
            raise FileFormatError(f"{cursor.name}: tensor {name!r} has {n_dims} axes; expected at most {MAX_DIMS}.")
        shape = tuple(cursor.number("<Q", name) for _ in range(n_dims))[::-1]
        code, offset = cursor.number("<I", name), cursor.number("<Q", name)
        if code not in ENCODINGS:
            known = listed(encoding.name for encoding in ENCODINGS.values())
            raise FileFormatError(
                f"{cursor.name}: tensor {name!r} has the type code {code}; this reader knows {known}. "
                "Get the same model in one of these."
            )
        if shape and shape[-1] % ENCODINGS[code].per_block:
            raise FileFormatError(
                f"{cursor.name}: tensor {name!r} has rows of {shape[-1]}, no multiple of "
                f"{ENCODINGS[code].per_block}; it is damaged, get it again."
            )
        yield name, shape, ENCODINGS[code], offset
