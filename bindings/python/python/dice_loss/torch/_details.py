"""What the sweep of a loss knows beside the loss: for logging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .. import _spec, terms
from ._evaluation import Moments, evaluate, integrands, objective, soft_dice
from ._tracing import classes_of

_COUNTS = ("true_positives", "false_positives", "false_negatives")


class LossDetails(NamedTuple):
    """Of one batch, without gradient; NaN where there is nothing to say."""

    #: (T): the loss of each term, not weighted. A compound counts as its terms.
    terms: Tensor
    #: (T, C): the loss of each class under each term; NaN for losses that couple the classes.
    per_class: Tensor
    #: (C): 2Σpg / (Σp + Σg) under the first term's activation, a mean over the samples that have
    #: the class.
    soft_dice: Tensor
    #: (C): 2TP / (2TP + FP + FN) of the hard decisions, over the whole batch.
    hard_dice: Tensor
    #: (C, 3): true positives, false positives and false negatives, in voxels, whatever their
    #: weights. Under softmax the decision is the class with the largest logit, otherwise p ≥ ½.
    counts: Tensor

    @property
    def hard_iou(self) -> Tensor:
        """(C): TP / (TP + FP + FN) of the hard decisions, over the whole batch."""
        return self.counts[:, 0] / self.counts.sum(1)

    @property
    def precision(self) -> Tensor:
        """(C): TP / (TP + FP), likewise."""
        return self.counts[:, 0] / (self.counts[:, 0] + self.counts[:, 1])

    @property
    def recall(self) -> Tensor:
        """(C): TP / (TP + FN), likewise."""
        return self.counts[:, 0] / (self.counts[:, 0] + self.counts[:, 2])


def with_counts(weighted: Sequence[Any], settings: dict[str, Any], reduction: str) -> str:
    """The spec that also measures what the details need, without a change to the loss."""
    plain = _spec.spec(weighted, **settings)
    whole = objective(plain)
    if not whole.terms:
        return plain
    first = whole.terms[0]
    decision = "argmax" if first.activation == "softmax" else 0.5
    dice = terms.Dice(activation=first.activation, pool="batch")  # type: ignore[arg-type]
    reduction = "mean" if reduction == "none" else reduction
    return _spec.spec(
        [*weighted, (0.0, dice)],
        reduction=reduction,  # type: ignore[arg-type]
        decision=decision,  # type: ignore[arg-type]
        **settings,
    )


def details_of(
    moments: Tensor, class_valid: Tensor | None, spec: str, class_weights: Tensor | None = None
) -> LossDetails:
    """What the moments of `with_counts` say."""
    whole = objective(spec)
    valid = None if class_valid is None else class_valid.to(torch.bool)
    sums = Moments(integrands(spec, classes_of(moments, 2)), moments, valid, class_weights)
    evaluation = evaluate(whole, sums)
    first = whole.terms[0].activation
    names = {column.name: index for index, column in enumerate(sums.columns)}
    counts = torch.stack([moments[:, names[name]].sum(0) for name in _COUNTS], -1)
    true, false_positive, false_negative = counts.unbind(-1)
    return LossDetails(
        evaluation.terms[:-1],
        evaluation.per_class[:-1],
        soft_dice(sums, first),
        2.0 * true / (2.0 * true + false_positive + false_negative),
        counts,
    )
