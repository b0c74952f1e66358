"""Options as users write them, made plain: numbers to floats, sequences and mappings to tuples.

A number may be Python's or NumPy's, or an array or tensor that holds one; a sequence may be an
array or tensor too. All front ends read options here, before anything is cached, so that a value
means the same in each. Whether a number lies in its range is the engine's to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from numbers import Integral, Real
from typing import Any, NamedTuple, TypeVar

import numpy as np

from . import _masked

Plain = TypeVar("Plain")
#: Classes or labels that a mapping can name: what it becomes has an entry for each below.
_MOST = 1 << 16
#: What most sequences are: asking whether something is a mapping or iterable takes longer.
_PLAIN_LISTS = (list, tuple)


class BackgroundForeground(NamedTuple):
    """One value for class 0 and one for every other class, however many there are."""

    background: float
    foreground: float

    def __eq__(self, other: object) -> bool:
        # A pair of numbers is one for each of two classes.
        return isinstance(other, BackgroundForeground) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((BackgroundForeground, *self))


def optional(convert: Callable[[str, Any], Plain], what: str, value: Any) -> Plain | None:
    """An option that may be left open, by None."""
    return None if value is None else convert(what, value)


def number(what: str, value: Any) -> float:
    """A finite number."""
    if type(value) is float and math.isfinite(value):
        return value
    plain = value if type(value) is int else _single(what, value)
    if isinstance(plain, bool) or not isinstance(plain, Real):
        raise TypeError(f"{what}: found {shown(plain)}, wanted a number")
    try:
        wide = float(plain)
    except OverflowError:
        wide = math.inf
    if not math.isfinite(wide):
        raise ValueError(f"{what}: found {shown(plain)}, wanted a finite number")
    return wide


def integer(what: str, value: Any) -> int:
    """An integer of 64 bits; a float that is one counts as one."""
    plain = value if type(value) is int else _single(what, value)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    if isinstance(plain, bool) or not isinstance(plain, Integral):
        raise TypeError(f"{what}: found {shown(plain)}, wanted an integer")
    plain = int(plain)
    if not -(1 << 63) <= plain < 1 << 63:
        raise ValueError(f"{what}: found {shown(plain)}, wanted an integer of 64 bits")
    return plain


def count(what: str, value: Any) -> int:
    """An integer of at least 0."""
    plain = integer(what, value)
    if plain < 0:
        raise ValueError(f"{what}: found {plain}, wanted an integer of at least 0")
    return plain


def flag(what: str, value: Any) -> bool:
    """A truth value, and nothing that merely counts as one."""
    plain = value if type(value) is bool else _single(what, value)
    if not isinstance(plain, bool):
        raise TypeError(f"{what}: found {shown(plain)}, wanted True or False")
    return plain


def text(what: str, value: Any) -> str:
    """A name."""
    if not isinstance(value, str):
        raise TypeError(f"{what}: found {shown(value)}, wanted a name")
    return str(value)


def one_of(*choices: str) -> Any:
    """A converter that accepts these words only."""

    def convert(what: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"{what}: found {shown(value)}, wanted {_alternatives(choices)}")
        return choices[choices.index(value)]

    return convert


def numbers(what: str, value: Any) -> tuple[float, ...]:
    """A sequence of numbers."""
    return tuple(number(what, entry) for entry in _entries(what, value))


def integers(what: str, value: Any) -> tuple[int, ...]:
    """Class numbers in any order, each once, in ascending order."""
    listed = tuple(value) if isinstance(value, Set) else value
    entries = {integer(what, entry) for entry in _entries(what, listed)}
    if entries and min(entries) < 0:
        raise ValueError(f"{what}: found {min(entries)}, wanted integers of at least 0")
    return tuple(sorted(entries))


def class_weights(
    what: str,
    value: Any,
    *,
    background: bool | None = None,
    classes: Sequence[int] | None = None,
) -> tuple[float, ...]:
    """A number for each class, as a sequence or as a mapping by class.

    A mapping may leave out what takes no part: class 0 if there is no `background`, and what is not
    among `classes`. These weigh 1.
    """
    if type(value) in _PLAIN_LISTS:
        return numbers(what, value)
    if not isinstance(value, Mapping):
        if not _is_listed(value) or isinstance(value, Set):
            raise TypeError(
                f"{what}: found {shown(value)}, wanted a number for each class: a sequence, or a "
                "mapping by class"
            )
        return numbers(what, value)
    weights = _by_class(what, value)
    for k in range(max(weights)):
        is_left_out = (k == 0 and background is False) or (classes is not None and k not in classes)
        if k not in weights and is_left_out:
            weights[k] = 1.0
    return _in_order(what, weights, value)


def class_values(what: str, value: Any) -> float | tuple[float, ...] | BackgroundForeground:
    """One number for all classes, one for each, or one for the background and one for the rest.

    One for each comes as a sequence, or as a mapping by class.
    """
    if isinstance(value, Mapping):
        if {*value} == {*BackgroundForeground._fields}:
            value = BackgroundForeground(**value)
        else:
            return _in_order(what, _by_class(what, value), value)
    if isinstance(value, BackgroundForeground):
        return BackgroundForeground(*(number(what, entry) for entry in value))
    return numbers(what, value) if _is_listed(value) else number(what, value)


def table(what: str, value: Any) -> tuple[tuple[int, ...], ...]:
    """For each label, the channels that it belongs to: a row for each, or a mapping by label.

    Labels up to the largest that a mapping does not name belong to none.
    """
    if isinstance(value, Mapping):
        rows = {_key(what, key, "a label"): channels for key, channels in value.items()}
        value = [rows.get(label, ()) for label in range(max(rows, default=-1) + 1)]
    found = tuple(
        integers(f"{what}, label {label}", channels)
        for label, channels in enumerate(_entries(what, value, "a row of channels for each label"))
    )
    if not found:
        raise ValueError(f"{what}: found none, wanted a row of channels for each label")
    return found


def check_channels(regions: Sequence[Sequence[int]] | None, classes: int) -> None:
    """Fails for a table with channels that there are not."""
    for label, channels in enumerate(regions or ()):
        for channel in channels:
            if channel >= classes:
                raise ValueError(
                    f"regions, label {label}: found channel {channel}, wanted channels below "
                    f"{classes}, as the logits have"
                )


def smoothing(what: str, value: Any) -> tuple[float, float]:
    """Numerator and denominator, from one number for both or a pair."""
    if not _is_listed(value):
        both = number(what, value)
        return (both, both)
    pair = numbers(what, value)
    if len(pair) != 2:
        raise ValueError(
            f"{what}: found {len(pair)} numbers, wanted one, or a pair (numerator, denominator)"
        )
    return (pair[0], pair[1])


def matrix(what: str, value: Any) -> tuple[tuple[float, ...], ...]:
    """Rows of numbers."""
    return tuple(numbers(what, row) for row in _entries(what, value, "rows of numbers"))


def words(what: str, value: Any) -> tuple[Any, ...]:
    """A sequence of names, which a single name is not."""
    return tuple(_entries(what, value, "a sequence of names"))


def shown(value: Any) -> str:
    """A value as an error tells it, on one line."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    try:
        text = " ".join(repr(value).split())
    except ValueError:
        # Python does not write down integers of thousands of digits, in a list neither.
        return f"a {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:99]}…"


def _single(what: str, value: Any) -> Any:
    """What an array or tensor of one element holds; anything else as it is."""
    shape = getattr(value, "shape", None)
    if shape is None or tuple(shape) not in ((), (1,)):
        return value
    _refuse_masked(what, value)
    # Tensors of TensorFlow and variables of Keras have no `item`.
    return value.item() if hasattr(value, "item") else np.asarray(value).item()


def _refuse_masked(what: str, value: Any) -> None:
    """Fails for what an array of NumPy hides, which is 0 or what was there before."""
    if _masked.is_masked(value) and np.ma.getmaskarray(value).any():
        raise TypeError(f"{what}: found {shown(value)}, wanted nothing that is masked")


def _is_listed(value: Any) -> bool:
    """Whether it holds values one after another."""
    if type(value) is float:
        return False
    if type(value) in _PLAIN_LISTS:
        return True
    is_iterable = isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray)
    return is_iterable and getattr(value, "shape", None) != ()


def _entries(what: str, value: Any, wanted: str = "a sequence") -> list[Any]:
    if type(value) in _PLAIN_LISTS:
        return list(value)
    # In which order a set has its entries is chance.
    if not _is_listed(value) or isinstance(value, Mapping | Set):
        raise TypeError(f"{what}: found {shown(value)}, wanted {wanted}")
    _refuse_masked(what, value)
    if not hasattr(value, "tolist"):
        value = np.asarray(value) if hasattr(value, "__array__") else list(value)
    return list(value.tolist()) if hasattr(value, "tolist") else value


def _by_class(what: str, value: Mapping[Any, Any]) -> dict[int, float]:
    if not value:
        raise ValueError(f"{what}: found {{}}, wanted a number for each class")
    return {
        _key(what, key, "a class"): number(f"{what} of class {shown(key)}", entry)
        for key, entry in value.items()
    }


def _key(what: str, key: Any, wanted: str) -> int:
    try:
        plain = integer(what, key)
    except TypeError:
        raise TypeError(f"{what}: found the key {shown(key)}, wanted {wanted}, a number") from None
    if not 0 <= plain < _MOST:
        raise ValueError(f"{what}: found the key {plain}, wanted {wanted}, 0 to {_MOST - 1}")
    return plain


def _in_order(what: str, values: dict[int, float], given: Any) -> tuple[float, ...]:
    """One for each class from 0 on."""
    lacking = next(k for k in range(len(values) + 1) if k not in values)
    if lacking < len(values):
        raise ValueError(
            f"{what}: found {shown(given)} without class {lacking}, wanted every class that takes "
            "part"
        )
    return tuple(values[k] for k in range(len(values)))


def _alternatives(choices: Sequence[str]) -> str:
    return " or ".join(map(repr, choices))
