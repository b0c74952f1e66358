"""What one sweep over the voxels leaves: sums that add up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from ._arrays import Array
from .metrics import Counts

__all__ = ["Moments"]

#: Of pickled moments; what was pickled under another is not read.
_VERSION = 1


class Moments:
    """The sums of a batch, for each sample and class: all that a loss ever sees of the voxels.

    A value: it never changes, compares with `==`, and pickles. It adds up, so that a loss over much
    data needs no more memory than a batch:

    - `a.append(b)`: the samples of another batch, for losses of each sample;
    - `a.pooled()`: the samples added up, all that a loss over the batch needs;
    - `a.pooled() + b.pooled()`: pooled sums of several batches or processes. `sum(...)` works too.

    What they are is said by their `integrands`, not by the objective that measured them: any other
    with the same sums can evaluate them, whatever its weights, pool and reduction. Moments of other
    sums do not mix: a ValueError.
    """

    __slots__ = ("_integrands", "_is_pooled", "_sums", "_valid")

    def __init__(
        self,
        integrands: Sequence[str],
        sums: Array,
        class_valid: Array,
        is_pooled: bool = False,
    ) -> None:
        self._integrands = tuple(integrands)
        self._sums = _frozen(sums, np.float64)
        self._valid = _frozen(class_valid, np.bool_)
        self._is_pooled = bool(is_pooled)
        rows, classes = self._valid.shape
        wanted = (rows, len(self._integrands), classes)
        if self._sums.shape != wanted:
            raise ValueError(f"sums: found shape {self._sums.shape}, wanted {wanted}")
        if self._is_pooled and rows != 1:
            raise ValueError(f"pooled moments: found {rows} rows, wanted 1")

    @property
    def integrands(self) -> tuple[str, ...]:
        """What each of the K sums is, with its parameters, as JSON."""
        return self._integrands

    @property
    def sums(self) -> Array:
        """(rows, K, C) in float64, read-only; `names` says what each of the K is."""
        return self._sums

    @property
    def class_valid(self) -> Array:
        """(rows, C): which classes were annotated."""
        return self._valid

    @property
    def is_pooled(self) -> bool:
        """Whether the samples have been added up."""
        return self._is_pooled

    @property
    def rows(self) -> int:
        """Samples, or 1 after pooling."""
        return int(self._sums.shape[0])

    @property
    def classes(self) -> int:
        """Classes."""
        return int(self._sums.shape[2])

    @property
    def names(self) -> tuple[str, ...]:
        """What each of the K sums is, "softmax.intersection" for one that has an activation.

        With Σ over the voxels that count, each times its weight: reference Σg, reference_squared
        Σg², voxels Σ1, intersection Σpg, prediction Σp, prediction_squared Σp², difference
        Σ|p − g|, magnitude Σ|p|, transport, sensitivity_error Σg(p − g)², specificity_error
        Σ(1 − g)(p − g)², squared_error Σ(p − g)², and the sums of the log losses.
        """
        return tuple(map(_name, self._integrands))

    def __getitem__(self, name: str) -> Array:
        """(rows, C): one of the sums, by its name with or without the activation."""
        names = self.names
        for column, full in enumerate(names):
            if name in (full, full.rpartition(".")[2]):
                return self._sums[:, column]
        raise KeyError(f"found {name!r}, wanted one of {', '.join(names)}")

    def counts(self) -> Counts:
        """The hard counts of each (row, class), for objectives with a `decision`.

        True negatives are not among them: voxel weights enter no count. Raises ValueError for an
        objective without decision.
        """
        wanted = ("true_positives", "false_positives", "false_negatives")
        names = [name.rpartition(".")[2] for name in self.names]
        if wanted[0] not in names:
            raise ValueError("counts: found an objective without decision, wanted one with")
        return Counts(*(self._sums[:, names.index(name)].astype(np.int64) for name in wanted))

    def pooled(self) -> Moments:
        """The samples added up into one row."""
        sums = self._sums.sum(axis=0, keepdims=True)
        valid: Array = np.any(self._valid, axis=0, keepdims=True)
        return Moments(self._integrands, sums, valid, is_pooled=True)

    def append(self, other: Moments) -> Moments:
        """With the samples of another batch as further rows."""
        self._expect_alike(other)
        if self._is_pooled or other._is_pooled:
            raise ValueError(
                "append: found pooled moments, wanted moments that still have their samples; "
                "+ adds pooled ones"
            )
        sums = np.concatenate([self._sums, other._sums])
        return Moments(self._integrands, sums, np.concatenate([self._valid, other._valid]))

    def __add__(self, other: object) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        self._expect_alike(other)
        if not (self._is_pooled and other._is_pooled):
            raise ValueError(
                f"+: found moments of {self.rows} and {other.rows} samples, wanted pooled moments; "
                "append adds samples"
            )
        sums, valid = self._sums + other._sums, self._valid | other._valid
        return Moments(self._integrands, sums, valid, is_pooled=True)

    def __radd__(self, other: object) -> Moments:
        return self if other == 0 and not isinstance(other, Moments) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moments):
            return NotImplemented
        return (
            self._integrands == other._integrands
            and self._is_pooled == other._is_pooled
            and np.array_equal(self._sums, other._sums, equal_nan=True)
            and np.array_equal(self._valid, other._valid)
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (self._integrands, self._sums, self._valid, self._is_pooled)
        return (_unpickled, (_VERSION, *parts))

    def __repr__(self) -> str:
        pooled = ", pooled" if self._is_pooled else ""
        return f"Moments({self.rows} × {self.classes}: {', '.join(self.names)}{pooled})"

    def _expect_alike(self, other: Moments) -> None:
        expect_sums("moments", other._integrands, self._integrands)
        if self.classes != other.classes:
            raise ValueError(
                f"found moments of {other.classes} classes, wanted {self.classes} classes"
            )


def expect_sums(what: str, found: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    """Raises ValueError at the first sum that is not the one wanted."""
    for index, pair in enumerate(zip_longest(found, wanted)):
        if pair[0] != pair[1]:
            names = ["none" if text is None else _name(text) for text in pair]
            # Of one name, the parameters differ.
            of_found, of_wanted = pair if names[0] == names[1] else names
            raise ValueError(f"sum {index} of the {what}: found {of_found}, wanted {of_wanted}")


def _name(integrand: str) -> str:
    of = json.loads(integrand)
    return ".".join([*filter(None, [of.get("activation")]), of["sum"]])


def _unpickled(version: int, *parts: Any) -> Moments:
    if version != _VERSION:
        raise ValueError(f"version of the moments: found {version}, wanted {_VERSION}")
    return Moments(*parts)


def _frozen(array: Array, dtype: Any) -> Array:
    copy = np.array(array, dtype=dtype, order="C")
    copy.setflags(write=False)
    return copy
