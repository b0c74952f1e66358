"""From terms and settings to the text that the engine reads.

The engine takes compounds apart, fills in what is left open and checks; equal objectives give equal
text.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, Literal, TypeAlias

from . import _core, _options
from ._choices import ABSENT, ACTIVATION, POOL, REDUCTION, Absent, Activation, Pool
from ._choices import Reduction as Reduction
from ._terms import LOSSES, ClassWeights, Compound, Term, described, given, has_option

Decision: TypeAlias = Literal["argmax"] | float
WeightedTerm: TypeAlias = Term | Compound | tuple[float, Term | Compound]


def spec(
    weighted: Term | Compound | Iterable[WeightedTerm],
    *,
    activation: Activation | None = None,
    pool: Pool | None = None,
    absent: Absent | None = None,
    background: bool | None = None,
    class_weights: ClassWeights | None = None,
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
    optional = _options.optional
    background = optional(_options.flag, "background", background)
    weigh = functools.partial(_options.class_weights, background=background)
    settings = {
        "activation": optional(ACTIVATION["convert"], "activation", activation),
        "pool": optional(POOL["convert"], "pool", pool),
        "absent": optional(ABSENT["convert"], "absent", absent),
        "background": background,
        "class_weights": optional(weigh, "class_weights", class_weights),
    }
    objective: dict[str, Any] = given(settings) | {
        "terms": [
            (weight, given(described(term))) for weight, term in with_weights(listed(weighted))
        ],
        "reduction": REDUCTION["convert"]("reduction", reduction),
    }
    if decision is not None:
        objective["decision"] = _decision(decision)
    objective["sums"] = [_sum(entry, activation) for entry in _options.words("sums", sums)]
    return _core.spec(json.dumps(objective, allow_nan=False))


def listed(weighted: Term | Compound | Iterable[WeightedTerm]) -> tuple[WeightedTerm, ...]:
    """The terms one by one. Fails for what has them in no order, and for what has none."""
    if isinstance(weighted, (Term, Compound)):
        return (weighted,)
    if isinstance(weighted, (str, Mapping, Set)) or not isinstance(weighted, Iterable):
        raise TypeError(
            f"terms: found {_options.shown(weighted)}, wanted a term such as Dice(), or a sequence "
            "of terms and pairs (weight, term)"
        )
    return tuple(weighted)


def with_weights(entries: Iterable[WeightedTerm]) -> tuple[tuple[float, Term | Compound], ...]:
    """Terms with their weights, 1 where none is given."""
    return tuple(
        (1.0, entry) if isinstance(entry, (Term, Compound)) else _split(entry) for entry in entries
    )


def refuse_option_of_terms(name: str, entries: Iterable[WeightedTerm]) -> None:
    """Fails for an option that is set on a sum, but is one of its terms' own."""
    for _, term in with_weights(entries):
        if has_option(term, name):
            raise AttributeError(
                f"{name}: found an option of {type(term).__name__}, which is one of the terms; "
                f"wanted `terms` set anew, with {type(term).__name__}({name}=…)"
            )


def other_terms(loss: str) -> str:
    """What is wrong with new terms of a loss with a name of its own."""
    return (
        f"terms: found others of a {loss}, wanted its options one by one, or a SegmentationLoss of "
        "the terms"
    )


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


def check_activation(
    loss: Term | Compound, activation: Activation, named: Callable[[type[Term | Compound]], str]
) -> None:
    """Fails under an activation that a loss does not have; says what it is called there."""
    if activation in loss.activations:
        return
    other = _counterpart(type(loss), activation)
    wanted = " or ".join(map(repr, loss.activations))
    if other is not None:
        wanted += f"; under {activation} that is {named(other)}"
    raise ValueError(f"{named(type(loss))}: activation: found {activation!r}, wanted {wanted}")


def lack_of_channels(
    loss: Term | Compound, activation: Activation, named: Callable[[type[Term | Compound]], str]
) -> str | None:
    """What is wrong with one channel; None if nothing is."""
    if activation != "softmax":
        return None
    wanted = "2 channels or more"
    other = _counterpart(type(loss), "sigmoid")
    if "sigmoid" in loss.activations:
        wanted += "; for one channel use sigmoid"
    elif other is not None:
        wanted += f"; for one channel use {named(other)}"
    return f"{named(type(loss))}: softmax: found 1 channel, wanted {wanted}"


def _counterpart(
    loss: type[Term | Compound], activation: Activation
) -> type[Term | Compound] | None:
    """Cross-entropy is one loss over exclusive classes and another of each channel by itself: what
    is under this activation what the one given is under others."""
    words = ("binary_cross_entropy", "cross_entropy")
    found, wanted = words if words[0] in loss.loss else words[::-1]
    other = LOSSES.get(loss.loss.replace(found, wanted))
    return other if other not in (None, loss) and activation in other.activations else None


def _decision(value: Any, what: str = "decision") -> str | float:
    if isinstance(value, str):
        if value != "argmax":
            raise ValueError(f"{what}: found {value!r}, wanted 'argmax' or a threshold")
        return "argmax"
    return _options.number(what, value)


def _sum(entry: str | Mapping[str, Any], activation: Activation | None) -> dict[str, Any]:
    """A sum with its parameters, as `_core.integrands` has them."""
    given: dict[str, Any] = {"sum": entry}
    if isinstance(entry, Mapping):
        given = {name: _parameter(name, value) for name, value in entry.items()}
    known = _activations_of_sums()
    if given.get("sum") not in tuple(known):
        found = _options.shown(given.get("sum"))
        raise ValueError(f"sums: found {found}, wanted some of {', '.join(known)}")
    if known[given["sum"]] and activation is not None:
        given.setdefault("activation", activation)
    return given


def _parameter(name: str, value: Any) -> Any:
    """A parameter of a sum, made plain."""
    what = f"sums: {name}"
    match name:
        case "gamma":
            return _options.numbers(what, value)
        case "distances":
            return _options.matrix(what, value)
        case "decision":
            return _decision(value, what)
        case _:
            return value


@functools.cache
def _activations_of_sums() -> dict[str, list[str]]:
    """Of every sum, those that the engine sums it up under; none for what is data."""
    return dict(_core.sums())


def _split(entry: Any) -> tuple[float, Term | Compound]:
    if not (isinstance(entry, (tuple, list)) and len(entry) == 2):
        found = _options.shown(entry)
        raise TypeError(f"terms: found {found}, wanted a term or a pair (weight, term)")
    weight, term = entry
    if not isinstance(term, (Term, Compound)):
        raise TypeError(f"terms: found {_options.shown(term)}, wanted a term such as Dice()")
    return _options.number(f"weight of {type(term).__name__}", weight), term
