"""The losses as functions of a class's sums: differentiable as often as one likes.

Where a slope is infinite or undefined, it is taken as the engine takes it: 0 at the root of 0 and
at the powers of 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .namespace import Array, Namespace

Options = Mapping[str, Any]


class Sums(NamedTuple):
    """The sums of a class over the voxels that count; arrays of one shape."""

    pg: Array
    p: Array
    pp: Array
    l1: Array
    abs_p: Array
    transport: Array
    g: Array
    gg: Array
    n: Array

    def where(self, xp: Namespace, condition: Array) -> Sums:
        """Where the condition does not hold, those of a perfect match: any loss is finite there."""
        perfect = Sums(1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 2.0)
        return Sums(*(xp.where(condition, a, b) for a, b in zip(self, perfect, strict=True)))


def class_loss(xp: Namespace, name: str, options: Options, m: Sums) -> Array:
    """The loss of every class by itself."""
    return CLASS_LOSSES[name](xp, m, options)


def row_loss(xp: Namespace, name: str, options: Options, row: Sums, weights: Array) -> Array:
    """A loss that couples the classes, which are the last axis."""
    return ROW_LOSSES[name](xp, row, options, weights)


def _dice(xp: Namespace, m: Sums, options: Options) -> Array:
    return 1.0 - _coefficient(xp, m, options)


def _coefficient(xp: Namespace, m: Sums, options: Options) -> Array:
    overlap, predicted, reference = _sizes(xp, m, options)
    sizes = predicted + reference
    return (2.0 * overlap + _numerator(options)) / (sizes + _denominator(options))


def _iou(xp: Namespace, m: Sums, options: Options) -> Array:
    overlap, predicted, reference = _sizes(xp, m, options)
    union = predicted + reference - overlap
    return 1.0 - (overlap + _numerator(options)) / (union + _denominator(options))


def _tversky(xp: Namespace, m: Sums, options: Options) -> Array:
    overlap, predicted, reference = _sizes(xp, m, options)
    false_positives, false_negatives = predicted - overlap, reference - overlap
    alpha, beta = float(options["alpha"]), float(options["beta"])
    counted = overlap + alpha * false_positives + beta * false_negatives
    return 1.0 - (overlap + _numerator(options)) / (counted + _denominator(options))


def _focal_tversky(xp: Namespace, m: Sums, options: Options) -> Array:
    return _power(xp, _tversky(xp, m, options), options["gamma"])


def _log_dice(xp: Namespace, m: Sums, options: Options) -> Array:
    return _power(xp, -xp.log(_coefficient(xp, m, options)), options["gamma"])


def _log_cosh_dice(xp: Namespace, m: Sums, options: Options) -> Array:
    loss = _dice(xp, m, options)
    return loss - xp.log_sigmoid(2.0 * loss) - math.log(2.0)


def _kappa(xp: Namespace, m: Sums, options: Options) -> Array:
    is_there = m.n > 0
    chance = xp.where(is_there, m.p * (m.g / xp.where(is_there, m.n, 1.0)), 0.0)
    agreement = 2.0 * (m.pg - chance) + _numerator(options)
    return 1.0 - agreement / (m.p + m.g - 2.0 * chance + _denominator(options))


def _matthews_correlation(xp: Namespace, m: Sums, options: Options) -> Array:
    s = float(options["smoothing"])
    true_positives = m.pg + s
    false_positives = _at_least_zero(xp, m.p - m.pg)
    false_negatives = _at_least_zero(xp, m.g - m.pg)
    true_negatives = _at_least_zero(xp, m.pg - m.p + (m.n - m.g)) + s
    covariance = true_positives * true_negatives - false_positives * false_negatives
    variances = (
        (true_positives + false_positives)
        * (true_positives + false_negatives)
        * (true_negatives + false_positives)
        * (true_negatives + false_negatives)
    )
    return 1.0 - covariance / _root(xp, variances)


def _generalized_dice(xp: Namespace, row: Sums, options: Options, weights: Array) -> Array:
    weights = _volume_weights(xp, options["weight"], row, weights)
    overlap, predicted = _overlap(xp, row, options)
    overlaps = _weighted_sum(xp, weights, overlap)
    sizes = _weighted_sum(xp, weights, predicted + row.g)
    return 1.0 - (2.0 * overlaps + _numerator(options)) / (sizes + _denominator(options))


def _generalized_wasserstein_dice(
    xp: Namespace, row: Sums, options: Options, weights: Array
) -> Array:
    of_found = weights
    if options["weight"] == "foreground":
        of_found = xp.concatenate([xp.zeros_like(weights[..., :1]), weights[..., 1:]], -1)
    else:
        weights = of_found = _volume_weights(xp, options["weight"], row, weights)
    cost = _weighted_sum(xp, weights, row.transport)
    found = _weighted_sum(xp, of_found, row.g - row.transport)
    numerator = 2.0 * found + _numerator(options)
    return 1.0 - numerator / (2.0 * found + cost + _denominator(options))


def _volume_weights(xp: Namespace, kind: str, row: Sums, weights: Array) -> Array:
    """Of the smallest class present 1, of a larger one less; times the class's own weight."""
    if kind == "uniform":
        return weights
    present = (weights > 0) & (row.g > 0)
    smallest = xp.min(xp.where(present, row.g, math.inf), -1, keepdims=True)
    relative = xp.where(present, smallest, 1.0) / xp.where(present, row.g, 1.0)
    return weights * (relative * relative if kind == "inverse_square" else relative)


def _weighted_sum(xp: Namespace, weights: Array, values: Array) -> Array:
    """A class of weight 0 takes no part, NaN or not."""
    return xp.sum(weights * xp.where(weights > 0, values, 0.0), -1)


def _sizes(xp: Namespace, m: Sums, options: Options) -> tuple[Array, Array, Array]:
    """The soft intersection, and the sizes of prediction and reference, as squares if asked for."""
    if options["squared"]:
        return m.pg, m.pp, m.gg
    return *_overlap(xp, m, options), m.g


def _overlap(xp: Namespace, m: Sums, options: Options) -> tuple[Array, Array]:
    """The soft intersection, and the predicted size that belongs to it."""
    if options["overlap"] == "product":
        return m.pg, m.p
    return _at_least_zero(xp, 0.5 * (m.abs_p + m.g - m.l1)), m.abs_p


def _numerator(options: Options) -> float:
    return float(options["smoothing"][0])


def _denominator(options: Options) -> float:
    return float(options["smoothing"][1])


def _at_least_zero(xp: Namespace, x: Array) -> Array:
    """What rounding left below 0 counts as 0; the slope stays 1."""
    return x - xp.stop_gradient(xp.minimum(x, 0.0))


def _root(xp: Namespace, x: Array) -> Array:
    """The square root, with a slope of 0 at 0."""
    return xp.where(x == 0, 0.0, xp.sqrt(xp.where(x == 0, 1.0, x)))


def _power(xp: Namespace, x: Array, exponent: float) -> Array:
    """max(x, 0)^exponent, with a slope of 0 at and below 0."""
    if exponent == 1.0:
        return x
    return xp.where(x <= 0, 0.0, xp.where(x <= 0, 1.0, x) ** exponent)


CLASS_LOSSES: dict[str, Callable[[Namespace, Sums, Options], Array]] = {
    "dice": _dice,
    "iou": _iou,
    "tversky": _tversky,
    "focal_tversky": _focal_tversky,
    "log_dice": _log_dice,
    "log_cosh_dice": _log_cosh_dice,
    "matthews_correlation": _matthews_correlation,
    "kappa": _kappa,
}
"""Losses of the sums of each class by itself."""
ROW_LOSSES: dict[str, Callable[[Namespace, Sums, Options, Array], Array]] = {
    "generalized_dice": _generalized_dice,
    "generalized_wasserstein_dice": _generalized_wasserstein_dice,
}
"""Losses that couple the classes."""
