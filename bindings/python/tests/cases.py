"""Small batches of every kind, each as the package takes it and as the naive losses do."""

from __future__ import annotations

from dataclasses import dataclass, field

import naive
import numpy as np

SHAPE = (2, 3, 2, 3)


@dataclass
class Case:
    """What a loss is called with, and the same spelled out."""

    logits: np.ndarray
    target: np.ndarray
    data: naive.Data
    counted: dict = field(default_factory=dict)

    def naive_at(self, logits: np.ndarray) -> naive.Data:
        """The batch with other logits."""
        flat = logits.reshape(self.data.x.shape)
        return naive.Data(flat, self.data.g, self.data.w, self.data.valid)


def spelled_out(logits, dense, *, weights=None, valid=None):
    """A batch as the naive losses take it."""
    samples, classes = logits.shape[:2]
    w = np.ones((samples, *logits.shape[2:])) if weights is None else weights
    v = np.ones((samples, classes), dtype=bool) if valid is None else valid
    return naive.Data(
        logits.reshape(samples, classes, -1).astype(float),
        dense.reshape(samples, classes, -1).astype(float),
        w.reshape(samples, -1).astype(float),
        v,
    )


def one_hot(labels, classes):
    """(N, spatial…) to (N, C, spatial…)."""
    return np.moveaxis(labels[..., None] == np.arange(classes), -1, 1)


def logits_for(activation, shape=SHAPE, seed=0):
    """Logits, or probabilities that add up to 1 over the classes."""
    x = np.random.default_rng(seed).normal(size=shape)
    return naive.probabilities(x / 2, "softmax") if activation == "probabilities" else x


def labels_for(shape=SHAPE, seed=1):
    """Labels; the last class is absent from the first sample."""
    labels = np.random.default_rng(seed).integers(0, shape[1], size=(shape[0], *shape[2:]))
    labels[:1][labels[:1] == shape[1] - 1] = 0
    return labels


def of_labels(activation):
    """A plain label map."""
    x, labels = logits_for(activation), labels_for()
    return Case(x, labels, spelled_out(x, one_hot(labels, SHAPE[1])))


def of_soft_target(activation):
    """A dense target with values in between."""
    x = logits_for(activation)
    soft = naive.probabilities(logits_for("sigmoid", seed=3), "softmax")
    return Case(x, soft, spelled_out(x, soft))


def of_multilabel(activation):
    """Masks that overlap."""
    x = logits_for(activation)
    masks = np.random.default_rng(4).random(SHAPE) < 0.4
    return Case(x, masks, spelled_out(x, masks))


def of_counted_voxels(activation):
    """An ignored label, a mask and weights at once, and NaN where nothing counts."""
    x, labels = logits_for(activation), labels_for()
    generator = np.random.default_rng(5)
    mask = generator.random(labels.shape) < 0.8
    weights = generator.random(labels.shape) * 2
    dense = one_hot(labels, SHAPE[1])
    labels[1, 0, 0] = 255
    counts = mask & (labels != 255)
    data = spelled_out(x, dense, weights=weights * counts)
    counted = {"ignore_index": 255, "mask": mask, "voxel_weight": weights}
    return Case(x, labels, data, counted)


def of_partial_labels(activation):
    """A class that was not annotated in one sample."""
    x, labels = logits_for(activation), labels_for()
    valid = np.array([[True, True, False], [True, True, True]])
    data = spelled_out(x, one_hot(labels, SHAPE[1]), valid=valid)
    return Case(x, labels, data, {"class_valid": valid})


def of_regions(activation):
    """Nested regions: label 1 is in channels 0 and 1, label 2 in channel 1 and 2."""
    x, labels = logits_for(activation), labels_for()
    table = [[], [0, 1], [1, 2]]
    dense = np.zeros(SHAPE)
    for label, channels in enumerate(table):
        for channel in channels:
            dense[:, channel] += labels == label
    return Case(x, labels, spelled_out(x, dense), {"regions": table})


CASES = {
    "labels": of_labels,
    "soft target": of_soft_target,
    "multilabel": of_multilabel,
    "counted voxels": of_counted_voxels,
    "partial labels": of_partial_labels,
    "regions": of_regions,
}
