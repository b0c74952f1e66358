"""What the sweep of a loss knows beside the loss: for logging."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _core
from ._evaluation import Moments, evaluate, integrands, objective, soft_dice
from ._native import Details
from ._tracing import classes_of, constant_in_graphs

_COUNTS = ("true_positives", "false_positives", "false_negatives")


class InstanceDetails(NamedTuple):
    """Of each instance of which a voxel counts, without gradient; K of them, class by class of each
    sample. A class with a single one has the whole sample as its cell."""

    #: (K), int64: the sample that it lies in.
    sample: Tensor
    #: (K), int64: its class.
    label: Tensor
    #: (K), int64: which of its class's in the sample it is, counted from 1 in the order of their
    #: numbers.
    number: Tensor
    #: (K): 2Σpg / (Σp + Σg) in its cell; of blobs, of its own voxels and the background. Under the
    #: first term's activation.
    soft_dice: Tensor
    #: (K, 3): true positives, false positives and false negatives of the hard decisions, of the
    #: same voxels.
    counts: Tensor

    @property
    def hard_dice(self) -> Tensor:
        """(K): 2TP / (2TP + FP + FN) of the hard decisions."""
        true, false_positive, false_negative = self.counts.unbind(-1)
        return 2.0 * true / (2.0 * true + false_positive + false_negative)

    @property
    def missed(self) -> Tensor:
        """(K), bool: whether no voxel of it was found."""
        return self.counts[:, 0] == 0

    @property
    def recall(self) -> Tensor:
        """The share of the instances of which a voxel was found; NaN without any."""
        return 1.0 - self.missed.double().mean()


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
    #: Of each instance, where a term looks at them; None otherwise, and on CUDA, under transforms
    #: and in compiled graphs, where no shape depends on how many there are.
    instances: InstanceDetails | None = None

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


def details_at_hand(details: Details) -> LossDetails:
    """What the engine tells, one after another: in main memory and where nobody traces, in a tenth
    of the time that the many small operations of `details_of` take."""
    numbers, classes = details.numbers, details.classes
    terms = (numbers.numel() - 5 * classes) // (1 + classes)
    sizes = (terms, terms * classes, classes, classes, 3 * classes)
    losses, per_class, soft, hard, counts = numbers.split(sizes)
    per_class, counts = per_class.view(terms, classes), counts.view(classes, 3)
    instances = None if details.instances is None else _of_instances(details.instances)
    return LossDetails(losses, per_class, soft, hard, counts, instances)


def _of_instances(numbers: list[float]) -> InstanceDetails:
    rows = torch.tensor(numbers, dtype=torch.float64).view(-1, 7)
    sample, label, number = rows[:, :3].long().unbind(1)
    return InstanceDetails(sample, label, number, rows[:, 3], rows[:, 4:])


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
