"""Who computes a loss: the engine, sweeps with torch between them, or torch alone.

Chosen once for the tensors of a call, by where they are and what is asked of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .. import _maps
from . import _cuda, _native, _ops, _plain
from ._details import LossDetails, details_of
from ._evaluation import integrands, objective, voxel_losses
from ._native import loss_dtype
from ._target import Target, check_values
from ._tracing import classes_of, constant, is_transformed


def chosen(
    logits: Tensor,
    target: Target,
    spec: str,
    settings: str,
    class_weights: Tensor | None = None,
) -> Plain:
    """The fastest that takes these tensors; a gradient by the logits is all that sweeps have."""
    route: type[Plain] = Plain
    others = (target.tensor, target.voxel_weight, *target.maps.values())
    is_differentiated = any(x is not None and x.requires_grad for x in others)
    if is_differentiated or is_transformed():
        pass
    elif _cuda.holds(logits):
        route = Kernels if _cuda.takes(logits, target, spec) else Plain
    elif logits.is_cpu and logits.dtype in _native.FLOATS:
        # The engine is told weights as numbers, never as a tensor.
        route = Engine if class_weights is None else Sweeps
    return route(logits, target, spec, settings, class_weights)


class Plain(NamedTuple):
    """Torch's operations: any device, any transform, any order of derivative, by any tensor."""

    logits: Tensor
    target: Target
    spec: str
    settings: str
    class_weights: Tensor | None = None

    def moments(self, columns: tuple[int, ...] = ()) -> Tensor:
        """The sums (N, K, C) that the loss is a function of, or some of the K."""
        check_values(self.logits, self.target, _maps.wanted(self.spec))
        sums = integrands(self.spec, classes_of(self.logits))
        wanted = [sums[column] for column in columns] if columns else sums
        return _plain.moments(wanted, self.logits, self.target)

    def loss(self) -> Tensor:
        """The loss, or its values."""
        return self.loss_of(self.moments(), self.target.class_valid)

    def loss_with_details(self) -> tuple[Tensor, LossDetails]:
        """The loss, and what the same sweep knows beside it."""
        sums, valid = self.moments(), self.target.class_valid
        return self.loss_of(sums, valid), self.details_of(sums, valid)

    def voxel_losses(self) -> Tensor:
        """The loss of every voxel, (N, 1, spatial…) or (N, C, spatial…)."""
        check_values(self.logits, self.target, _maps.wanted(self.spec))
        whole = objective(self.spec)
        losses = voxel_losses(whole, self.logits, self.target, self.class_weights)
        return losses.to(loss_dtype(self.logits))

    def loss_of(self, moments: Tensor, valid: Tensor | None) -> Tensor:
        """The loss of moments, which may be those of other ranks too."""
        value = _ops.of_moments(moments, valid, self.spec, self.class_weights)
        return value.to(loss_dtype(self.logits))

    def details_of(self, moments: Tensor, valid: Tensor | None) -> LossDetails:
        """Likewise."""
        return details_of(moments.detach(), valid, self.spec, self.class_weights)


class Sweeps(Plain):
    """The engine's sweeps, and torch between them."""

    __slots__ = ()
    _by: Any = _native

    def moments(self, columns: tuple[int, ...] = ()) -> Tensor:
        """In one sweep, and one backwards."""
        sums = _ops.measure(self._by, *self.inputs())
        if not columns:
            return sums
        return sums.index_select(1, constant(columns, sums, torch.int64))

    def inputs(self) -> tuple[Any, ...]:
        """What a sweep is given, as an operator takes it."""
        logits, target, spec, settings, _ = self
        tensor, kind, _, _, mask, voxel_weight, class_valid, maps = target
        masks = (mask, voxel_weight, class_valid)
        return (logits, tensor, *masks, list(maps.values()), spec, kind, settings)


class Kernels(Sweeps):
    """The kernels on a CUDA device: between the sweeps too, where there is one for the loss."""

    __slots__ = ()
    _by = _cuda


class Engine(Sweeps):
    """The engine alone."""

    __slots__ = ()

    def loss(self) -> Tensor:
        """Evaluated by the engine."""
        return _ops.fused(*self.inputs())

    def loss_with_details(self) -> tuple[Tensor, LossDetails]:
        """Likewise."""
        return _ops.detailed(*self.inputs())

    def voxel_losses(self) -> Tensor:
        """Likewise."""
        return _ops.voxel_losses(*self.inputs())
