"""Options as users write them, made plain: numbers to floats, sequences to tuples.

Whether a number lies in its range is the engine's to say; here is only what JSON could not carry.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, NamedTuple


class BackgroundForeground(NamedTuple):
    """One value for class 0 and one for every other class, however many there are."""

    background: float
    foreground: float


def number(what: str, value: Any) -> float:
    """A finite number, also if it comes as an array or tensor of one element."""
    if isinstance(value, bool):
        raise TypeError(f"{what}: found {value!r}, wanted a number")
    if not isinstance(value, Real):
        item = getattr(value, "item", None)
        if item is None or getattr(value, "shape", None) not in ((), (1,)):
            raise TypeError(f"{what}: found {value!r}, wanted a number")
        value = item()
    plain = float(value)
    if not math.isfinite(plain):
        raise ValueError(f"{what}: found {plain}, wanted a finite number")
    return plain


def integer(what: str, value: Any) -> int:
    """An integer of any kind."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{what}: found {value!r}, wanted an integer")
    return int(value)


def flag(what: str, value: Any) -> bool:
    """A truth value, and nothing that merely counts as one."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{what}: found {value!r}, wanted True or False")
    return bool(value)


def one_of(*choices: str) -> Any:
    """A converter that accepts these words only."""

    def convert(what: str, value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{what}: found {value!r}, wanted {' or '.join(map(repr, choices))}")
        return str(value)

    return convert


def numbers(what: str, value: Any) -> tuple[float, ...]:
    """A sequence, array or tensor of numbers."""
    return tuple(number(what, entry) for entry in _entries(what, value))


def integers(what: str, value: Any) -> tuple[int, ...]:
    """A sequence of class numbers, each once, in ascending order."""
    entries = {integer(what, entry) for entry in _entries(what, value)}
    if entries and min(entries) < 0:
        raise ValueError(f"{what}: found {min(entries)}, wanted integers of at least 0")
    return tuple(sorted(entries))


def table(what: str, value: Any) -> list[tuple[int, ...]]:
    """For each label, the channels that it belongs to."""
    return [integers(what, channels) for channels in _entries(what, value)]


def smoothing(what: str, value: Any) -> tuple[float, float]:
    """Numerator and denominator, from one number for both or a pair."""
    if isinstance(value, Iterable) and getattr(value, "shape", None) != ():
        pair = numbers(what, value)
        if len(pair) != 2:
            raise ValueError(
                f"{what}: found {len(pair)} numbers, wanted one, or a pair (numerator, denominator)"
            )
        return (pair[0], pair[1])
    both = number(what, value)
    return (both, both)


def class_values(what: str, value: Any) -> float | tuple[float, ...] | BackgroundForeground:
    """One number for all classes, one for each, or one for the background and one for the rest."""
    if isinstance(value, BackgroundForeground):
        return BackgroundForeground(*(number(what, entry) for entry in value))
    if isinstance(value, Iterable) and getattr(value, "shape", None) != ():
        return numbers(what, value)
    return number(what, value)


def matrix(what: str, value: Any) -> tuple[tuple[float, ...], ...]:
    """Rows of numbers."""
    return tuple(numbers(what, row) for row in _entries(what, value))


def _entries(what: str, value: Any) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{what}: found {value!r}, wanted a sequence")
    return list(value.tolist() if hasattr(value, "tolist") else value)
