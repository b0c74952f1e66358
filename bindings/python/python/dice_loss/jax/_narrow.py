"""Arrays of NumPy with 64 bits, where JAX has 32: it would wrap and round them in silence.

Here they are made such that each means what it did, or is seen to mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import _shapes
from .._plain import values

_LOWEST, _HIGHEST = np.iinfo(np.int32).min, np.iinfo(np.int32).max
#: The smallest number that neither float32 nor XLA rounds: below they have fewer digits, or 0.
_SMALLEST = np.finfo(np.float32).tiny
#: From this largest weight on, a smaller one than that is nothing in any sum.
_LARGE = 2.0**-100


class Narrow(NamedTuple):
    """A target, and the label that does not count in it."""

    array: Any
    ignore_index: int | None
    #: The same as it was given.
    ignored: int | None
    #: Where a label was that 32 bits do not hold and that does count; None for nowhere.
    unheld: np.ndarray[Any, Any] | None


def readable(value: Any) -> Any:
    """An array of JAX, or of NumPy what JAX would make by way of that."""
    if isinstance(value, jax.Array | np.ndarray):
        return value
    if hasattr(value, "__jax_array__"):
        return jnp.asarray(value)
    if isinstance(value, list | tuple):
        leaves = jax.tree.leaves(value)
        return jnp.asarray(value) if any(map(_is_of_jax, leaves)) else np.asarray(value)
    return np.asarray(value)


def _is_of_jax(value: Any) -> bool:
    return isinstance(value, jax.Array) or hasattr(value, "__jax_array__")


def _is_wide(array: Any) -> bool:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        return False
    kept = jax.dtypes.canonicalize_dtype(array.dtype).itemsize
    return array.dtype.itemsize == 8 and bool(kept < 8)


def truths(array: Any) -> Any:
    """Of a mask: where it is not 0."""
    return array != 0 if _is_wide(array) else array


def weights(what: str, array: Any) -> Any:
    """Of voxels, in float32: what is above 0 stays so."""
    if not _is_wide(array):
        return array
    with np.errstate(over="ignore", under="ignore"):
        narrow = array.astype(np.float32)
    tiny = (np.abs(array) < _SMALLEST) & (array != 0) if array.dtype.kind == "f" else np.False_
    if not tiny.any():
        return narrow
    if np.max(array) < _LARGE:
        found = array[tiny].flat[0]
        raise ValueError(
            f"{what}: found {found:.1e}, wanted 0, or at least {_SMALLEST:.1e}, below which "
            "float32 does not hold it: larger weights, or jax_enable_x64"
        )
    return np.where(tiny, np.copysign(_SMALLEST, narrow), narrow)


def target(array: Any, ignored: int | None, is_dense: bool) -> Narrow:
    """Labels or dense values, the ignored ones and only they recognised as such.

    A label that is not held becomes what is no class and not ignored either: the lowest number, or
    the one above it, or one that is none.
    """
    if not _is_wide(array):
        return Narrow(array, ignored, ignored, None)
    is_float = is_dense or array.dtype.kind == "f"
    narrow, held = _floats(array, is_dense) if is_float else _integers(array)
    fits = ignored is None or values.holds(narrow.dtype.name, ignored)
    if held is np.True_ and (ignored is None or (fits and not is_float)):
        return Narrow(narrow, ignored, ignored, None)
    is_ignored = np.zeros(array.shape, dtype=bool)
    if ignored is not None and values.holds(array.dtype.name, ignored):
        is_ignored = array == ignored
    kept = ignored if fits else _LOWEST
    if kept is not None:
        # Another number that became that one, and if it only stands for the ignored one, itself.
        held = held & ((narrow != kept) | (is_ignored if not fits else array == kept))
    unheld = ~(held | is_ignored)
    nowhere = np.nan if is_float else _LOWEST + (kept == _LOWEST)
    narrow = np.where(unheld, narrow.dtype.type(nowhere), narrow)
    if kept is not None:
        narrow = np.where(is_ignored, narrow.dtype.type(kept), narrow)
    return Narrow(narrow, kept, ignored, unheld if unheld.any() else None)


def _integers(labels: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """As int32, and where they are the same."""
    if labels.size == 0 or (labels.min() >= _LOWEST and labels.max() <= _HIGHEST):
        return labels.astype(np.int32), np.True_
    held = (labels >= _LOWEST) & (labels <= _HIGHEST)
    return np.where(held, labels, 0).astype(np.int32), held


def _floats(numbers: np.ndarray[Any, Any], is_dense: bool) -> tuple[Any, Any]:
    """As float32, and where they are the same; dense values may be rounded."""
    with np.errstate(over="ignore", under="ignore"):
        narrow = numbers.astype(np.float32)
    return narrow, np.True_ if is_dense else (narrow == numbers) | (numbers != numbers)


def refuse(
    narrow: Narrow, labels: Any, count: int, shape: tuple[int, ...], others: Iterable[Any]
) -> None:
    """Fails for a label that 32 bits do not hold, in the words of the engine, which sees another.

    Of `others`, None or of this shape, each says by 0 where a voxel does not count. Where one is
    traced, the engine fails.
    """
    unheld = narrow.unheld
    if unheld is None:
        return
    unheld = unheld.reshape(shape)
    for array in others:
        if isinstance(array, jax.core.Tracer):
            return
        unheld = unheld if array is None else unheld & (np.asarray(array) != 0)
    if not unheld.any():
        return
    index = np.argwhere(unheld)[0].tolist()
    found = labels.reshape(shape)[tuple(index)].item()
    found = int(found) if found == found // 1 else found
    wanted = f"0 to {count - 1}"
    if narrow.ignored is not None:
        wanted += f", or {narrow.ignored} to ignore"
    raise ValueError(f"{_shapes.place(index)}: found label {found}, wanted {wanted}")
