"""Losses beside the objective: their options, and the text of them that the engine reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from . import _core, _options
from ._choices import ABSENT, ACTIVATION, POOL, REDUCTION, Absent, Activation, Pool, Reduction
from ._terms import ClassWeights, Smoothing
from ._tracing import constant_in_graphs

#: What makes the probabilities that Lovász-softmax ranks.
RankedActivation: TypeAlias = Literal["softmax", "probabilities"]


class Direct(NamedTuple):
    """What a text says. Hashable, but for its own options."""

    loss: str
    #: Whether each class has one value over the batch, and not one in each sample.
    pooled: bool
    #: None for what the loss does by default.
    absent: Absent | None
    background: bool
    classes: tuple[int, ...] | None
    class_weights: tuple[float, ...] | None
    reduction: Reduction
    #: What it has beside these, as far as it was said.
    own: Mapping[str, Any] = MappingProxyType({})
    #: Whether everything has one value: all classes, over the batch.
    whole: bool = False

    def weights(self, classes: int) -> list[float]:
        """Of each class, 0 where it takes no part."""
        weights = list(self.class_weights or [1.0] * classes)
        for k in range(classes):
            is_dropped = k == 0 and classes > 1 and not self.background
            if is_dropped or (self.classes is not None and k not in self.classes):
                weights[k] = 0.0
        return weights

    def shape(self, samples: int, classes: int) -> tuple[int, ...]:
        """Of the loss, or for reduction "none" of its values."""
        if self.reduction != "none" or self.whole:
            return ()
        return (classes,) if self.pooled else (samples, classes)


def spec(
    loss: str,
    *,
    pool: Pool | None = None,
    absent: Absent | None = None,
    background: bool | None = None,
    classes: Sequence[int] | None = None,
    class_weights: ClassWeights | None = None,
    reduction: Reduction = "mean",
    own: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """The text of a loss of this name; `own` are the options that it has beside those of all.

    Raises ValueError or TypeError for what is wrong whatever the number of classes.
    """
    optional = _options.optional
    background = optional(_options.flag, "background", background)
    classes = optional(_options.integers, "classes", classes)
    weights = None
    if class_weights is not None:
        weights = _options.class_weights(
            "class_weights", class_weights, background=background, classes=classes
        )
    settings = {
        "loss": loss,
        **own,
        "pool": optional(POOL["convert"], "pool", pool),
        "absent": optional(ABSENT["convert"], "absent", absent),
        "background": background,
        "classes": classes,
        "class_weights": weights,
        "reduction": REDUCTION["convert"]("reduction", reduction),
    }
    text = json.dumps({name: value for name, value in settings.items() if value is not None})
    # Of the fewest classes that it can be for: what is wrong then is wrong for any number.
    least = 1 + max(classes, default=0) if classes is not None else 1
    _core.check_direct(text, max(2, least) if weights is None else len(weights))
    return text


@constant_in_graphs
def check(text: str, classes: int) -> None:
    """Fails for options that are wrong for so many classes."""
    _core.check_direct(text, classes)


@constant_in_graphs
def read(text: str) -> Direct:
    """From a text."""
    return _cached(text)


@lru_cache(maxsize=256)
def _cached(text: str) -> Direct:
    given = json.loads(text)
    classes, weights = given.pop("classes", None), given.pop("class_weights", None)
    pool = given.pop("pool", None)
    return Direct(
        given.pop("loss"),
        pool == "batch",
        given.pop("absent", None),
        given.pop("background", True),
        None if classes is None else tuple(classes),
        None if weights is None else tuple(weights),
        given.pop("reduction", "mean"),
        MappingProxyType(given),
        pool == "all",
    )


def expect_alone(name: str, option: str, value: Any) -> None:
    """Fails for an option that would compute one loss over several processes or devices."""
    if value is not None:
        raise TypeError(
            f"{name}: found {option} {value!r}, wanted the arrays of one device and one batch: the "
            "loss is no function of sums that add up over devices"
        )


def ranked_activation(value: str) -> dict[str, str]:
    """That of Lovász-softmax, as an option of its own."""
    return {"activation": _options.one_of("softmax", "probabilities")("activation", value)}


def centerline(
    activation: Activation,
    *,
    iterations: int,
    smoothing: Smoothing,
    epsilon: float,
    alpha: float,
) -> dict[str, Any]:
    """The options of clDice that are its own."""
    return {
        "activation": ACTIVATION["convert"]("activation", activation),
        "iterations": _options.integer("iterations", iterations),
        "smoothing": _options.smoothing("smoothing", smoothing),
        "epsilon": _options.number("epsilon", epsilon),
        "alpha": _options.number("alpha", alpha),
    }
