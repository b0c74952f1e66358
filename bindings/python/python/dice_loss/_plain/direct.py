"""Losses beside the objective: what is made of the values of their classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .. import _direct
from . import lovasz
from .namespace import Array, Namespace
from .voxels import Inputs, Voxels


class Values(NamedTuple):
    """Of each class, in each sample or (1, C) over the batch."""

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
    return _reduced(xp, direct, values, voxels.valid, direct.absent or formula.absent)


def _reduced(
    xp: Namespace, direct: _direct.Direct, values: Values, valid: Array | None, absent: str
) -> Array:
    """The mean or sum over the classes that count, or each of them times its weight."""
    losses, sizes = values
    weights = xp.ones_like(losses) * xp.constant(direct.weights(int(losses.shape[1])), losses)
    if valid is not None:
        annotated = xp.any(valid, 0)[None] if direct.pooled else valid
        weights = xp.where(annotated, weights, 0.0)
    if absent == "skip":
        weights = xp.where(sizes > 0, weights, 0.0)
    if absent == "zero":
        losses = xp.where(sizes > 0, losses, 0.0)
    losses = xp.where(weights > 0, weights * losses, 0.0)
    if direct.reduction == "none":
        return losses[0] if direct.pooled else losses
    total = xp.sum(losses)
    if direct.reduction == "sum":
        return total
    weight = xp.sum(weights)
    return xp.where(weight > 0, total / xp.where(weight > 0, weight, 1.0), 0.0)
