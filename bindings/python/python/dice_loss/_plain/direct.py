"""Losses beside the objective: what is made of the values of their classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .. import _direct
from . import cldice, lovasz
from .namespace import Array, Namespace
from .voxels import Inputs, Voxels


class Values(NamedTuple):
    """Of each class, in each sample or (1, C) over the batch; or (1, 1) of everything."""

    losses: Array
    #: Voxels of the class, of the type of the losses.
    sizes: Array


class Formula(NamedTuple):
    """A loss."""

    #: (losses, sizes) of its classes.
    values: Callable[[Namespace, _direct.Direct, Voxels], tuple[Array, Array]]
    #: What an absent class counts by default.
    absent: str
    #: Whether a dense target has to be 0 and 1.
    is_hard: bool


_FORMULAS = {
    "cldice": Formula(cldice.values, "skip", False),
    "lovasz_hinge": Formula(lovasz.values, "formula", True),
    "lovasz_softmax": Formula(lovasz.values, "skip", True),
}


def wants_hard(spec: str) -> bool:
    """Whether a dense target has to be 0 and 1."""
    return _FORMULAS[_direct.read(spec).loss].is_hard


def loss(xp: Namespace, spec: str, batch: Inputs) -> Array:
    """The loss, or for reduction "none" its values, in the type that sums are kept in."""
    direct, voxels = _direct.read(spec), Voxels(xp, batch)
    _direct.check(spec, voxels.classes)
    formula = _FORMULAS[direct.loss]
    values = Values(*formula.values(xp, direct, voxels))
    return _reduced(xp, direct, values, voxels, direct.absent or formula.absent)


def _reduced(
    xp: Namespace, direct: _direct.Direct, values: Values, voxels: Voxels, absent: str
) -> Array:
    """The mean or sum over the classes that count, or each of them times its weight."""
    losses, sizes = values
    of_classes = xp.constant(direct.weights(voxels.classes), losses)
    annotated = voxels.valid
    if direct.whole:
        # The classes' weights are in the sums: here it is whether any takes part.
        takes_part = of_classes > 0 if annotated is None else annotated & (of_classes > 0)
        weights = xp.where(xp.any(takes_part), xp.ones_like(losses), 0.0)
    else:
        weights = xp.ones_like(losses) * of_classes
        if annotated is not None:
            annotated = xp.any(annotated, 0)[None] if direct.pooled else annotated
            weights = xp.where(annotated, weights, 0.0)
    if absent == "skip":
        weights = xp.where(sizes > 0, weights, 0.0)
    if absent == "zero":
        losses = xp.where(sizes > 0, losses, 0.0)
    losses = xp.where(weights > 0, weights * losses, 0.0)
    if direct.reduction == "none":
        if direct.whole:
            return losses[0, 0]
        return losses[0] if direct.pooled else losses
    total = xp.sum(losses)
    if direct.reduction == "sum":
        return total
    weight = xp.sum(weights)
    return xp.where(weight > 0, total / xp.where(weight > 0, weight, 1.0), 0.0)
