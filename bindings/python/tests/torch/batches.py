"""Small batches of every kind, and every loss with its options, for the tests of the modules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import declared
import torch
from dice_loss import torch as losses
from dice_loss.terms import CrossEntropy, Dice, Focal, IoU

CLASSES = 3
SPATIAL = (4, 5)
SHAPE = (2, CLASSES, *SPATIAL)
EVERY = ("softmax", "sigmoid", "probabilities")
EXCLUSIVE = ("softmax", "probabilities")
BINARY = ("sigmoid", "probabilities")
LOGITS = ("softmax", "sigmoid")


@dataclass
class Batch:
    """What a loss is built with and called with."""

    logits: torch.Tensor
    target: torch.Tensor
    settings: dict[str, Any] = field(default_factory=dict)
    masks: dict[str, torch.Tensor] = field(default_factory=dict)

    def to(self, dtype: torch.dtype) -> Batch:
        """With logits of another type."""
        return Batch(self.logits.to(dtype), self.target, self.settings, self.masks)


def logits_of(activation: str, shape: tuple[int, ...] = SHAPE, seed: int = 0) -> torch.Tensor:
    """Logits, or probabilities that add up to 1 over the classes."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    return x.softmax(1) if activation == "probabilities" else 2.0 * x


def labels_of(shape: tuple[int, ...] = SHAPE, seed: int = 1) -> torch.Tensor:
    """Labels; the last class is absent from the first sample."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)
    labels[0][labels[0] == shape[1] - 1] = 0
    return labels


def uniform(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """Numbers between 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def _labels(activation: str) -> Batch:
    return Batch(logits_of(activation), labels_of())


def _soft(activation: str) -> Batch:
    return Batch(logits_of(activation), logits_of("probabilities", seed=3))


def _multilabel(activation: str) -> Batch:
    return Batch(logits_of(activation), uniform(SHAPE, 4) < 0.4)


def _counted(activation: str) -> Batch:
    """An ignored label, a mask and weights at once, and NaN where nothing counts."""
    x, labels = logits_of(activation), labels_of()
    labels[1, 0, :2] = 255
    mask = uniform(labels.shape, 5) < 0.8
    weight = 2.0 * uniform(labels.shape, 6)
    weight[0, 1, 1] = 0.0
    x[1, :, 0, 0] = float("nan")
    x[0, :, 1, 1] = float("inf")
    return Batch(x, labels, {"ignore_index": 255}, {"mask": mask, "voxel_weight": weight})


def _masked_dense(activation: str) -> Batch:
    """A dense target that holds nonsense where it does not count."""
    x, target = logits_of(activation), logits_of("probabilities", seed=3)
    mask = (uniform((2, 1, *SPATIAL), 5) < 0.7).to(torch.uint8)
    target = torch.where(mask == 0, float("nan"), target)
    return Batch(x, target, {}, {"mask": mask})


def _partial(activation: str) -> Batch:
    """Classes that were not annotated in every sample."""
    x, labels = logits_of(activation), labels_of()
    valid = torch.tensor([[True, True, False], [True, False, True]])
    return Batch(x, labels, {}, {"class_valid": valid})


def _regions(activation: str) -> Batch:
    """Label 1 is in channels 0 and 1, label 2 in channels 1 and 2."""
    return Batch(logits_of(activation), labels_of(), {"regions": [[], [0, 1], [1, 2]]})


def _one_channel(activation: str) -> Batch:
    x = logits_of("sigmoid", (2, 1, *SPATIAL))
    x = x.sigmoid() if activation == "probabilities" else x
    return Batch(x, uniform((2, *SPATIAL), 7))


BATCHES = {
    "labels": _labels,
    "soft": _soft,
    "multilabel": _multilabel,
    "counted": _counted,
    "masked dense": _masked_dense,
    "partial": _partial,
    "regions": _regions,
    "one channel": _one_channel,
}

Loss = tuple[type[losses.SegmentationLoss], dict[str, Any], tuple[str, ...]]
LOSSES: dict[str, Loss] = {
    "dice": (losses.DiceLoss, {}, EVERY),
    "dice batch": (losses.DiceLoss, {"pool": "batch", "background": False}, EVERY),
    "dice all": (losses.DiceLoss, {"pool": "all", "class_weights": [1.0, 0.5, 2.0]}, EVERY),
    "dice formula": (losses.DiceLoss, {"absent": "formula"}, EVERY),
    "dice zero": (losses.DiceLoss, {"absent": "zero"}, EVERY),
    "dice of classes": (losses.DiceLoss, {"classes": [0, 2]}, EVERY),
    "iou": (losses.IoULoss, {"class_weights": [1.0, 0.5, 2.0]}, EVERY),
    "tversky": (losses.TverskyLoss, {"alpha": 0.2, "beta": 0.9}, EVERY),
    "focal tversky": (losses.FocalTverskyLoss, {"gamma": 1.5}, EVERY),
    "log dice": (losses.LogDiceLoss, {"gamma": 0.3}, EVERY),
    "generalized dice": (losses.GeneralizedDiceLoss, {}, EVERY),
    "generalized dice batch": (
        losses.GeneralizedDiceLoss,
        {"weight": "inverse", "pool": "batch", "class_weights": [1.0, 0.5, 2.0]},
        EVERY,
    ),
    "generalized dice formula": (losses.GeneralizedDiceLoss, {"absent": "formula"}, EVERY),
    "wasserstein": (losses.GeneralizedWassersteinDiceLoss, {}, EXCLUSIVE),
    "matthews": (losses.MatthewsCorrelationLoss, {"smoothing": 0.01}, EVERY),
    "cross-entropy": (losses.CrossEntropyLoss, {}, EXCLUSIVE),
    "cross-entropy smoothed": (
        losses.CrossEntropyLoss,
        {"label_smoothing": 0.1, "class_weights": [1.0, 0.5, 2.0]},
        EXCLUSIVE,
    ),
    "bce": (losses.BCELoss, {}, BINARY),
    "bce weighted": (
        losses.BCELoss,
        {"pos_weight": [1.0, 3.0, 0.5], "class_weights": [1.0, 0.5, 2.0]},
        BINARY,
    ),
    "focal": (losses.FocalLoss, {}, LOGITS),
    "focal weighted": (
        losses.FocalLoss,
        {"gamma": [0.5, 0.0, 2.0], "alpha": [0.1, 0.5, 0.8], "background": False},
        LOGITS,
    ),
    "dice + ce": (losses.DiceCELoss, {"background": False, "pool": "batch"}, EXCLUSIVE),
    "dice + bce": (losses.DiceBCELoss, {"pos_weight": 2.0}, BINARY),
    "dice + focal": (losses.DiceFocalLoss, {"alpha": 0.3}, LOGITS),
    "unified focal": (losses.UnifiedFocalLoss, {}, LOGITS),
    "sum": (
        losses.SegmentationLoss,
        {
            "terms": [
                (1.0, Dice(background=False)),
                (0.5, IoU(activation="sigmoid", pool="all")),
                (0.3, CrossEntropy(class_weights=[1.0, 2.0, 0.5])),
                Focal(activation="sigmoid", gamma=1.0),
                (0.0, Dice(squared=True)),
            ]
        },
        ("softmax",),
    ),
}
# Every loss that there is, with every option.
LOSSES |= {
    f"{name}, told all": (
        getattr(losses, loss["torch"]),
        declared.trials_of(name)[-1],
        tuple(loss["activations"]),
    )
    for name, loss in declared.LOSSES.items()
}
_SUMS = {loss["torch"] for loss in declared.LOSSES.values() if loss["kind"] == "compound"}
# Without reduction all terms must have values of one shape.
SINGLE = [
    name for name, (loss, *_) in LOSSES.items() if loss.__name__ not in {*_SUMS, "SegmentationLoss"}
]


def every_case() -> list[Any]:
    """(loss, activation, batch) by name, where they go together."""
    cases = []
    for name, (*_, activations) in LOSSES.items():
        for activation in activations:
            for batch in BATCHES:
                if batch == "one channel" and not _suits_one_channel(name, activation):
                    continue
                cases.append((name, activation, batch))
    return cases


def _suits_one_channel(name: str, activation: str) -> bool:
    loss, options, _ = LOSSES[name]
    by_class = any(isinstance(value, list) and key != "smoothing" for key, value in options.items())
    of_several = options.get("focal_activation") == "softmax" or loss in (
        losses.GeneralizedWassersteinDiceLoss,
        losses.UnifiedFocalLoss,
    )
    return not (activation == "softmax" or by_class or of_several)


def built(name: str, activation: str, batch: Batch, **more: Any) -> losses.SegmentationLoss:
    """The loss under an activation, with what the batch wants of it."""
    loss, options, _ = LOSSES[name]
    return loss(activation=activation, **{**options, **batch.settings, **more})
