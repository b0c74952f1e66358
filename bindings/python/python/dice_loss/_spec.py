"""From terms and settings to the text that the engine reads.

The engine takes compounds apart, fills in what is left open and checks; equal objectives give equal
text.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import keyword
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from . import _core, _options, compounds, terms
from .compounds import Compound
from .terms import Absent, Activation, Pool, Term
from .terms import Reduction as Reduction

Decision: TypeAlias = Literal["argmax"] | float
WeightedTerm: TypeAlias = Term | Compound | tuple[float, Term | Compound]

_LOSSES: dict[str, type[Term] | type[Compound]] = {
    loss.loss: loss
    for module in (terms, compounds)
    for loss in map(vars(module).get, module.__all__)
    if isinstance(loss, type) and hasattr(loss, "loss")
}


def spec(
    weighted: Term | Compound | Iterable[WeightedTerm],
    *,
    activation: Activation | None = None,
    pool: Pool | None = None,
    absent: Absent | None = None,
    background: bool | None = None,
    class_weights: Sequence[float] | None = None,
    reduction: Reduction = "mean",
    decision: Decision | None = None,
    sums: Iterable[str | Mapping[str, Any]] = (),
) -> str:
    """The text of an objective: a term, or terms with their weights (1 where none is given).

    `activation`, `pool`, `absent`, `background` and `class_weights` are those of the terms that do
    not say; pool, absent and background of overlap terms only. `sums` are measured whatever the
    terms need: names, under `activation`, or `{"sum": "focal", "gamma": [2.0, 2.0], …}`. Raises
    ValueError or TypeError for what is wrong whatever the number of classes.
    """
    defaults = terms.OverlapTerm(
        activation=activation,
        pool=pool,
        absent=absent,
        background=background,
        class_weights=class_weights,
    )
    if isinstance(weighted, (Term, Compound)):
        weighted = [weighted]
    settings = {entry.name: getattr(defaults, entry.name) for entry in dataclasses.fields(defaults)}
    objective: dict[str, Any] = _given(settings) | {
        "terms": [_pair(entry) for entry in weighted],
        "reduction": _options.one_of("mean", "sum", "none")("reduction", reduction),
    }
    if decision is not None:
        is_word = decision == "argmax"
        objective["decision"] = decision if is_word else _options.number("decision", decision)
    objective["sums"] = [_sum(entry, activation) for entry in listed(sums)]
    return _core.spec(json.dumps(objective, allow_nan=False))


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


def expanded(loss: Term | Compound, activation: Activation | None) -> list[tuple[float, Term]]:
    """The weighted terms that a loss stands for, everything filled in."""
    found = json.loads(spec(loss, activation=activation))["terms"]
    return [(weight, _term(described)) for weight, described in found]


def listed(sums: Iterable[str | Mapping[str, Any]]) -> tuple[str | dict[str, Any], ...]:
    """Sums as they are given, in copies."""
    if isinstance(sums, str) or not isinstance(sums, Iterable):
        raise TypeError(f"sums: found {sums!r}, wanted a sequence of names or mappings")
    return tuple(dict(entry) if isinstance(entry, Mapping) else entry for entry in sums)


def _sum(entry: str | Mapping[str, Any], activation: Activation | None) -> dict[str, Any]:
    """A sum with its parameters, as `_core.integrands` has them."""
    if not isinstance(entry, (str, Mapping)):
        raise TypeError(f"sums: found {entry!r}, wanted a name or a mapping with the key 'sum'")
    given: dict[str, Any] = {"sum": entry} if isinstance(entry, str) else dict(entry)
    known, name = _activations_of_sums(), given.get("sum")
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"sums: found {name!r}, wanted some of {', '.join(known)}")
    for key, convert in (("gamma", _options.numbers), ("distances", _options.matrix)):
        if given.get(key) is not None:
            given[key] = convert(f"sums: {name}: {key}", given[key])
    if known[given["sum"]] and activation is not None:
        given.setdefault("activation", activation)
    return given


@functools.cache
def _activations_of_sums() -> dict[str, list[str]]:
    """Of every sum, those that the engine sums it up under; none for what is data."""
    return dict(_core.sums())


def _term(described: dict[str, Any]) -> Term:
    options = {
        f"{name}_" if keyword.iskeyword(name) else name: (
            _options.BackgroundForeground(**value) if isinstance(value, dict) else value
        )
        for name, value in described.items()
        if name != "loss"
    }
    term: Any = _LOSSES[described["loss"]]
    made: Term = term(**options)
    return made


def _pair(entry: Any) -> tuple[float, dict[str, Any]]:
    """The weight of a term, and the term by the engine's names."""
    weight, term = (1.0, entry) if isinstance(entry, (Term, Compound)) else _split(entry)
    return weight, _given(terms.described(term))


def _split(entry: Any) -> tuple[float, Term | Compound]:
    if not (isinstance(entry, (tuple, list)) and len(entry) == 2):
        raise TypeError(f"terms: found {entry!r}, wanted a term or a pair (weight, term)")
    weight, term = entry
    if not isinstance(term, (Term, Compound)):
        raise TypeError(f"terms: found {term!r}, wanted a term such as Dice()")
    return _options.number(f"weight of {type(term).__name__}", weight), term


def _given(described: dict[str, Any]) -> dict[str, Any]:
    """What is said."""
    return {name: value for name, value in described.items() if value is not None}
