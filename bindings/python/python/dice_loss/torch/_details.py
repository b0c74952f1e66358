"""What the sweep of a loss knows beside the loss: for logging."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _core
from ._evaluation import Moments, evaluate, integrands, objective, soft_dice
from ._tracing import classes_of, constant_in_graphs

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


@constant_in_graphs
def with_counts(spec: str) -> str:
    """The spec that also measures what the details need, without a change to the loss."""
    return _with_counts(spec)


@lru_cache(maxsize=256)
def _with_counts(spec: str) -> str:
    whole = json.loads(spec)
    if not whole["terms"]:
        return spec
    activation = whole["terms"][0][1]["activation"]
    dice = {"loss": "dice", "activation": activation, "pool": "batch"}
    whole["terms"].append((0.0, dice))
    whole["decision"] = "argmax" if activation == "softmax" else 0.5
    if whole["reduction"] == "none":
        whole["reduction"] = "mean"
    return _core.spec(json.dumps(whole, allow_nan=False))


def details_at_hand(numbers: Tensor, classes: int) -> LossDetails:
    """What the engine tells, one after another: in main memory and where nobody traces, in a tenth
    of the time that the many small operations of `details_of` take."""
    terms = (numbers.numel() - 5 * classes) // (1 + classes)
    sizes = (terms, terms * classes, classes, classes, 3 * classes)
    losses, per_class, soft, hard, counts = numbers.split(sizes)
    return LossDetails(losses, per_class.view(terms, classes), soft, hard, counts.view(classes, 3))


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
