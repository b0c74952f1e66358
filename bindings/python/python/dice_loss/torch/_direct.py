"""Losses beside the objective as differentiable functions of tensors: by the engine, and in plain
torch.

In main memory the engine computes. Where nothing traces it leaves the gradient with the loss, for
an upstream gradient of 1, so that everything is done once; otherwise, and of half precision, which
rounds once, it is done again for the gradient. On other devices, under transforms and for a second
derivative torch's own operations do.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .. import _core, _direct
from .._plain import direct as plain
from .._plain.voxels import Voxels
from . import _namespace as xp
from . import _native, _ops, _plain
from ._native import Lent, View, fresh_gradient, loss_dtype, view
from ._target import Target, check_values
from ._tracing import classes_of, is_at_hand, is_intercepted, is_transformed


def loss(logits: Tensor, target: Target, spec: str, settings: str) -> Tensor:
    """The loss, or its values."""
    is_native = logits.is_cpu and logits.dtype in _native.FLOATS
    if not is_native or is_transformed():
        check_values(logits, target)
        return _in_torch(logits, target, spec).to(loss_dtype(logits))
    masks = (target.mask, None, target.class_valid)
    inputs: tuple[Any, ...] = (logits, target.tensor, *masks, [], spec, target.kind, settings)
    value: Tensor
    if is_intercepted():
        value = torch.ops.dice_loss.direct.default(*inputs)
    elif torch.is_grad_enabled() and logits.requires_grad:
        value = _Direct.apply(*inputs)
    else:
        value = _value(*inputs)
    return value


# By the engine.


def _computed(
    inputs: tuple[Any, ...], upstream: Tensor | None = None, gradient: Tensor | None = None
) -> Tensor:
    logits, target, mask, weight, valid, maps, spec, kind, settings = inputs
    lent = Lent(logits, target, mask, weight, valid, maps, kind, settings)
    views: list[View | None] = [None if x is None else view(x) for x in (upstream, gradient)]
    value, values, shape = _core.direct(spec, *lent.views, torch.get_num_threads(), *views)
    if _direct.read(spec).reduction == "none":
        return torch.tensor(values, dtype=loss_dtype(logits)).reshape(shape)
    return torch.scalar_tensor(value, dtype=loss_dtype(logits))


def _value(*inputs: Any) -> Tensor:
    return _computed(inputs)


def _gradient(upstream: Tensor, *inputs: Any) -> Tensor:
    gradient = fresh_gradient(inputs[0])
    _computed(inputs, upstream.to(torch.float64).contiguous(), gradient)
    return gradient


class _Direct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        logits, *_, spec, _, _ = inputs
        is_one = logits.dtype in _native.WIDE and _direct.read(spec).reduction != "none"
        ctx.gradient = fresh_gradient(logits) if is_one else None
        ctx.set_materialize_grads(False)
        _ops._keep(ctx, inputs, None)
        return _computed(inputs, None, ctx.gradient)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None) -> Any:
        # Given away once: whoever gets it may write to it, also where the graph is kept.
        gradient, ctx.gradient = ctx.gradient, None
        if upstream is None or not ctx.needs_input_grad[0]:
            return (None,) * _ops._COUNT
        if torch.is_grad_enabled() or is_intercepted():
            gradient = _gradient_of(upstream, ctx)
        elif gradient is None:
            gradient = _gradient(upstream, *_ops._inputs(ctx.saved_tensors, ctx))
        elif not (is_at_hand(upstream) and upstream.item() == 1.0):
            gradient.mul_(upstream)
        return (gradient, *(None,) * (_ops._COUNT - 1))


def _backward(ctx: Any, upstream: Tensor) -> _ops.Gradients:
    if not ctx.needs_input_grad[0]:
        return (None,) * _ops._COUNT
    return (_gradient_of(upstream, ctx), *(None,) * (_ops._COUNT - 1))


def _gradient_of(upstream: Tensor, ctx: Any) -> Tensor:
    inputs = _ops._inputs(ctx.saved_tensors, ctx)
    gradient: Tensor = torch.ops.dice_loss.direct_gradient.default(upstream, *inputs)
    return gradient


def _backward_of_gradient(ctx: Any, second: Tensor) -> _ops.Gradients:
    """The derivative of ⟨second, ∂(upstream · loss)/∂logits⟩, by torch's operations."""
    upstream, logits, *rest = ctx.saved_tensors
    target = _ops._target(rest, ctx)

    def directional(logits: Tensor, upstream: Tensor) -> Tensor:
        values = _in_torch(logits, target, ctx.spec)
        (gradient,) = torch.autograd.grad((values * upstream).sum(), logits, create_graph=True)
        return gradient

    by_logits, by_upstream = _ops._derivatives(directional, (logits, upstream), second)
    return (by_upstream, by_logits, *(None,) * (_ops._COUNT - 1))


def _fake_value(logits: Tensor, *rest: Any) -> Tensor:
    shape = _direct.read(rest[-3]).shape(logits.shape[0], classes_of(logits))
    return logits.new_empty(shape, dtype=loss_dtype(logits))


_ops._register("direct", f"({_ops._INPUTS}) -> Tensor", _value, _fake_value, _backward, _ops._keep)
_ops._register(
    "direct_gradient",
    f"(Tensor upstream, {_ops._INPUTS}) -> Tensor",
    _gradient,
    _ops._fake_gradient,
    _backward_of_gradient,
    _ops._keep,
)


# In torch.


def _in_torch(logits: Tensor, target: Target, spec: str) -> Tensor:
    """The same by torch's operations: any device, any transform, any order of derivative."""
    batch = _plain._batch(logits, target)
    if target.kind == "dense" and plain.wants_hard(spec):
        g = Voxels(xp, batch).g
        if is_at_hand(g) and bool(((g != 0) & (g != 1)).any()):
            raise ValueError("target: found values between 0 and 1, wanted 0 or 1")
    value: Tensor = plain.loss(xp, spec, batch)
    return value
