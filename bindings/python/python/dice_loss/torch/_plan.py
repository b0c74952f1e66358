"""A loss with all its options, as plain data, and what it makes of tensors."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from . import _ops, _plain
from ._details import LossDetails, details_of, with_counts
from ._evaluation import integrands, objective, voxel_losses
from ._namespace import sum_dtype
from ._ops import settings_of
from ._ranks import ProcessGroup, of_all_ranks
from ._target import Regions, Target, check_logits, check_values, is_usual, prepare
from ._tracing import classes_of, refuse_onnx


class Plan(NamedTuple):
    """What to compute. Holds no tensors."""

    #: The text of the objective, which the engine reads once.
    spec: str
    #: The text of what a sweep has to know of the target.
    settings: str
    ignore_index: int | None
    regions: Regions | None
    target_kind: str | None
    process_group: ProcessGroup | None
    #: Whether the output is a map of voxel losses.
    has_map: bool
    #: Whether some term has a loss for each sample, so that samples cannot be added up.
    needs_samples: bool
    is_unreduced: bool
    #: What is wrong with one channel, in the words of who made the plan; None if the engine says.
    lack_of_channels: str | None = None


def planned(
    spec: str,
    ignore_index: int | None,
    regions: Regions | None,
    target_kind: str | None,
    lack_of_channels: str | None = None,
) -> Plan:
    """The plan of an objective, by its text, within one process."""
    whole = objective(spec)
    return Plan(
        spec,
        settings_of(ignore_index, regions),
        ignore_index,
        regions,
        target_kind,
        None,
        whole.has_map,
        whole.needs_samples,
        whole.reduction == "none",
        lack_of_channels,
    )


def loss(
    plan: Plan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    class_weights: Tensor | None = None,
) -> Tensor:
    """The loss."""
    logits, voxels = _read(plan, logits, target, mask, voxel_weight, class_valid)
    return _loss(plan, logits, voxels, weights_of(class_weights, logits))


def loss_with_details(
    plan: Plan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    class_weights: Tensor | None = None,
) -> tuple[Tensor, LossDetails]:
    """The loss, and what the same sweep knows beside it."""
    logits, voxels = _read(plan, logits, target, mask, voxel_weight, class_valid)
    weights = weights_of(class_weights, logits)
    spec, valid = with_counts(plan.spec), voxels.class_valid
    fused = weights is None and _ops.is_fused(logits, voxels, spec)
    if plan.process_group is None and not plan.is_unreduced and fused:
        return _ops.detailed(logits, voxels, spec, plan.settings)
    sums = _moments(logits, voxels, spec, plan.settings)
    if plan.process_group is not None:
        # Of all samples, whatever the loss needs: what is logged of a sample depends on it alone.
        sums, valid = of_all_ranks(sums, valid, plan.process_group, by_sample=True)
    if plan.is_unreduced:
        value = _loss(plan, logits, voxels, weights)
    else:
        value = _ops.of_moments(sums, valid, spec, weights).to(_ops.loss_dtype(logits))
    return value, details_of(sums.detach(), valid, spec, weights)


def moments(
    plan: Plan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
) -> Tensor:
    """The sums (N, K, C) that the loss is a function of."""
    logits, voxels = _read(plan, logits, target, mask, voxel_weight, class_valid)
    return _moments(logits, voxels, plan.spec, plan.settings)


def _read(
    plan: Plan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
) -> tuple[Tensor, Target]:
    refuse_onnx()
    has_labels = plan.regions is None and plan.target_kind != "dense"
    is_bare = mask is None and voxel_weight is None and class_valid is None
    if has_labels and is_bare and is_usual(logits, target):
        return logits, Target(target, "labels", None, plan.ignore_index)
    logits = check_logits(logits)
    if plan.lack_of_channels is not None and classes_of(logits) == 1:
        raise ValueError(plan.lack_of_channels)
    return logits, prepare(
        logits,
        target,
        target_kind=plan.target_kind,
        regions=plan.regions,
        ignore_index=plan.ignore_index,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
    )


def weights_of(class_weights: Tensor | None, like: Tensor) -> Tensor | None:
    """The weights of the classes where the sums are, which are not looked at."""
    if class_weights is None:
        return None
    found, wanted = tuple(class_weights.shape), (classes_of(like),)
    if found != wanted:
        raise ValueError(f"class_weights: found shape {found}, wanted {wanted}, one for each class")
    return class_weights.detach().to(like.device, sum_dtype(like.device))


def _loss(plan: Plan, logits: Tensor, voxels: Target, weights: Tensor | None) -> Tensor:
    # The engine is told weights as numbers, tensors of the framework as a tensor.
    fused = weights is None and _ops.is_fused(logits, voxels, plan.spec)
    if plan.has_map:
        if fused:
            return _ops.voxel_losses(logits, voxels, plan.spec, plan.settings)
        check_values(logits, voxels)
        losses = voxel_losses(objective(plan.spec), logits, voxels, weights)
        return losses.to(_ops.loss_dtype(logits))
    if plan.process_group is None and fused:
        return _ops.fused(logits, voxels, plan.spec, plan.settings)
    sums = _moments(logits, voxels, plan.spec, plan.settings)
    valid = voxels.class_valid
    if plan.process_group is not None:
        sums, valid = of_all_ranks(sums, valid, plan.process_group, plan.needs_samples)
    return _ops.of_moments(sums, valid, plan.spec, weights).to(_ops.loss_dtype(logits))


def _moments(logits: Tensor, voxels: Target, spec: str, settings: str) -> Tensor:
    if _ops.is_native(logits, voxels, spec):
        return _ops.measure(logits, voxels, spec, settings)
    check_values(logits, voxels)
    return _plain.moments(integrands(spec, classes_of(logits)), logits, voxels)
