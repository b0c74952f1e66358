"""From terms and settings to the text that the engine reads.

Equal objectives give equal text: settings are filled in, keys sorted, numbers written as floats.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from . import _core, _options, terms
from .compounds import Compound
from .terms import Absent, Activation, Pool, Term

Reduction: TypeAlias = Literal["mean", "sum", "none"]
Decision: TypeAlias = Literal["argmax"] | float
WeightedTerm: TypeAlias = Term | Compound | tuple[float, Term | Compound]

_DATA_SUMS = ("reference", "reference_squared", "voxels")
_HARD_COUNTS = ("true_positives", "false_positives", "false_negatives")
_OVERLAP_SUMS = (
    "intersection",
    "prediction",
    "prediction_squared",
    "difference",
    "magnitude",
    "transport",
)
_LOG_SUMS = ("log_loss", "log_loss_of_all", "merged")
_BINARY_SUMS = ("positive", "negative")
_FOCAL_SUMS = ("focal", "focal_negative")
SUM_NAMES = (
    *_DATA_SUMS,
    *_HARD_COUNTS,
    *_OVERLAP_SUMS,
    *_LOG_SUMS,
    *_BINARY_SUMS,
    *_FOCAL_SUMS,
)
"""The sums that `spec_of_sums` can be asked for."""


def spec(
    weighted: Term | Compound | Iterable[WeightedTerm],
    *,
    activation: Activation | None = None,
    pool: Pool | None = None,
    absent: Absent | None = None,
    background: bool | None = None,
    reduction: Reduction = "mean",
    decision: Decision | None = None,
) -> str:
    """The text of an objective: a term, or terms with their weights (1 where none is given).

    `activation`, `pool`, `absent` and `background` are the defaults of the terms that do not say;
    the last three of overlap terms only. Raises ValueError or TypeError for what is wrong whatever
    the number of classes.
    """
    defaults = terms.OverlapTerm(
        activation=activation, pool=pool, absent=absent, background=background
    )
    resolved = [
        (weight, _described(term, defaults)) for weight, term in _expanded(weighted, activation)
    ]
    text = _written(resolved, reduction, decision)
    _core.check(text, _classes_at_least([term for _, term in resolved]))
    return text


def spec_of_sums(
    names: Sequence[str],
    *,
    activation: Activation,
    gamma: terms.ClassValues = 2.0,
    distances: Sequence[Sequence[float]] | None = None,
    decision: Decision | None = None,
) -> str:
    """The text of an objective that measures (at least) these sums; see `SUM_NAMES`.

    `gamma` belongs to the focal sums, `distances` to transport, `decision` to the hard counts.
    """
    for name in names:
        if name not in SUM_NAMES:
            raise ValueError(f"sums: found {name!r}, wanted some of {', '.join(SUM_NAMES)}")
    if decision is None and any(name in _HARD_COUNTS for name in names):
        raise ValueError("decision: found None, wanted 'argmax' or a threshold for hard counts")
    overlap: Any = sorted({name for name in names if name in _OVERLAP_SUMS})
    wanted: list[Term] = [terms.Sums(of=overlap, distances=distances, absent="formula")]
    if any(name in _LOG_SUMS for name in names):
        smoothed = "log_loss_of_all" in names
        wanted.append(terms.CrossEntropy(label_smoothing=0.5 if smoothed else 0.0))
    if any(name in _BINARY_SUMS for name in names):
        wanted.append(terms.BinaryCrossEntropy())
    if any(name in _FOCAL_SUMS for name in names):
        wanted.append(terms.Focal(gamma=gamma))
    return spec(wanted, activation=activation, reduction="sum", decision=decision)


@functools.lru_cache(maxsize=256)
def columns(text: str, classes: int, names: tuple[str, ...]) -> tuple[int, ...]:
    """Where in the K moments of an objective each of these sums is, of the first activation."""
    found = [json.loads(integrand)["sum"] for integrand in _core.integrands(text, classes)]
    for name in names:
        if name not in found:
            raise ValueError(f"sums: found {name!r}, wanted some of {', '.join(found)}")
    return tuple(found.index(name) for name in names)


def has_map(text: str) -> bool:
    """Whether the value is a map of voxel losses: reduction none of voxel terms."""
    objective = json.loads(text)
    return objective["reduction"] == "none" and any(
        "pool" not in term for _, term in objective["terms"]
    )


def with_class_weights(entry: Any, class_weights: Sequence[float] | None) -> Any:
    """A term, alone or with its weight, with class weights where it has none of its own."""
    if class_weights is None:
        return entry
    if isinstance(entry, tuple):
        return (entry[0], with_class_weights(entry[1], class_weights))
    if entry.class_weights is not None:
        return entry
    return dataclasses.replace(entry, class_weights=tuple(class_weights))


def _expanded(
    weighted: Term | Compound | Iterable[WeightedTerm], activation: Activation | None
) -> list[tuple[float, Term]]:
    """Compounds taken apart."""
    if isinstance(weighted, (Term, Compound)):
        weighted = [weighted]
    expanded: list[tuple[float, Term]] = []
    for entry in weighted:
        weight, term = (1.0, entry) if isinstance(entry, (Term, Compound)) else _pair(entry)
        if isinstance(term, Compound):
            expanded += [(weight * share, part) for share, part in term.terms(activation)]
        else:
            expanded.append((weight, term))
    return expanded


def _pair(entry: Any) -> tuple[float, Term | Compound]:
    if not (isinstance(entry, (tuple, list)) and len(entry) == 2):
        raise TypeError(f"terms: found {entry!r}, wanted a term or a pair (weight, term)")
    weight, term = entry
    if not isinstance(term, (Term, Compound)):
        raise TypeError(f"terms: found {term!r}, wanted a term such as Dice()")
    return _options.number(f"weight of {type(term).__name__}", weight), term


def _described(term: Term, defaults: terms.OverlapTerm) -> dict[str, Any]:
    plain = terms.described(term)
    fill = ["activation"]
    if isinstance(term, terms.OverlapTerm):
        fill += ["pool", "absent", "background"]
    for name in fill:
        if plain[name] is None:
            plain[name] = getattr(defaults, name)
    if plain["activation"] is None:
        raise ValueError(
            f"{type(term).__name__}: found no activation, wanted 'softmax', 'sigmoid' or "
            "'probabilities', of the term or of the whole"
        )
    for name, fallback in (("pool", "sample"), ("absent", "skip")):
        if name in plain and plain[name] is None:
            plain[name] = fallback
    for name, value in plain.items():
        if isinstance(value, _options.BackgroundForeground):
            plain[name] = value._asdict()
    return plain


def _written(resolved: list[tuple[float, dict[str, Any]]], reduction: Any, decision: Any) -> str:
    reduction = _options.one_of("mean", "sum", "none")("reduction", reduction)
    if decision is not None and decision != "argmax":
        decision = _options.number("decision", decision)
    objective = {"terms": resolved, "reduction": reduction, "decision": decision}
    return json.dumps(objective, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _classes_at_least(described: list[dict[str, Any]]) -> int:
    """A number of classes for which only what is wrong in any case is wrong."""
    per_class = ("class_weights", "gamma", "alpha", "pos_weight", "distances")
    for term in described:
        for name in per_class:
            if isinstance(term.get(name), tuple):
                return len(term[name])
    return max([2] + [1 + max(term["classes"], default=0) for term in described if term["classes"]])
