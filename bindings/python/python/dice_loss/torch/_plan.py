"""A loss with all its options, as plain data, and what it makes of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from .._maps import Wanted, wanted
from . import _route
from ._details import LossDetails, with_counts
from ._evaluation import objective
from ._making import with_maps
from ._namespace import sum_dtype
from ._native import settings_of
from ._ranks import ProcessGroup, of_all_ranks
from ._target import Regions, Target, check_logits, is_usual, prepare
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
    #: The maps that its terms read.
    maps: tuple[Wanted, ...]
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
    whole, maps = objective(spec), wanted(spec)
    return Plan(
        spec,
        settings_of(ignore_index, regions, [map.name for map in maps]),
        ignore_index,
        regions,
        target_kind,
        None,
        whole.has_map,
        whole.needs_samples,
        whole.reduction == "none",
        maps,
        lack_of_channels,
    )


def loss(
    plan: Plan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    class_weights: Tensor | None = None,
) -> Tensor:
    """The loss."""
    logits, voxels = read(
        plan, logits, target, mask, voxel_weight, class_valid, maps, class_weights
    )
    weights = None if class_weights is None else weights_of(class_weights, logits)
    return _loss(plan, logits, voxels, weights)


def loss_with_details(
    plan: Plan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    class_weights: Tensor | None = None,
) -> tuple[Tensor, LossDetails]:
    """The loss, and what the same sweep knows beside it."""
    logits, voxels = read(
        plan, logits, target, mask, voxel_weight, class_valid, maps, class_weights
    )
    weights = weights_of(class_weights, logits)
    route = _route.chosen(logits, voxels, with_counts(plan.spec), plan.settings, weights)
    if plan.process_group is None:
        value, details = route.loss_with_details()
    else:
        # Of all samples, whatever the loss needs: what is logged of a sample depends on it alone.
        sums = route.moments(), voxels.class_valid
        sums = of_all_ranks(*sums, plan.process_group, by_sample=True)
        value, details = route.loss_of(*sums), route.details_of(*sums)
    if plan.is_unreduced:
        value = _loss(plan, logits, voxels, weights)
    return value, details


def moments(
    plan: Plan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
) -> Tensor:
    """The sums (N, K, C) that the loss is a function of."""
    logits, voxels = read(plan, logits, target, mask, voxel_weight, class_valid, maps)
    return _route.chosen(logits, voxels, plan.spec, plan.settings).moments()


def read(
    plan: Plan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    class_weights: Tensor | None = None,
) -> tuple[Tensor, Target]:
    """Logits and target, checked, with all maps that the loss reads."""
    refuse_onnx()
    has_labels = plan.regions is None and plan.target_kind != "dense"
    is_bare = mask is None and voxel_weight is None and class_valid is None
    is_bare = is_bare and maps is None and not plan.maps
    if has_labels and is_bare and is_usual(logits, target):
        return logits, Target(target, "labels", None, plan.ignore_index)
    logits = check_logits(logits)
    if plan.lack_of_channels is not None and classes_of(logits) == 1:
        raise ValueError(plan.lack_of_channels)
    voxels = prepare(
        logits,
        target,
        target_kind=plan.target_kind,
        regions=plan.regions,
        ignore_index=plan.ignore_index,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        maps=maps,
        wanted=plan.maps,
    )
    weights = weights_of(class_weights, logits)
    return logits, with_maps(logits, voxels, plan.maps, plan.spec, weights)


def maps(
    plan: Plan,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
) -> dict[str, Tensor]:
    """The maps that are made of the target, where the logits are; made in main memory."""
    near = {"mask": mask, "voxel_weight": voxel_weight, "class_valid": class_valid}
    masks: dict[str, Any] = {k: x.detach().cpu() for k, x in near.items() if x is not None}
    _, voxels = read(plan, logits.detach().cpu(), target.detach().cpu(), **masks)
    return {name: map.to(logits.device) for name, map in voxels.maps.items()}


def weights_of(class_weights: Tensor | None, like: Tensor) -> Tensor | None:
    """The weights of the classes where the sums are, which are not looked at."""
    if class_weights is None:
        return None
    found, wanted = tuple(class_weights.shape), (classes_of(like),)
    if found != wanted:
        raise ValueError(f"class_weights: found shape {found}, wanted {wanted}, one for each class")
    return class_weights.detach().to(like.device, sum_dtype(like.device))


def _loss(plan: Plan, logits: Tensor, voxels: Target, weights: Tensor | None) -> Tensor:
    route = _route.chosen(logits, voxels, plan.spec, plan.settings, weights)
    if plan.has_map:
        return route.voxel_losses()
    if plan.process_group is None:
        return route.loss()
    sums = route.moments(), voxels.class_valid
    return route.loss_of(*of_all_ranks(*sums, plan.process_group, plan.needs_samples))
