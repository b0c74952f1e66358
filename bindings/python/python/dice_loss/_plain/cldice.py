"""Soft clDice: soft skeletons by shifted maps, and what is made of their sums.

Derivatives go where the engine's do: of numbers in a window that are the same to the first, of
minima along two axes half to each. So windows are compared voxel by voxel, in their order.
"""

from __future__ import annotations

from .._direct import Direct
from .namespace import Array, Namespace
from .voxels import Voxels


def values(xp: Namespace, direct: Direct, voxels: Voxels) -> tuple[Array, Array]:
    """The loss of each class, and Σg: of each sample, (1, C) of the batch, or (1, 1)."""
    if not 1 <= len(voxels.spatial) <= 3:
        found = len(voxels.spatial)
        raise ValueError(f"cldice: spatial axes: found {found}, wanted one to three")
    p, g = voxels.all_probabilities(direct.own.get("activation", "softmax")), voxels.g
    if voxels.counted is not None:
        p, g = (xp.where(voxels.counted, each, 0.0) for each in (p, g))
    # Voxels are compared with themselves.
    p = xp.settled(p)
    if voxels.axis == 2:
        p, g = xp.swapaxes(p, 1, 2), xp.swapaxes(g, 1, 2)
    # Of a batch whose size is open until it runs, what is left over.
    samples = -1 if p.shape[0] is None else p.shape[0]
    p, g = (xp.reshape(each, (samples, voxels.classes, *voxels.spatial)) for each in (p, g))
    iterations = int(direct.own.get("iterations", 3))
    of_p, of_g = (_skeleton(xp, each, iterations) for each in (p, g))

    def total(products: Array) -> Array:
        sums = xp.total(products, -1)
        for _ in voxels.spatial[1:]:
            sums = xp.sum(sums, -1)
        return _pooled(xp, direct, voxels, sums)

    sizes = total(g)
    numerator, denominator = direct.own.get("smoothing", (1.0, 1.0))
    precision = (total(of_p * g) + numerator) / (total(of_p) + denominator)
    sensitivity = (total(p * of_g) + numerator) / (total(of_g) + denominator)
    both = precision + sensitivity + direct.own.get("epsilon", 0.0)
    loss = 1.0 - 2.0 * precision * sensitivity / both
    alpha = direct.own.get("alpha", 1.0)
    if alpha < 1.0:
        dice = (2.0 * total(p * g) + numerator) / (total(p) + sizes + denominator)
        loss = (1.0 - dice) * (1.0 - alpha) + (alpha * loss if alpha > 0.0 else 0.0)
    return loss, sizes


def _pooled(xp: Namespace, direct: Direct, voxels: Voxels, sums: Array) -> Array:
    """Sums (N, C) of what was annotated, as far as they are added up."""
    if voxels.valid is not None:
        sums = xp.where(voxels.valid, sums, 0.0)
    if direct.whole:
        weights = direct.weights(voxels.classes)
        # Beside a weight of 0 anything is nothing.
        weighed = xp.where(xp.constant(weights, sums) > 0, sums * xp.constant(weights, sums), 0.0)
        return xp.reshape(xp.sum(weighed), (1, 1))
    return xp.sum(sums, 0, keepdims=True) if direct.pooled else sums


def _skeleton(xp: Namespace, x: Array, iterations: int) -> Array:
    """Of (N, C, spatial…)."""
    skeleton = None
    for _ in range(iterations + 1):
        eroded = _eroded(xp, x)
        delta = _positive(xp, x - _dilated(xp, eroded))
        joins = delta if skeleton is None else _positive(xp, delta - skeleton * delta)
        skeleton = joins if skeleton is None else skeleton + joins
        x = eroded
    return skeleton


def _positive(xp: Namespace, x: Array) -> Array:
    # NaN stays NaN.
    return xp.where(x <= 0, 0.0, x)


def _eroded(xp: Namespace, x: Array) -> Array:
    """The minimum of a voxel and its neighbours along each axis."""
    least = _best(xp, x, 2, smallest=True)
    for axis in range(3, len(x.shape)):
        other = _best(xp, x, axis, smallest=True)
        less = xp.where(other < least, other, least)
        least = xp.where(least == other, 0.5 * (least + other), less)
    return least


def _dilated(xp: Namespace, x: Array) -> Array:
    """The maximum of all neighbours. The last axis comes first, so that of equal ones the first in
    the order of memory is found."""
    for axis in reversed(range(2, len(x.shape))):
        x = _best(xp, x, axis, smallest=False)
    return x


def _best(xp: Namespace, x: Array, axis: int, *, smallest: bool) -> Array:
    """Of a voxel and its neighbours along an axis."""

    def part(start: int | None, stop: int | None) -> Array:
        return x[(slice(None),) * axis + (slice(start, stop),)]

    # What no voxel loses against.
    beyond = xp.ones_like(part(0, 1)) * (float("inf") if smallest else float("-inf"))
    best = xp.concatenate([beyond, part(None, -1)], axis)
    for other in (x, xp.concatenate([part(1, None), beyond], axis)):
        is_better = other < best if smallest else other > best
        best = xp.where(is_better, other, best)
    return best
