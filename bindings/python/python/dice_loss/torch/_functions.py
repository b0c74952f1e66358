"""What the functions of the losses do, whichever loss it is."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any

from torch import Tensor

from .._masked import is_masked
from .._options import BackgroundForeground
from . import _plan, losses
from ._plan import Plan
from ._tracing import constant_in_graphs, is_at_hand
from .segmentation_loss import NamedLoss

_SIMPLE = frozenset({bool, int, float, str, type(None)})


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
    maps: Mapping[str, Tensor] | None = None,
) -> Any:
    """What the module of these options makes of the tensors."""
    run = _plan.loss_with_details if details else _plan.loss
    weights = options.get("class_weights")
    if isinstance(weights, Tensor) and not is_at_hand(weights):
        options = options | {"class_weights": None}
    else:
        weights = None
    plan = _plan_of(loss, options)
    return run(plan, logits, target, mask, voxel_weight, class_valid, maps, weights)


@constant_in_graphs
def _plan_of(loss: type[NamedLoss], options: dict[str, Any]) -> Plan:
    """The plan of the module, made once for options that are the same."""
    key = tuple((name, *frozen(value)) for name, value in options.items())
    try:
        return _cached_plan(loss, key)  # type: ignore[arg-type]
    except TypeError:
        # What cannot be remembered may still be read; what is wrong is said again.
        return _new_plan(loss, options)


@lru_cache(maxsize=256)
def _cached_plan(loss: type[NamedLoss], options: tuple[tuple[str, type, Any], ...]) -> Plan:
    return _new_plan(loss, {name: thawed(kind, value) for name, kind, value in options})


def _new_plan(loss: type[NamedLoss], options: dict[str, Any]) -> Plan:
    try:
        plan = loss(**options).plan
    except ValueError as error:
        raise ValueError(_as_functions(str(error))) from None
    if plan.lack_of_channels is None:
        return plan
    return plan._replace(lack_of_channels=_as_functions(plan.lack_of_channels))


def _as_functions(text: str) -> str:
    """With the names of functions in place of those of modules."""
    for name in losses.__all__:
        text = re.sub(rf"\b{name}\b", getattr(losses, name).function, text)
    return text


def frozen(value: Any) -> tuple[type, Hashable]:
    """An option with its type: what compares as equal, 1 and True, is not yet the same."""
    kind = type(value)
    if kind in _SIMPLE:
        return kind, value
    # What is masked becomes None in a list, which for an option is its default.
    if hasattr(value, "tolist") and not is_masked(value):
        value = value.tolist()
    if isinstance(value, Mapping):
        return dict, tuple((frozen(key), frozen(entry)) for key, entry in value.items())
    if isinstance(value, list | tuple):
        kind = kind if kind is BackgroundForeground else tuple
        return kind, tuple(map(frozen, value))
    return type(value), value


def thawed(kind: type, value: Any) -> Any:
    if kind is dict:
        return {thawed(*key): thawed(*entry) for key, entry in value}
    if kind is tuple:
        return tuple(thawed(*entry) for entry in value)
    if kind is BackgroundForeground:
        return BackgroundForeground(*(thawed(*entry) for entry in value))
    return value
