"""The voxels with the largest losses, in plain torch: what the engine makes on the CPU."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .._plain.objective import Objective, Term
from .._plain.voxels import Voxels
from . import _namespace as xp
from . import _plain
from ._evaluation import objective
from ._namespace import sum_dtype
from ._target import Target
from ._tracing import classes_of, constant_in_graphs


class Selection(NamedTuple):
    """Which voxels a term takes."""

    term: Term
    #: The term whose losses voxels are ranked by.
    ranked: Objective
    top_k: float
    #: The log loss of the threshold, if there is one.
    limit: float | None
    min_kept: int


@constant_in_graphs
def selection(spec: str, name: str) -> Selection:
    """Of the term that makes the map of this name."""
    term = next(term for term in objective(spec).terms if term.map == name and _takes_some(term))
    options, threshold = term.options, term.options["threshold"]
    ranked = term._replace(weight=1.0, map=None)
    limit = None
    if threshold < 1.0:
        # The log loss of the same probabilities.
        ranked = ranked._replace(
            loss="cross_entropy" if term.is_per_voxel else "binary_cross_entropy",
            options={**options, "label_smoothing": 0.0, "pos_weight": 1.0},
            class_weights=None,
            background=True,
            classes=None,
        )
        limit = -math.log(threshold) if threshold > 0.0 else math.inf
    of_ranked = Objective((ranked,), "none")
    return Selection(term, of_ranked, options["top_k"], limit, options["min_kept"])


def hardest(
    spec: str,
    name: str,
    logits: Tensor,
    target: Target,
    class_weights: Tensor | None = None,
) -> Tensor:
    """1 in the voxels that a term takes, else 0: (N, 1, spatial…) or (N, C, spatial…), float32.

    Of equal losses the first are taken, in the order of (sample, class, voxel). `class_weights` are
    those of a term that has none.
    """
    chosen = selection(spec, name)
    if chosen.term.class_weights is not None:
        class_weights = None
    if chosen.limit is None:
        losses = _plain.voxel_losses(chosen.ranked, logits, target, class_weights)
    else:
        target = _without_weights(target)
        losses = _plain.voxel_losses(chosen.ranked, logits, target)
    counted = _counted(chosen.term, logits, target, class_weights).reshape(losses.shape)
    losses = torch.where(counted, losses, -math.inf)
    order = losses.flatten().argsort(descending=True, stable=True)
    rank = torch.empty_like(order).scatter(0, order, torch.arange(len(order), device=order.device))
    taken = rank < _count(chosen, counted, losses)
    return taken.reshape(losses.shape).to(torch.float32)


def _takes_some(term: Term) -> bool:
    """Whether it is the mean over some voxels, and not over all."""
    options = term.options
    return bool(options.get("top_k", 1.0) < 1.0 or options.get("threshold", 1.0) < 1.0)


def _count(chosen: Selection, counted: Tensor, losses: Tensor) -> Tensor:
    """How many voxels are taken."""
    all_counted = counted.sum()
    share = all_counted.to(sum_dtype(losses.device)) * chosen.top_k * (1.0 + 1e-12)
    count = share.to(all_counted.dtype).clamp(min=1)
    if chosen.limit is not None:
        # NaN is as hard as can be.
        count = count.minimum((~(losses <= chosen.limit)).sum())
    return count.clamp(min=chosen.min_kept).minimum(all_counted)


def _without_weights(target: Target) -> Target:
    """The same voxels, each counting the same."""
    weight = target.voxel_weight
    if weight is None:
        return target
    mask = weight != 0 if target.mask is None else (target.mask != 0) & (weight != 0)
    return target._replace(mask=mask, voxel_weight=None)


def _counted(term: Term, logits: Tensor, target: Target, class_weights: Tensor | None) -> Tensor:
    """Where a voxel counts, (N, 1, V); where each class has a loss of its own, (N, C, V)."""
    voxels = Voxels(xp, _plain._batch(logits, target))
    weights = xp.constant(term.weights(classes_of(logits)), voxels.x)
    if class_weights is not None:
        weights = weights * class_weights.to(weights.dtype)
    of_class = voxels.of_classes(weights)
    counted: Tensor
    if term.is_per_voxel:
        counted = (of_class * voxels.merged_reference()).sum(1, keepdim=True) > 0
    else:
        counted = (of_class > 0).expand_as(voxels.x)
        if voxels.valid is not None:
            counted = counted & voxels.of_classes(voxels.valid)
    return counted if voxels.counted is None else counted & voxels.counted
