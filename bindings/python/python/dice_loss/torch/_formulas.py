"""The losses as functions of a class's sums, in torch: differentiable as often as one likes.

Where a slope is infinite or undefined, it is taken as the engine takes it: 0 at the root of 0 and
at the powers of 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

Options = Mapping[str, Any]


class Sums(NamedTuple):
    """The sums of a class over the voxels that count; tensors of one shape."""

    pg: Tensor
    p: Tensor
    pp: Tensor
    l1: Tensor
    abs_p: Tensor
    transport: Tensor
    g: Tensor
    gg: Tensor
    n: Tensor

    def where(self, condition: Tensor) -> Sums:
        """Where the condition does not hold, those of a perfect match: any loss is finite there."""
        perfect = Sums(1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 2.0)  # type: ignore[arg-type]
        return Sums(*(torch.where(condition, a, b) for a, b in zip(self, perfect, strict=True)))


def class_loss(name: str, options: Options, m: Sums) -> Tensor:
    """The loss of every class by itself."""
    return _CLASS_LOSSES[name](m, options)


def row_loss(name: str, options: Options, row: Sums, weights: Tensor) -> Tensor:
    """A loss that couples the classes, which are the last axis."""
    return _ROW_LOSSES[name](row, options, weights)


def is_coupled(name: str) -> bool:
    """Whether the loss couples the classes."""
    return name in _ROW_LOSSES


def is_overlap(name: str) -> bool:
    """Whether the loss is one of sums of each class, and no mean over voxels."""
    return name in _CLASS_LOSSES or name in _ROW_LOSSES


def _sums(m: Sums, options: Options) -> Tensor:
    named = {
        "intersection": m.pg,
        "prediction": m.p,
        "prediction_squared": m.pp,
        "difference": m.l1,
        "magnitude": m.abs_p,
        "transport": m.transport,
    }
    total = torch.zeros_like(m.pg)
    for name in options["of"]:
        total = total + named[name]
    return total


def _dice(m: Sums, options: Options) -> Tensor:
    return 1.0 - _coefficient(m, options)


def _coefficient(m: Sums, options: Options) -> Tensor:
    if options["squared"]:
        overlap, sizes = m.pg, m.pp + m.gg
    else:
        overlap, predicted = _overlap(m, options)
        sizes = predicted + m.g
    return (2.0 * overlap + _numerator(options)) / (sizes + _denominator(options))


def _iou(m: Sums, options: Options) -> Tensor:
    overlap, predicted = _overlap(m, options)
    union = predicted + m.g - overlap
    return 1.0 - (overlap + _numerator(options)) / (union + _denominator(options))


def _tversky(m: Sums, options: Options) -> Tensor:
    overlap, predicted = _overlap(m, options)
    false_positives, false_negatives = predicted - overlap, m.g - overlap
    alpha, beta = float(options["alpha"]), float(options["beta"])
    counted = overlap + alpha * false_positives + beta * false_negatives
    return 1.0 - (overlap + _numerator(options)) / (counted + _denominator(options))


def _focal_tversky(m: Sums, options: Options) -> Tensor:
    return _power(_tversky(m, options), options["gamma"])


def _log_dice(m: Sums, options: Options) -> Tensor:
    return _power(-torch.log(_coefficient(m, options)), options["gamma"])


def _log_cosh_dice(m: Sums, options: Options) -> Tensor:
    loss = _dice(m, options)
    return loss - logsigmoid(2.0 * loss) - math.log(2.0)


def _matthews_correlation(m: Sums, options: Options) -> Tensor:
    s = float(options["smoothing"])
    true_positives = m.pg + s
    false_positives = _at_least_zero(m.p - m.pg)
    false_negatives = _at_least_zero(m.g - m.pg)
    true_negatives = _at_least_zero(m.pg - m.p + (m.n - m.g)) + s
    covariance = true_positives * true_negatives - false_positives * false_negatives
    variances = (
        (true_positives + false_positives)
        * (true_positives + false_negatives)
        * (true_negatives + false_positives)
        * (true_negatives + false_negatives)
    )
    return 1.0 - covariance / _root(variances)


def _generalized_dice(row: Sums, options: Options, weights: Tensor) -> Tensor:
    weights = _volume_weights(options["weight"], row, weights)
    overlap, predicted = _overlap(row, options)
    overlaps = _weighted_sum(weights, overlap)
    sizes = _weighted_sum(weights, predicted + row.g)
    return 1.0 - (2.0 * overlaps + _numerator(options)) / (sizes + _denominator(options))


def _generalized_wasserstein_dice(row: Sums, options: Options, weights: Tensor) -> Tensor:
    of_found = weights
    if options["weight"] == "foreground":
        of_found = torch.cat([torch.zeros_like(weights[..., :1]), weights[..., 1:]], -1)
    else:
        weights = of_found = _volume_weights(options["weight"], row, weights)
    cost = _weighted_sum(weights, row.transport)
    found = _weighted_sum(of_found, row.g - row.transport)
    numerator = 2.0 * found + _numerator(options)
    return 1.0 - numerator / (2.0 * found + cost + _denominator(options))


def _volume_weights(kind: str, row: Sums, weights: Tensor) -> Tensor:
    """Of the smallest class present 1, of a larger one less; times the class's own weight."""
    if kind == "uniform":
        return weights
    present = (weights > 0) & (row.g > 0)
    sizes = torch.where(present, row.g, math.inf)
    relative = torch.where(present, sizes.amin(-1, keepdim=True), 1.0) / torch.where(
        present, row.g, 1.0
    )
    return weights * (relative * relative if kind == "inverse_square" else relative)


def _weighted_sum(weights: Tensor, values: Tensor) -> Tensor:
    """A class of weight 0 takes no part, NaN or not."""
    return (weights * torch.where(weights > 0, values, 0.0)).sum(-1)


def _overlap(m: Sums, options: Options) -> tuple[Tensor, Tensor]:
    """The soft intersection, and the predicted size that belongs to it."""
    if options["overlap"] == "product":
        return m.pg, m.p
    return _at_least_zero(0.5 * (m.abs_p + m.g - m.l1)), m.abs_p


def _numerator(options: Options) -> float:
    return float(options["smoothing"][0])


def _denominator(options: Options) -> float:
    return float(options["smoothing"][1])


def _at_least_zero(x: Tensor) -> Tensor:
    """What rounding left below 0 counts as 0; the slope stays 1."""
    return x - x.detach().clamp(max=0.0)


def _root(x: Tensor) -> Tensor:
    """The square root, with a slope of 0 at 0."""
    return torch.where(x == 0, 0.0, torch.sqrt(torch.where(x == 0, 1.0, x)))


def _power(x: Tensor, exponent: float) -> Tensor:
    """max(x, 0)^exponent, with a slope of 0 at and below 0."""
    if exponent == 1.0:
        return x
    return torch.where(x <= 0, 0.0, torch.where(x <= 0, 1.0, x) ** exponent)


_CLASS_LOSSES: dict[str, Callable[[Sums, Options], Tensor]] = {
    "dice": _dice,
    "iou": _iou,
    "tversky": _tversky,
    "focal_tversky": _focal_tversky,
    "log_dice": _log_dice,
    "log_cosh_dice": _log_cosh_dice,
    "matthews_correlation": _matthews_correlation,
    "sums": _sums,
}
_ROW_LOSSES: dict[str, Callable[[Sums, Options, Tensor], Tensor]] = {
    "generalized_dice": _generalized_dice,
    "generalized_wasserstein_dice": _generalized_wasserstein_dice,
}
