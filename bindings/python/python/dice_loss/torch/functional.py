"""Every loss as a function: `dice_loss(logits, target, background=False)`.

A function takes what the forward of its module takes, and the module's options by keyword.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any

from torch import Tensor

from . import _plan, losses
from ._plan import Plan
from ._tracing import constant_in_graphs
from .segmentation_loss import NamedLoss

__all__ = [
    "bce_loss",
    "combo_loss",
    "cross_entropy_loss",
    "dice_bce_loss",
    "dice_ce_loss",
    "dice_focal_loss",
    "dice_loss",
    "focal_loss",
    "focal_tversky_loss",
    "generalized_dice_focal_loss",
    "generalized_dice_loss",
    "generalized_wasserstein_dice_loss",
    "iou_loss",
    "log_cosh_dice_loss",
    "log_dice_loss",
    "matthews_correlation_loss",
    "tversky_loss",
    "unified_focal_loss",
]


@constant_in_graphs
def _plan_of(loss: type[NamedLoss], options: dict[str, Any]) -> Plan:
    """The plan of the module, made once for equal options."""
    plain = tuple((k, _hashable(v)) for k, v in sorted(options.items()))
    return _cached_plan(loss, plain)  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def _cached_plan(loss: type[NamedLoss], options: tuple[tuple[str, Any], ...]) -> Plan:
    return loss(**dict(options)).plan


def _hashable(value: Any) -> Hashable:
    value = value.tolist() if hasattr(value, "tolist") else value
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


def _function(loss: type[NamedLoss]) -> Callable[..., Any]:
    def function(
        logits: Tensor,
        target: Tensor,
        *,
        mask: Tensor | None = None,
        voxel_weight: Tensor | None = None,
        class_valid: Tensor | None = None,
        details: bool = False,
        **options: Any,
    ) -> Any:
        run = _plan.loss_with_details if details else _plan.loss
        return run(_plan_of(loss, options), logits, target, mask, voxel_weight, class_valid)

    of_tensors = list(inspect.signature(function).parameters.values())[:-1]
    of_loss = inspect.signature(loss).parameters.values()
    function.__signature__ = inspect.Signature([*of_tensors, *of_loss])  # type: ignore[attr-defined]
    function.__doc__ = f"The function of `dice_loss.torch.{loss.__name__}`: {loss.__doc__}"
    function.__module__ = __name__
    return function


bce_loss = _function(losses.BCELoss)
combo_loss = _function(losses.ComboLoss)
cross_entropy_loss = _function(losses.CrossEntropyLoss)
dice_bce_loss = _function(losses.DiceBCELoss)
dice_ce_loss = _function(losses.DiceCELoss)
dice_focal_loss = _function(losses.DiceFocalLoss)
dice_loss = _function(losses.DiceLoss)
focal_loss = _function(losses.FocalLoss)
focal_tversky_loss = _function(losses.FocalTverskyLoss)
generalized_dice_focal_loss = _function(losses.GeneralizedDiceFocalLoss)
generalized_dice_loss = _function(losses.GeneralizedDiceLoss)
generalized_wasserstein_dice_loss = _function(losses.GeneralizedWassersteinDiceLoss)
iou_loss = _function(losses.IoULoss)
log_cosh_dice_loss = _function(losses.LogCoshDiceLoss)
log_dice_loss = _function(losses.LogDiceLoss)
matthews_correlation_loss = _function(losses.MatthewsCorrelationLoss)
tversky_loss = _function(losses.TverskyLoss)
unified_focal_loss = _function(losses.UnifiedFocalLoss)
for _name in __all__:
    globals()[_name].__name__ = globals()[_name].__qualname__ = _name
