"""The Lovász losses: errors in descending order, and what the Jaccard loss grows by with each."""

from __future__ import annotations

from .._direct import Direct
from .namespace import Array, Namespace
from .voxels import Voxels


def values(xp: Namespace, direct: Direct, voxels: Voxels) -> tuple[Array, Array]:
    """The loss of each class, and its size: of each sample, or (1, C) of the batch."""
    errors, inside = _errors(xp, direct, voxels)
    if voxels.axis == 2:
        errors, inside = xp.swapaxes(errors, 1, 2), xp.swapaxes(inside, 1, 2)
    if direct.pooled:
        errors, inside = (_of_batch(xp, each) for each in (errors, inside))
    return _extension(xp, errors, inside)


def _errors(xp: Namespace, direct: Direct, voxels: Voxels) -> tuple[Array, Array]:
    """The errors, 0 where a voxel is not ranked, and whether it is inside the class and ranked."""
    g, inside = voxels.g, voxels.g > 0.5
    if direct.loss == "lovasz_hinge":
        x = voxels.counted_logits("sigmoid")
        margin = 1.0 - xp.where(inside, x, -x)
        errors = xp.where(margin <= 0, 0.0, margin)
    else:
        activation = direct.own.get("activation", "softmax")
        errors = xp.abs(g - voxels.all_probabilities(activation))
    # What is not ranked comes with the errors of 0, which add nothing.
    annotated = None if voxels.valid is None else voxels.of_classes(voxels.valid)
    for ranked in (voxels.counted, annotated):
        if ranked is not None:
            errors, inside = xp.where(ranked, errors, 0.0), inside & ranked
    return errors, inside


def _of_batch(xp: Namespace, x: Array) -> Array:
    """(N, C, V) as (1, C, N · V)."""
    return xp.reshape(xp.swapaxes(x, 0, 1), (1, int(x.shape[1]), -1))


def _extension(xp: Namespace, errors: Array, inside: Array) -> tuple[Array, Array]:
    """Of each row: Σ e_i (J_i − J_{i−1}) over the sorted errors, and how many are inside."""
    order = xp.descending(xp.stop_gradient(errors))
    errors, inside = xp.wide(xp.gather(errors, order)), xp.gather(inside, order)
    inside_first, others_first = xp.running(inside), xp.running(~inside)
    is_first = inside_first + others_first == 1
    inside_first, others_first = xp.wide(inside_first), xp.wide(others_first)
    one = xp.wide(inside)
    size = xp.sum(one, 2, keepdims=True)
    union, left = size + others_first - (1.0 - one), size - inside_first + one
    increment = xp.where(inside, 1.0 / union, left / (union * (union + 1.0)))
    increment = xp.where(size > 0, increment, xp.cast(is_first, errors))
    # An error that is NaN has such a slope.
    increment = xp.where(errors == errors, increment, errors)
    # An error of 0 adds nothing, whatever the union of nothing is.
    return xp.sum(errors * xp.stop_gradient(increment), 2), size[:, :, 0]
