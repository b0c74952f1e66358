"""What the generated terms and compounds are made of."""

from __future__ import annotations

import dataclasses
import functools
import json
import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from . import _core, _options
from ._choices import ABSENT, ACTIVATION, POOL, Absent, Activation, Pool
from ._options import BackgroundForeground

Smoothing: TypeAlias = float | tuple[float, float]
"""Added to numerator and denominator: one number for both, or a pair."""
ClassValues: TypeAlias = float | Sequence[float] | Mapping[int, float] | BackgroundForeground
"""One value for all classes, one for each, or one for the background and one for the rest.

One for each is a sequence, an array, or a mapping by class."""
ClassWeights: TypeAlias = Sequence[float] | Mapping[int, float]
"""One for each class: a sequence, an array, or a mapping by class.

A mapping names every class that takes part; the others weigh 1."""
Regions: TypeAlias = Sequence[Sequence[int]] | Mapping[int, Sequence[int]]
"""The channels that each label belongs to: a row for each of 0, 1, …, or a mapping by label.

Labels up to the largest that a mapping does not name belong to none."""

FLAG = {"convert": _options.flag}
NUMBER = {"convert": _options.number}
COUNT = {"convert": _options.count}
CLASS_WEIGHTS = {"convert": _options.class_weights}
INDICES = {"convert": _options.integers}
SPACING = {"convert": _options.numbers}
NAME = {"convert": _options.text}
SMOOTHING = {"convert": _options.smoothing}
CLASS_VALUES = {"convert": _options.class_values}
DISTANCES = {"convert": _options.matrix}


LOSSES: dict[str, Any] = {}
"""Every term and compound by the name in the catalogue."""


class Options:
    """Keyword-only options that are made plain on construction and shown where they are set."""

    loss: ClassVar[str]
    """The name in the catalogue."""
    short: ClassVar[str]
    """The name in Keras and, with "Loss" behind it, in torch."""
    activations: ClassVar[tuple[Activation, ...]]
    """Those that it can be used with, the usual one first."""
    unreduced: ClassVar[str]
    """The shape of its values for reduction "none"."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "loss" in vars(cls):
            LOSSES[cls.loss] = cls

    def __post_init__(self) -> None:
        values = vars(self)
        for name, convert, default, plain in _options_of(type(self)):  # type: ignore[arg-type]
            value = values[name]
            if value is default:
                values[name] = plain
            elif convert is _options.class_weights:
                what = f"{type(self).__name__}: {name}"
                values[name] = convert(what, value, **self._taking_part())
            else:
                values[name] = convert(f"{type(self).__name__}: {name}", value)

    def _taking_part(self) -> dict[str, Any]:
        """What says which classes take part, of what is set before the weights."""
        return {name: getattr(self, name, None) for name in ("background", "classes")}

    def __repr__(self) -> str:
        defaults, own = type(self)(), type(self).__annotations__
        names = [entry.name for entry in dataclasses.fields(self)]  # type: ignore[arg-type]
        names.sort(key=lambda name: name not in own)
        options = [
            f"{name}={getattr(self, name)!r}"
            for name in names
            if getattr(self, name) != getattr(defaults, name)
        ]
        return f"{type(self).__name__}({', '.join(options)})"


@functools.cache
def _options_of(options: type[Options]) -> list[tuple[str, Callable[..., Any], Any, Any]]:
    """Of each option its name, what makes it plain, its default, and that made plain."""
    found = []
    for entry in dataclasses.fields(options):  # type: ignore[arg-type]
        convert, default = entry.metadata["convert"], entry.default
        plain = None if default is None else convert(entry.name, default)
        found.append((entry.name, convert, default, plain))
    return found


def has_option(options: Options, name: str) -> bool:
    """Whether one of its options is called so."""
    return any(name == known for known, *_ in _options_of(type(options)))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, repr=False)
class Term(Options):
    """One loss within an objective.

    Args:
        activation: softmax, sigmoid or probabilities (the input as it is).
        background: whether class 0 takes part; with one channel it always does. Under softmax its
            logit is part of the activation either way.
        classes: only these classes take part.
        class_weights: one for each class, not negative; they normalise the mean over classes. A
            mapping by class may leave out what takes no part.
        map: the name of the map that weighs the voxels in every sum of the loss. A loss that wants
            a map has a name for it, any other has none.
    """

    activation: Activation | None = field(default=None, metadata=ACTIVATION)
    background: bool | None = field(default=None, metadata=FLAG)
    classes: Sequence[int] | None = field(default=None, metadata=INDICES)
    class_weights: ClassWeights | None = field(default=None, metadata=CLASS_WEIGHTS)
    map: str | None = field(default=None, metadata=NAME)


@dataclass(frozen=True, kw_only=True, repr=False)
class OverlapTerm(Term):
    """A loss of a few sums for each class: Dice and its family.

    Args:
        pool: what it is computed over: "sample", "batch" or "all".
        absent: what a class counts that the reference lacks: "skip", "formula" or "zero".
    """

    unreduced: ClassVar[str] = "(N, C), or what pooling leaves of it"
    pool: Pool | None = field(default=None, metadata=POOL)
    absent: Absent | None = field(default=None, metadata=ABSENT)


@dataclass(frozen=True, kw_only=True, repr=False)
class VoxelTerm(Term):
    """A mean over the voxels of a function of each voxel's own probabilities.

    Keeps the background unless the term itself drops it.
    """


@dataclass(frozen=True, kw_only=True, repr=False)
class Compound(Options):
    """A weighted sum of terms.

    Args:
        activation: of its terms.
        background: whether class 0 takes part in the overlap term.
        class_weights: one for each class, of all its terms, which a mapping by class may be too;
            without `background` it may leave out class 0, which then weighs 1.
        pool: what the overlap term is computed over.
        absent: what a class counts that the reference lacks.
    """

    activation: Activation | None = field(default=None, metadata=ACTIVATION)
    background: bool | None = field(default=None, metadata=FLAG)
    class_weights: ClassWeights | None = field(default=None, metadata=CLASS_WEIGHTS)
    pool: Pool | None = field(default=None, metadata=POOL)
    absent: Absent | None = field(default=None, metadata=ABSENT)

    def terms(self, activation: Activation | None = None) -> list[tuple[float, Term]]:
        """The weighted terms that it stands for, under its own activation or else this one.

        Raises ValueError for options out of range, and if there is no activation, or one that it
        cannot be used with.
        """
        activation = _options.optional(ACTIVATION["convert"], "activation", activation)
        objective = {"terms": [given(described(self))], "activation": activation}
        text = _core.spec(json.dumps(objective, allow_nan=False))
        return [(weight, _term(found)) for weight, found in json.loads(text)["terms"]]


def described(term: Term | Compound) -> dict[str, Any]:
    """A term as plain data, under the engine's names: that of its loss, and every option."""
    options = {
        # Python's keywords have an underscore behind them.
        entry.name.rstrip("_"): getattr(term, entry.name)
        for entry in dataclasses.fields(term)
    }
    return {"loss": term.loss} | {
        name: value._asdict() if isinstance(value, BackgroundForeground) else value
        for name, value in options.items()
    }


def given(described: dict[str, Any]) -> dict[str, Any]:
    """What is said."""
    return {name: value for name, value in described.items() if value is not None}


def _term(described: dict[str, Any]) -> Term:
    options = {
        f"{name}_" if keyword.iskeyword(name) else name: value
        for name, value in described.items()
        if name != "loss"
    }
    made: Term = LOSSES[described["loss"]](**options)
    return made
