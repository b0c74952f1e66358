"""What the plain losses need of an array framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

Array: TypeAlias = Any
"""An array of the framework: with arithmetic, comparisons, `&`, `|`, `~` and slices."""


class Namespace(Protocol):
    """A module (or object) of these functions; axes and defaults as in NumPy unless said here."""

    def constant(self, values: Sequence[float], like: Array) -> Array:
        """Numbers as a vector of the type, and on the device, of another array."""

    def arange(self, count: int, like: Array) -> Array:
        """0 … count − 1, integers, on the device of another array."""

    def cast(self, x: Array, like: Array) -> Array:
        """To the type of another array."""

    def equal(self, x: Array, y: Array) -> Array:
        """x = y, also of arrays of different types."""

    def is_number(self, x: Array, number: int) -> Array:
        """Where x is this integer, in its own type: what that does not have is nowhere."""

    def labels(self, x: Array) -> Array:
        """Numbers of classes as integers of one type; −1 for what is none, a fraction included."""

    def slack(self, x: Array) -> float:
        """How far outside [0, 1] values of the array's type count as 0 or 1."""

    def is_float64(self, x: Array) -> bool:
        """Whether the array is of that type."""

    def lowest(self, like: Array) -> float:
        """The smallest finite number of the array's type."""

    def total(self, x: Array, axis: int) -> Array:
        """The sum in float64, or the widest type that the framework has."""

    def wide(self, x: Array) -> Array:
        """In the type of `total`, truths as 0 and 1."""

    def running(self, x: Array) -> Array:
        """Of truths: how many there are up to each, along the last axis; integers."""

    def descending(self, x: Array) -> Array:
        """Where along the last axis the largest is, the next, …; of equal ones the first."""

    def gather(self, x: Array, places: Array) -> Array:
        """What is at these places along the last axis."""

    def settled(self, x: Array) -> Array:
        """The same numbers, computed once: a compiler may otherwise compute one where each reader
        is, and round it in several ways, so that it is not equal to itself."""

    def distinct(self, x: Array) -> Sequence[float]:
        """The values, each once, looked at; fails where they cannot be, as under a transform."""

    def argmax(self, x: Array, axis: int) -> Array:
        """With the axis kept, of size 1."""

    def reshape(self, x: Array, shape: tuple[int, ...]) -> Array: ...
    def expand_dims(self, x: Array, axis: int) -> Array: ...
    def swapaxes(self, x: Array, first: int, second: int) -> Array: ...
    def concatenate(self, arrays: Sequence[Array], axis: int) -> Array: ...
    def stack(self, arrays: Sequence[Array], axis: int) -> Array: ...
    def zeros_like(self, x: Array) -> Array: ...
    def ones_like(self, x: Array) -> Array: ...
    def where(self, condition: Array, x: Array | float, y: Array | float) -> Array: ...
    def sum(self, x: Array, axis: int | None = None, keepdims: bool = False) -> Array: ...
    def any(self, x: Array, axis: int | None = None) -> Array: ...
    def min(self, x: Array, axis: int, keepdims: bool = False) -> Array: ...
    def maximum(self, x: Array, y: float) -> Array: ...
    def minimum(self, x: Array, y: float) -> Array: ...
    def abs(self, x: Array) -> Array: ...
    def exp(self, x: Array) -> Array: ...
    def log(self, x: Array) -> Array: ...
    def log1p(self, x: Array) -> Array: ...
    def sqrt(self, x: Array) -> Array: ...
    def sigmoid(self, x: Array) -> Array: ...
    def log_sigmoid(self, x: Array) -> Array: ...
    def softmax(self, x: Array, axis: int) -> Array: ...
    def log_softmax(self, x: Array, axis: int) -> Array: ...
    def logsumexp(self, x: Array, axis: int) -> Array:
        """With the axis kept, of size 1."""

    def einsum(self, subscripts: str, x: Array, y: Array) -> Array: ...
    def stop_gradient(self, x: Array) -> Array: ...
