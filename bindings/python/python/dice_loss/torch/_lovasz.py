"""Lovász losses as differentiable functions of tensors: by the engine, and in plain torch.

In main memory the engine ranks. Where nothing traces it leaves the gradient with the loss, for an
upstream gradient of 1, so that voxels are sorted once; otherwise, and of half precision, which
rounds once, it sorts again for the gradient. On other devices, under transforms and for a second
derivative torch's own operations do.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .. import _core, _lovasz
from .._plain.voxels import Voxels
from . import _namespace as xp
from . import _native, _ops, _plain
from ._native import Lent, View, fresh_gradient, loss_dtype, view
from ._target import Target, check_values
from ._tracing import constant, is_at_hand, is_intercepted, is_transformed


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
        value = torch.ops.dice_loss.lovasz.default(*inputs)
    elif torch.is_grad_enabled() and logits.requires_grad:
        value = _Ranked.apply(*inputs)
    else:
        value = _value(*inputs)
    return value


# By the engine.


def _ranked(
    inputs: tuple[Any, ...], upstream: Tensor | None = None, gradient: Tensor | None = None
) -> Tensor:
    logits, target, mask, weight, valid, maps, spec, kind, settings = inputs
    lent = Lent(logits, target, mask, weight, valid, maps, kind, settings)
    views: list[View | None] = [None if x is None else view(x) for x in (upstream, gradient)]
    value, values, shape = _core.lovasz(spec, *lent.views, torch.get_num_threads(), *views)
    if _lovasz.read(spec).reduction == "none":
        return torch.tensor(values, dtype=loss_dtype(logits)).reshape(shape)
    return torch.scalar_tensor(value, dtype=loss_dtype(logits))


def _value(*inputs: Any) -> Tensor:
    return _ranked(inputs)


def _gradient(upstream: Tensor, *inputs: Any) -> Tensor:
    gradient = fresh_gradient(inputs[0])
    _ranked(inputs, upstream.to(torch.float64).contiguous(), gradient)
    return gradient


class _Ranked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        logits, *_, spec, _, _ = inputs
        is_one = logits.dtype in _native.WIDE and _lovasz.read(spec).reduction != "none"
        ctx.gradient = fresh_gradient(logits) if is_one else None
        ctx.set_materialize_grads(False)
        _ops._keep(ctx, inputs, None)
        return _ranked(inputs, None, ctx.gradient)

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
    gradient: Tensor = torch.ops.dice_loss.lovasz_gradient.default(upstream, *inputs)
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
    options = _lovasz.read(rest[-3])
    shape = logits.shape[1:2] if options.pooled else logits.shape[:2]
    is_one = options.reduction != "none"
    return logits.new_empty(() if is_one else shape, dtype=loss_dtype(logits))


_ops._register("lovasz", f"({_ops._INPUTS}) -> Tensor", _value, _fake_value, _backward, _ops._keep)
_ops._register(
    "lovasz_gradient",
    f"(Tensor upstream, {_ops._INPUTS}) -> Tensor",
    _gradient,
    _ops._fake_gradient,
    _backward_of_gradient,
    _ops._keep,
)


# In torch.


def _in_torch(logits: Tensor, target: Target, spec: str) -> Tensor:
    """The same by torch's operations: any device, any transform, any order of derivative."""
    options = _lovasz.read(spec)
    voxels = Voxels(xp, _plain._batch(logits, target))
    x, g, classes = voxels.x, voxels.g, voxels.classes
    if is_at_hand(g) and bool(((g != 0) & (g != 1)).any()):
        raise ValueError("target: found values between 0 and 1, wanted 0 or 1: voxels are ranked")
    _core.check_lovasz(spec, classes)
    inside = g > 0.5
    ranked = torch.ones_like(inside)
    if voxels.counted is not None:
        x, ranked = torch.where(voxels.counted, x, 0.0), ranked & voxels.counted
    annotated = x.new_ones(x.shape[:2], dtype=torch.bool)
    if target.class_valid is not None:
        annotated = target.class_valid.to(torch.bool)
        ranked = ranked & annotated.unsqueeze(2)
    if options.kind == "hinge":
        errors = torch.relu(1.0 - torch.where(inside, x, -x))
    else:
        p = torch.softmax(x, 1) if options.kind == "softmax" else x
        errors = (g - p).abs()
    # What is not ranked comes with the errors of 0, which add nothing.
    errors, inside = torch.where(ranked, errors, 0.0), inside & ranked
    if options.pooled:
        errors, inside = (each.transpose(0, 1).flatten(1) for each in (errors, inside))
        annotated = annotated.any(0)
    values, size = _extension(errors, inside)
    weights = constant(options.weights(classes), values).expand_as(values)
    counts = annotated if options.absent != "skip" else annotated & (size > 0)
    weights = torch.where(counts, weights, 0.0)
    if options.absent == "zero":
        values = torch.where(size > 0, values, 0.0)
    values = torch.where(weights > 0, weights * values, 0.0)
    if options.reduction == "none":
        return values
    total = weights.sum() if options.reduction == "mean" else weights.new_ones(())
    return torch.where(total > 0, values.sum() / torch.where(total > 0, total, 1.0), 0.0)


def _extension(errors: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """Of each row: Σ e_i (J_i − J_{i−1}) over the sorted errors, and how many are inside."""
    errors, order = errors.sort(dim=-1, descending=True, stable=True)
    inside = inside.gather(-1, order)
    size = inside.sum(-1, keepdim=True)
    first = torch.arange(inside.shape[-1], device=inside.device) == 0
    wide = xp.sum_dtype(errors.device)
    before = inside.cumsum(-1) - inside.long()
    outside = (~inside).cumsum(-1) - (~inside).long()
    union, left = (size + outside).to(wide), (size - before).to(wide)
    increment = torch.where(inside, 1.0 / union, left / (union * (union + 1.0)))
    increment = torch.where(size > 0, increment, first.to(wide))
    # An error of 0 adds nothing, whatever the union of nothing is.
    return (errors * increment.detach()).sum(-1), size.squeeze(-1)
