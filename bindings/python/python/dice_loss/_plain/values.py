"""Numbers as the types of arrays hold them: what is compared is the value, in no other type."""

from __future__ import annotations

#: Digits of the significand, and the largest exponent.
_FLOATS = {"float16": (11, 15), "bfloat16": (8, 127), "float32": (24, 127), "float64": (53, 1023)}
#: Roundings by which a dense value may lie outside [0, 1] and still stand for 0 or 1.
ROUNDINGS = 4


def holds(dtype: str, number: int) -> bool:
    """Whether a type has this integer."""
    if dtype == "bool":
        return number in (0, 1)
    if dtype in _FLOATS:
        digits, exponent = _FLOATS[dtype]
        length = abs(number).bit_length()
        trailing = 0 if number == 0 else (number & -number).bit_length() - 1
        return length - trailing <= digits and length <= exponent + 1
    if not dtype.startswith(("int", "uint")):
        return False
    bits = int(dtype.lstrip("uint"))
    low, high = (0, 1 << bits) if dtype.startswith("u") else (-1 << bits - 1, 1 << bits - 1)
    return low <= number < high


def slack(dtype: str) -> float:
    """How far outside [0, 1] a value of a dense target counts as 0 or 1: 4 roundings of its type,
    which is what interpolation and means of raters leave."""
    return ROUNDINGS * 2.0 ** (1 - _FLOATS[dtype][0]) if dtype in _FLOATS else 0.0
