"""The torch backend: the operations of `dice_loss.torch`, on tensors as they lie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from torch import Tensor

from .._tracing import constant_in_graphs
from ..torch import _plan
from ..torch._plan import Plan
from ..torch.direct import loss_of, planned
from ._batch import Batch


def loss(spec: str, batch: Batch) -> Tensor:
    """The loss, or for reduction "none" its values."""
    plan = _planned(spec, batch.ignore_index, batch.regions, batch.kind)
    logits, target = _channels_first(batch)
    value = _plan.loss(plan, logits, target, *_weights(batch))
    if not plan.has_map:
        return value
    return value.squeeze(1) if value.shape[1] == 1 else value.movedim(1, batch.axis)


def direct(spec: str, batch: Batch) -> Tensor:
    """A loss beside the objective, or for reduction "none" its values."""
    kind = None if batch.kind == "regions" else batch.kind
    plan = planned(spec, batch.ignore_index, batch.regions, kind)
    return loss_of(plan, *_channels_first(batch), batch.mask, None)


def moments(spec: str, batch: Batch) -> Tensor:
    """The sums (N, K, C) that the loss is a function of."""
    plan = _planned(spec, batch.ignore_index, batch.regions, batch.kind)
    logits, target = _channels_first(batch)
    return _plan.moments(plan, logits, target, *_weights(batch))


def maps(spec: str, batch: Batch, names: Sequence[str]) -> dict[str, Tensor]:
    """Those of these names, made of the target."""
    plan = _planned(spec, batch.ignore_index, batch.regions, batch.kind)
    logits, target = _channels_first(batch)
    _, voxels = _plan.read(plan, logits, target, *_weights(batch))
    return {name: voxels.maps[name].movedim(1, batch.axis) for name in names}


def _weights(batch: Batch) -> tuple[Any, ...]:
    """Masks and maps, as a plan takes them."""
    maps = {name: map.movedim(batch.axis, 1) for name, map in batch.maps.items()}
    return (batch.mask, batch.voxel_weight, None, maps or None)


def _channels_first(batch: Batch) -> tuple[Tensor, Tensor]:
    """Views with the classes on axis 1; the engine follows their strides."""
    target: Tensor = batch.target
    logits: Tensor = batch.logits.movedim(batch.axis, 1)
    return logits, target.movedim(batch.axis, 1) if batch.kind == "dense" else target


@constant_in_graphs
def _planned(
    spec: str,
    ignore_index: int | None,
    regions: tuple[tuple[int, ...], ...] | None,
    kind: str,
) -> Plan:
    return _cached_plan(spec, ignore_index, regions, kind)


@lru_cache(maxsize=256)
def _cached_plan(
    spec: str,
    ignore_index: int | None,
    regions: tuple[tuple[int, ...], ...] | None,
    kind: str,
) -> Plan:
    return _plan.planned(spec, ignore_index, regions, None if kind == "regions" else kind)
