"""The sweeps as differentiable functions of tensors in main memory and on CUDA devices.

Each goes two ways. Where something traces or intercepts operators, such as `torch.compile`,
`torch.export` or a fake tensor mode, it is a registered operator, `torch.ops.dice_loss.…`,
opaque and with a shape function. Otherwise it is a plain `torch.autograd.Function`, which on small
tensors takes two thirds of the time. Body and derivative are the same.

The second derivative is that of the plain-torch reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from . import _cuda, _native, _plain
from ._details import LossDetails, details_at_hand, details_of
from ._evaluation import Moments, evaluate, integrands, objective
from ._evaluation import voxel_losses as reference_voxel_losses
from ._native import loss_dtype
from ._target import Target
from ._tracing import classes_of, is_at_hand, is_intercepted, is_transformed

Gradients = tuple[Tensor | None, ...]
#: The column of the moments that counts voxels.
_VOXELS = 2
#: Logits up to which the engine computes on the thread that calls it.
_SMALL = 1 << 14
_INPUTS = (
    "Tensor logits, Tensor target, Tensor? mask, Tensor? voxel_weight, Tensor? class_valid, "
    "Tensor[] maps, str spec, str kind, str settings"
)


def measure(sweeps: Any, *inputs: Any) -> Tensor:
    """The moments (N, K, C) of an objective, in one sweep."""
    moments: Tensor
    if is_intercepted():
        moments = torch.ops.dice_loss.measure.default(*inputs)
    elif torch.is_grad_enabled() and inputs[0].requires_grad:
        moments = _Measure.apply(*inputs, sweeps)
    else:
        moments = sweeps.measure(*inputs)
    return moments


def fused(*inputs: Any) -> Tensor:
    """The loss, or its values."""
    logits, *_, spec, _, _ = inputs
    loss: Tensor
    if is_intercepted():
        loss = torch.ops.dice_loss.objective.default(*inputs)[0]
    elif torch.is_grad_enabled() and logits.requires_grad:
        loss = _with_gradient(logits, spec).apply(*inputs, None)
    else:
        loss = _native.value(_native.verdict(*inputs), logits)
    return loss


def detailed(*inputs: Any) -> tuple[Tensor, LossDetails]:
    """The loss, and what the engine tells beside it."""
    logits, *_, class_valid, _, spec, _, _ = inputs
    if is_intercepted():
        loss, _, moments = torch.ops.dice_loss.objective.default(*inputs)
        return loss, details_of(moments.detach(), class_valid, spec)
    details = _native.Details(logits, spec)
    if torch.is_grad_enabled() and logits.requires_grad:
        loss = _with_gradient(logits, spec).apply(*inputs, details)
    else:
        loss = _native.value(_native.verdict(*inputs, details=details), logits)
    return loss, details_at_hand(details)


def voxel_losses(*inputs: Any) -> Tensor:
    """The loss of every voxel, (N, 1, spatial…) or (N, C, spatial…)."""
    losses: Tensor
    if is_intercepted():
        losses = torch.ops.dice_loss.voxel_losses.default(*inputs)
    elif torch.is_grad_enabled() and inputs[0].requires_grad:
        losses = _VoxelLosses.apply(*inputs)
    else:
        losses = _native.voxel_losses(*inputs)
    return losses


def loss(logits: Tensor, target: Target, spec: str) -> Tensor:
    """The loss (or its values) by the reference."""
    columns = integrands(spec, classes_of(logits))
    moments = _plain.moments(columns, logits, target)
    return of_moments(moments, target.class_valid, spec).to(loss_dtype(logits))


def of_moments(
    moments: Tensor, valid: Tensor | None, spec: str, class_weights: Tensor | None = None
) -> Tensor:
    """The loss (or its values) of moments, differentiable."""
    if _cuda.holds(moments) and not (is_intercepted() or is_transformed()):
        program = _cuda.program(moments, valid, spec)
        if program is not None:
            inputs = (moments, valid, class_weights, spec, program)
            if torch.is_grad_enabled() and moments.requires_grad:
                loss: Tensor = _Evaluation.apply(*inputs)
            else:
                loss, _ = _cuda.evaluate(*inputs)
            return loss
    return _plain_of_moments(moments, valid, spec, class_weights)


def _plain_of_moments(
    moments: Tensor, valid: Tensor | None, spec: str, class_weights: Tensor | None
) -> Tensor:
    columns = integrands(spec, classes_of(moments, 2))
    valid = None if valid is None else valid.to(torch.bool)
    value: Tensor = evaluate(objective(spec), Moments(columns, moments, valid, class_weights)).loss
    if _cuda.holds(moments):
        # Voxels are counted by no formula that leaves out what is not a number.
        value = value + 0.0 * moments.detach()[:, _VOXELS].sum()
    return value


#: How many inputs a sweep has, and where its maps are.
_COUNT, _MAPS = 9, -4


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    """Of a sweep, which may have a tensor before its own inputs."""
    *tensors, maps, ctx.spec, ctx.kind, ctx.settings = inputs
    ctx.save_for_backward(*tensors, *maps)
    ctx.maps = len(maps)


def _inputs(tensors: Sequence[Tensor], ctx: Any) -> tuple[Any, ...]:
    """Those of a sweep, of which these tensors were kept."""
    logits, target, mask, voxel_weight, class_valid, *maps = tensors
    masks = (mask, voxel_weight, class_valid)
    return (logits, target, *masks, maps, ctx.spec, ctx.kind, ctx.settings)


# Sweep 1: the moments.


class _Measure(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *given, ctx.sweeps = inputs
        _keep(ctx, tuple(given), None)
        moments: Tensor = ctx.sweeps.measure(*given)
        return moments

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> Any:
        if not ctx.needs_input_grad[0]:
            return (None,) * (_COUNT + 1)
        return (_pull_back(slopes, ctx.saved_tensors, ctx, ctx.sweeps), *(None,) * _COUNT)


def _fake_moments(logits: Tensor, spec: str) -> Tensor:
    columns = len(integrands(spec, classes_of(logits)))
    shape = (logits.shape[0], columns, logits.shape[1])
    return logits.new_empty(shape, dtype=torch.float64)


# The loss between the sweeps, by a kernel.


class _Evaluation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        moments, valid, class_weights, ctx.spec, _ = inputs
        loss, slopes = _cuda.evaluate(*inputs)
        ctx.save_for_backward(slopes, moments, valid, class_weights)
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Gradients:
        slopes, moments, valid, class_weights = ctx.saved_tensors
        if torch.is_grad_enabled():
            # The slopes depend on the moments too: for a second derivative all is derived again.
            (gradient,) = _derivatives(
                lambda x: _plain_of_moments(x, valid, ctx.spec, class_weights), (moments,), upstream
            )
        else:
            gradient = _chained(slopes, upstream, ctx.spec)
        return (gradient, *(None,) * 4)


# Sweep 2: from derivatives by the moments to the gradient.


def _measure_backward(ctx: Any, slopes: Tensor) -> Gradients:
    if not ctx.needs_input_grad[0]:
        return (None,) * _COUNT
    inputs = (slopes, *_inputs(ctx.saved_tensors, ctx))
    return (torch.ops.dice_loss.pull_back.default(*inputs), *(None,) * (_COUNT - 1))


def _pull_back(slopes: Tensor, tensors: Any, ctx: Any, sweeps: Any = _native) -> Tensor:
    inputs = (slopes, *_inputs(tensors, ctx))
    gradient: Tensor
    if torch.is_grad_enabled() or is_intercepted():
        gradient = torch.ops.dice_loss.pull_back.default(*inputs)
    else:
        gradient = sweeps.pull_back(*inputs)
    return gradient


def _pull_back_backward(ctx: Any, upstream: Tensor) -> Gradients:
    """The derivative of ⟨upstream, ∂(slopes · moments)/∂logits⟩, by way of the reference."""
    slopes, logits, *rest = ctx.saved_tensors
    target = _target(rest, ctx)

    def directional(logits: Tensor, slopes: Tensor) -> Tensor:
        sums = _plain.moments(integrands(ctx.spec, classes_of(logits)), logits, target)
        (gradient,) = torch.autograd.grad((sums * slopes).sum(), logits, create_graph=True)
        return gradient

    by_logits, by_slopes = _derivatives(directional, (logits, slopes), upstream)
    return (by_slopes, by_logits, *(None,) * (_COUNT - 1))


# Both sweeps and the loss between them.


def _keep_verdict(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    _, slopes, moments = output
    ctx.mark_non_differentiable(slopes, moments)
    ctx.set_materialize_grads(False)
    _keep(ctx, (slopes, *inputs), None)


def _objective_backward(ctx: Any, upstream: Tensor | None, *_: Any) -> Gradients:
    if upstream is None or not ctx.needs_input_grad[0]:
        return (None,) * _COUNT
    slopes, *tensors = ctx.saved_tensors
    if torch.is_grad_enabled():
        gradient = _derived_again(upstream, tensors, ctx)
    else:
        gradient = _pull_back(_chained(slopes, upstream, ctx.spec), tensors, ctx)
    return (gradient, *(None,) * (_COUNT - 1))


def _derived_again(upstream: Tensor, tensors: list[Tensor], ctx: Any) -> Tensor:
    """The gradient for a second derivative: the slopes depend on the logits too."""
    logits, *rest = tensors
    target = _target(rest, ctx)
    (gradient,) = _derivatives(lambda x: loss(x, target, ctx.spec), (logits,), upstream)
    return gradient


def _chained(slopes: Tensor, upstream: Tensor, spec: str) -> Tensor:
    """The derivatives by the moments, times the gradient by the value that each belongs to."""
    if upstream.dim() == 0:
        return slopes if _is_one(upstream) else slopes * upstream
    by_cell = {
        "sample and class": (-1, 1, slopes.shape[2]),
        "class": (1, 1, -1),
        "sample": (-1, 1, 1),
    }
    upstream = upstream.reshape(by_cell[objective(spec).terms[0].cells])
    # An infinite derivative of something that has no upstream gradient is no gradient.
    return torch.where(upstream == 0, 0.0, slopes * upstream)


def _is_one(upstream: Tensor) -> bool:
    """At the end of most graphs there is a 1."""
    return is_at_hand(upstream) and upstream.item() == 1.0


class _Objective(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *given, details = inputs
        logits, *_, spec, _, _ = given
        slopes = _native.sums(logits, spec)
        verdict = _native.verdict(*given, slopes=slopes, details=details)
        ctx.set_materialize_grads(False)
        _keep(ctx, (slopes, *given), None)
        return _native.value(verdict, logits)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None) -> Any:
        return (*_objective_backward(ctx, upstream), None)


class _AtOnce(torch.autograd.Function):
    """The gradient is written with the loss, for an upstream gradient of 1. Of few logits: to call
    the engine again, and to keep slopes until then, would take longer than the sweep. Of instances:
    the engine would have to measure each of them again."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *given, details = inputs
        ctx.gradient = _native.fresh_gradient(given[0])
        verdict = _native.verdict(*given, gradient=ctx.gradient, details=details)
        ctx.set_materialize_grads(False)
        _keep(ctx, tuple(given), None)
        return _native.value(verdict, given[0])

    @staticmethod
    def backward(ctx: Any, upstream: Tensor | None) -> Any:
        if upstream is None or not ctx.needs_input_grad[0]:
            return (None,) * (_COUNT + 1)
        tensors = ctx.saved_tensors
        # Given away once: whoever gets it may write to it, also where the graph is kept.
        gradient, ctx.gradient = ctx.gradient, None
        if torch.is_grad_enabled():
            gradient = _derived_again(upstream, tensors, ctx)
        elif gradient is None or is_intercepted():
            _, slopes, _ = torch.ops.dice_loss.objective.default(*_inputs(tensors, ctx))
            gradient = _pull_back(_chained(slopes, upstream, ctx.spec), tensors, ctx)
        elif not _is_one(upstream):
            gradient = gradient * upstream
        return (gradient, *(None,) * _COUNT)


def _with_gradient(logits: Tensor, spec: str) -> type[torch.autograd.Function]:
    """The loss, by how many logits there are. Half precision rounds once, so it has to know the
    upstream gradient, as values for each class have."""
    whole = objective(spec)
    is_worth_it = logits.numel() <= _SMALL or whole.looks_at_instances
    at_once = logits.dtype in _native.WIDE and is_worth_it and whole.reduction != "none"
    return _AtOnce if at_once else _Objective


# The map of voxel losses.


def _voxel_losses_backward(ctx: Any, upstream: Tensor) -> Gradients:
    if not ctx.needs_input_grad[0]:
        return (None,) * _COUNT
    inputs = (upstream, *_inputs(ctx.saved_tensors, ctx))
    if torch.is_grad_enabled() or is_intercepted():
        gradient = torch.ops.dice_loss.pull_back_map.default(*inputs)
    else:
        gradient = _native.pull_back_map(*inputs)
    return (gradient, *(None,) * (_COUNT - 1))


class _VoxelLosses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        _keep(ctx, inputs, None)
        return _native.voxel_losses(*inputs)

    backward = staticmethod(_voxel_losses_backward)


def _pull_back_map_backward(ctx: Any, second: Tensor) -> Gradients:
    upstream, logits, *rest = ctx.saved_tensors
    target = _target(rest, ctx)

    def directional(logits: Tensor, upstream: Tensor) -> Tensor:
        losses = reference_voxel_losses(objective(ctx.spec), logits, target)
        (gradient,) = torch.autograd.grad((losses * upstream).sum(), logits, create_graph=True)
        return gradient

    by_logits, by_upstream = _derivatives(directional, (logits, upstream), second)
    return (by_upstream, by_logits, *(None,) * (_COUNT - 1))


# Second derivatives.


def _target(rest: list[Tensor], ctx: Any) -> Target:
    target, mask, voxel_weight, class_valid, *maps = rest
    ignore_index, regions, names = _native.read_settings(ctx.settings)
    named = dict(zip(names, maps, strict=True))
    return Target(target, ctx.kind, regions, ignore_index, mask, voxel_weight, class_valid, named)


def _derivatives(
    function: Callable[..., Tensor], inputs: tuple[Tensor, ...], upstream: Tensor
) -> tuple[Tensor, ...]:
    """By each input, differentiable again where that is asked for."""
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        alive = [x if again and x.requires_grad else x.detach().requires_grad_() for x in inputs]
        value = function(*alive)
        upstream = upstream.to(value.dtype)
        return torch.autograd.grad(
            value, alive, upstream, create_graph=again, materialize_grads=True
        )


# The registered operators.


def _register(
    name: str,
    signature: str,
    body: Callable[..., Any],
    shape: Callable[..., Any],
    backward: Callable[..., Gradients],
    keep: Callable[..., None],
) -> None:
    operator = torch.library.custom_op(
        f"dice_loss::{name}", body, mutates_args=(), device_types="cpu", schema=signature
    )

    def gradients(ctx: Any, *upstream: Any) -> tuple[Any, ...]:
        found: list[Any] = list(backward(ctx, *upstream))
        # Of a list an operator wants a list.
        found[_MAPS] = [None] * ctx.maps
        return tuple(found)

    operator.register_fake(shape)
    operator.register_autograd(gradients, setup_context=keep)


def _fake_gradient(upstream: Tensor, logits: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(logits, memory_format=_native.memory_format(logits))


def _fake_measure(logits: Tensor, *rest: Any) -> Tensor:
    return _fake_moments(logits, rest[-3])


def _fake_objective(logits: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    spec, moments = rest[-3], _fake_moments(logits, rest[-3])
    shape = objective(spec).shape(*logits.shape[:2])
    values = logits.new_empty(shape, dtype=loss_dtype(logits))
    return values, torch.empty_like(moments), moments


def _fake_voxel_losses(logits: Tensor, *rest: Any) -> Tensor:
    return logits.new_empty(_native.map_shape(logits, rest[-3]), dtype=loss_dtype(logits))


_register(
    "measure",
    f"({_INPUTS}) -> Tensor",
    _native.measure,
    _fake_measure,
    _measure_backward,
    _keep,
)
_register(
    "pull_back",
    f"(Tensor slopes, {_INPUTS}) -> Tensor",
    _native.pull_back,
    _fake_gradient,
    _pull_back_backward,
    _keep,
)
_register(
    "objective",
    f"({_INPUTS}) -> (Tensor, Tensor, Tensor)",
    _native.objective,
    _fake_objective,
    _objective_backward,
    _keep_verdict,
)
_register(
    "voxel_losses",
    f"({_INPUTS}) -> Tensor",
    _native.voxel_losses,
    _fake_voxel_losses,
    _voxel_losses_backward,
    _keep,
)
_register(
    "pull_back_map",
    f"(Tensor upstream, {_INPUTS}) -> Tensor",
    _native.pull_back_map,
    _fake_gradient,
    _pull_back_map_backward,
    _keep,
)

torch.library.register_kernel("dice_loss::measure", "cuda", _cuda.measure)
torch.library.register_kernel("dice_loss::pull_back", "cuda", _cuda.pull_back)
