"""What the functions of the losses do, whichever loss it is."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

from torch import Tensor

from .._options import BackgroundForeground
from . import _plan
from ._plan import Plan
from ._tracing import constant_in_graphs, is_intercepted, is_transformed
from .segmentation_loss import NamedLoss


def evaluated(
    loss: type[NamedLoss],
    options: dict[str, Any],
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    details: bool,
) -> Any:
    """What the module of these options makes of the tensors."""
    run = _plan.loss_with_details if details else _plan.loss
    weights = options.get("class_weights")
    if _is_operand(weights):
        options = options | {"class_weights": None}
    else:
        weights = None
    plan = _plan_of(loss, options)
    return run(plan, logits, target, mask, voxel_weight, class_valid, weights)


def _is_operand(weights: Any) -> bool:
    """Whether class weights are a tensor that cannot be read without a wait or a break."""
    if not isinstance(weights, Tensor):
        return False
    return weights.device.type != "cpu" or is_intercepted() or is_transformed()


@constant_in_graphs
def _plan_of(loss: type[NamedLoss], options: dict[str, Any]) -> Plan:
    """The plan of the module, made once for equal options."""
    plain = tuple((name, _hashable(value)) for name, value in options.items())
    return _cached_plan(loss, plain)  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def _cached_plan(loss: type[NamedLoss], options: tuple[tuple[str, Any], ...]) -> Plan:
    return loss(**dict(options)).plan


def _hashable(value: Any) -> Hashable:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, BackgroundForeground):
        return value
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value
