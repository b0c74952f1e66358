"""The losses as functions of a class's sums: differentiable as often as one likes.

What a formula does, the engine says: a tape of operations, of which each reads earlier ones. Here
they are carried out on arrays, with the values and slopes that the engine documents at
`Operation`: 0 at the root of 0 and at the powers of 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from .namespace import Array, Namespace

Sums: TypeAlias = dict[str, Array]
"""Sums of a class over the voxels that count, by name; arrays of one shape."""

#: Those of a perfect match, of which any loss is finite.
_PERFECT = {
    "intersection": 1.0,
    "prediction": 1.0,
    "prediction_squared": 1.0,
    "magnitude": 1.0,
    "reference": 1.0,
    "reference_squared": 1.0,
    "mapped": 1.0,
    "voxels": 2.0,
}


def perfect_unless(xp: Namespace, condition: Array, sums: Sums) -> Sums:
    """Where the condition does not hold, the sums of a perfect match."""
    return {name: xp.where(condition, sum, _PERFECT.get(name, 0.0)) for name, sum in sums.items()}


class Operation(NamedTuple):
    """What is done, and with what: places of earlier operations, a name or a number."""

    kind: str
    operands: tuple[Any, ...]


class Formula(NamedTuple):
    """A loss of sums."""

    #: Whether it has one number for all classes, which are the last axis.
    coupled: bool
    operations: tuple[Operation, ...]
    #: The names of the sums that it is a function of.
    reads: tuple[str, ...]

    @classmethod
    def of(cls, data: dict[str, Any]) -> Formula:
        """From `_core.tapes`."""
        operations = tuple(map(_operation, data["operations"]))
        reads = tuple(operands[0] for kind, operands in operations if kind == "sum")
        return cls(data["coupled"], operations, reads)

    def loss(self, xp: Namespace, sums: Sums, weights: Array) -> Array:
        """The loss of each class, or of each row of classes; only the latter reads the weights."""
        values: list[Array] = []
        for operation in self.operations:
            values.append(_done(xp, operation, values, sums, weights))
        return values[-1][..., 0] if self.coupled else values[-1]


def _operation(data: str | dict[str, Any]) -> Operation:
    if isinstance(data, str):
        return Operation(data, ())
    ((kind, operands),) = data.items()
    return Operation(kind, tuple(operands) if isinstance(operands, list) else (operands,))


def _done(
    xp: Namespace, operation: Operation, values: list[Array], sums: Sums, weights: Array
) -> Array:
    """What an operation gives, by its kind."""
    kind, operands = operation
    if kind == "sum":
        return sums[operands[0]]
    if kind == "constant":
        return operands[0]
    if kind == "weight":
        return weights
    if kind == "foreground":
        return xp.cast(xp.arange(weights.shape[-1], weights) > 0, weights)
    if kind == "power":
        return _power(xp, values[operands[0]], operands[1])
    return OPERATIONS[kind](xp, *(values[operand] for operand in operands))


def _at_least_zero(xp: Namespace, x: Array) -> Array:
    """What rounding left below 0 counts as 0; the slope stays 1."""
    return x - xp.stop_gradient(xp.minimum(x, 0.0))


def _root(xp: Namespace, x: Array) -> Array:
    """The square root, with a slope of 0 at 0."""
    return xp.where(x == 0, 0.0, xp.sqrt(xp.where(x == 0, 1.0, x)))


def _power(xp: Namespace, x: Array, exponent: float) -> Array:
    """max(x, 0)^exponent, with a slope of 0 at and below 0."""
    return xp.where(x <= 0, 0.0, xp.where(x <= 0, 1.0, x) ** exponent)


def _ln_cosh(xp: Namespace, x: Array) -> Array:
    return x - xp.log_sigmoid(2.0 * x) - math.log(2.0)


def _least(xp: Namespace, x: Array) -> Array:
    """The smallest above 0 of the last axis; 1 where there is none."""
    least = xp.min(xp.where(x > 0, x, math.inf), -1, keepdims=True)
    return xp.where(least < math.inf, least, 1.0)


OPERATIONS: dict[str, Callable[..., Array]] = {
    "negate": lambda xp, a: -a,
    "add": lambda xp, a, b: a + b,
    "subtract": lambda xp, a, b: a - b,
    "multiply": lambda xp, a, b: a * b,
    "divide": lambda xp, a, b: a / b,
    "ln": lambda xp, a: xp.log(a),
    "exp": lambda xp, a: xp.exp(a),
    "sqrt": _root,
    "ln_cosh": _ln_cosh,
    "at_least_zero": _at_least_zero,
    "select": lambda xp, a, b, c: xp.where(a > 0, b, c),
    "total": lambda xp, a: xp.sum(a, -1, keepdims=True),
    "least": _least,
}
"""Those of which all operands are values."""
