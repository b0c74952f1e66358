"""The options of a Lovász loss, and the text of them that the engine reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from . import _core, _options
from ._choices import ABSENT, POOL, REDUCTION, Absent, Pool, Reduction
from ._terms import ClassWeights

Kind: TypeAlias = Literal["hinge", "softmax", "probabilities"]


class Options(NamedTuple):
    """Read from a text."""

    kind: Kind
    pooled: bool
    absent: Absent
    background: bool
    classes: list[int] | None
    class_weights: list[float] | None
    reduction: Reduction

    def weights(self, classes: int) -> list[float]:
        """Of each class, 0 where it takes no part."""
        weights = list(self.class_weights or [1.0] * classes)
        for k in range(classes):
            is_dropped = k == 0 and classes > 1 and not self.background
            if is_dropped or (self.classes is not None and k not in self.classes):
                weights[k] = 0.0
        return weights


def activation(what: str, value: str) -> Kind:
    """What makes probabilities."""
    kind: Kind = _options.one_of("softmax", "probabilities")(what, value)
    return kind


def spec(
    kind: Kind,
    *,
    pool: Pool | None,
    absent: Absent | None,
    background: bool | None,
    classes: Sequence[int] | None,
    class_weights: ClassWeights | None,
    reduction: Reduction,
) -> str:
    """The text. Raises ValueError or TypeError for what is wrong whatever the number of classes."""
    optional = _options.optional
    background = optional(_options.flag, "background", background)
    classes = optional(_options.integers, "classes", classes)
    weights = None
    if class_weights is not None:
        weights = _options.class_weights(
            "class_weights", class_weights, background=background, classes=classes
        )
    settings = {
        "lovasz": kind,
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
    _core.check_lovasz(text, max(2, least) if weights is None else len(weights))
    return text


@lru_cache(maxsize=256)
def read(text: str) -> Options:
    """From a text."""
    given = json.loads(text)
    kind = given["lovasz"]
    return Options(
        kind,
        given.get("pool") == "batch",
        given.get("absent", "formula" if kind == "hinge" else "skip"),
        given.get("background", True),
        given.get("classes"),
        given.get("class_weights"),
        given["reduction"],
    )
