"""The engine as torch operators, for tensors in main memory.

``measure`` and ``objective`` go forwards, ``pull_back`` backwards, and ``voxel_losses`` with
``pull_back_map`` do the same for losses that are not reduced. As registered operators they pass
through ``torch.compile``, ``torch.export`` and saved graphs. Their second derivative is that of the
plain-torch reference.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from .. import _core
from . import _reference
from ._evaluation import Moments, evaluate, integrands, objective
from ._evaluation import voxel_losses as _voxel_losses_by_reference
from ._reference import Integrand
from ._target import Target

Options = tuple[Any, ...]
_VOXELS = "Tensor logits, Tensor target, Tensor? mask, Tensor? voxel_weight, Tensor? class_valid"
_WHAT = "str spec, str kind, str settings"
_ELEMENTS = {
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float32: "float32",
    torch.float64: "float64",
    torch.uint8: "uint8",
    torch.int16: "int16",
    torch.int32: "int32",
    torch.int64: "int64",
    torch.bool: "bool",
}
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_LABELS = (torch.uint8, torch.int16, torch.int32, torch.int64, torch.float32)
_HUGE_PAGE = 2 << 20


def is_native(logits: Tensor, target: Target) -> bool:
    """Whether the engine can take these tensors: in main memory, with a gradient by logits only."""
    if logits.device.type != "cpu" or logits.dtype not in _FLOATS:
        return False
    if target.tensor.requires_grad:
        return False
    if target.voxel_weight is not None and target.voxel_weight.requires_grad:
        return False
    # These transforms see through tensor operations only.
    return not torch._C._are_functorch_transforms_active() and forward_ad._current_level < 0


def settings_of(ignore_index: int | None, regions: Any) -> str:
    """What an operator is told about the target beside its kind."""
    return json.dumps([ignore_index, regions])


def measure(logits: Tensor, target: Target, spec: str, settings: str) -> Tensor:
    """The moments (N, K, C) of an objective, by the engine."""
    return torch.ops.dice_loss.measure.default(*_arguments(logits, target, spec, settings))


def fused(logits: Tensor, target: Target, spec: str, settings: str) -> tuple[Tensor, Tensor]:
    """The loss (or its values), and the moments that it was made of."""
    loss, _, moments = torch.ops.dice_loss.objective.default(
        *_arguments(logits, target, spec, settings)
    )
    return loss, moments


def voxel_losses(logits: Tensor, target: Target, spec: str, settings: str) -> Tensor:
    """The loss of every voxel, (N, 1, spatial…) or (N, C, spatial…)."""
    return torch.ops.dice_loss.voxel_losses.default(*_arguments(logits, target, spec, settings))


def _arguments(logits: Tensor, target: Target, spec: str, settings: str) -> tuple[Any, ...]:
    return (
        logits,
        target.tensor,
        target.mask,
        target.voxel_weight,
        target.class_valid,
        spec,
        target.kind,
        settings,
    )


def loss_dtype(logits: Tensor) -> torch.dtype:
    """What a loss comes in: float32, or float64 of float64 logits."""
    return torch.float64 if logits.dtype is torch.float64 else torch.float32


# Lending memory to the engine.


def _view(tensor: Tensor) -> tuple[int, tuple[int, ...], tuple[int, ...], str]:
    return (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), _ELEMENTS[tensor.dtype])


def _lendable(tensor: Tensor, channels: bool) -> Tensor:
    """The tensor itself, or a copy where the engine cannot follow its strides."""
    tensor = tensor.resolve_neg()
    if _core.collapses(tuple(tensor.shape), tensor.stride(), channels):
        return tensor
    return tensor.contiguous()


def _target_of(target: Tensor, kind: str) -> Tensor:
    if kind == "dense":
        wanted = target if target.dtype in (*_FLOATS, torch.uint8, torch.bool) else target.float()
        return _lendable(wanted, channels=True)
    if target.dtype is torch.bool:
        target = target.view(torch.uint8)
    elif target.dtype not in _LABELS:
        target = target.float() if target.is_floating_point() else target.long()
    return _lendable(target, channels=False)


@lru_cache(maxsize=256)
def _settings(settings: str) -> tuple[int | None, Any]:
    ignore_index, regions = json.loads(settings)
    return ignore_index, regions


class _Lent:
    """Views of everything that a sweep reads; keeps the tensors behind them alive."""

    def __init__(
        self,
        logits: Tensor,
        target: Tensor,
        mask: Tensor | None,
        voxel_weight: Tensor | None,
        class_valid: Tensor | None,
        kind: str,
        settings: str,
    ) -> None:
        logits = _lendable(logits, channels=True)
        target = _target_of(target, kind)
        if mask is not None:
            readable = mask.dtype in (*_FLOATS, torch.uint8, torch.bool)
            mask = _lendable(mask if readable else mask != 0, channels=False)
        if voxel_weight is not None:
            readable = voxel_weight.dtype in _FLOATS
            weight = voxel_weight if readable else voxel_weight.float()
            voxel_weight = _lendable(weight, channels=False)
        if class_valid is not None:
            class_valid = class_valid.to(torch.bool).contiguous()
        self._tensors = (logits, target, mask, voxel_weight, class_valid)
        ignore_index, regions = _settings(settings)
        optional = [None if t is None else _view(t) for t in (mask, voxel_weight, class_valid)]
        self.valid = optional[2]
        self.views = (_view(logits), _view(target), (kind, regions, ignore_index, *optional))


def _memory_format(logits: Tensor) -> torch.memory_format:
    """The format of a gradient: that of the logits where it has a name."""
    if not logits.is_contiguous():
        if logits.dim() == 4 and logits.is_contiguous(memory_format=torch.channels_last):
            return torch.channels_last
        if logits.dim() == 5 and logits.is_contiguous(memory_format=torch.channels_last_3d):
            return torch.channels_last_3d
    return torch.contiguous_format


def _fresh_gradient(logits: Tensor) -> Tensor:
    gradient = torch.empty_like(logits, memory_format=_memory_format(logits))
    if gradient.nbytes >= 2 * _HUGE_PAGE and hasattr(_core, "advise_huge_pages"):
        _core.advise_huge_pages(gradient.data_ptr(), gradient.nbytes)
    return gradient


# Sweep 1: the moments.


@torch.library.custom_op(
    "dice_loss::measure",
    mutates_args=(),
    device_types="cpu",
    schema=f"({_VOXELS}, {_WHAT}) -> Tensor",
)
def _measure(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: str,
    settings: str,
) -> Tensor:
    lent = _Lent(logits, target, mask, voxel_weight, class_valid, kind, settings)
    return _moments(logits, lent, spec)


def _moments(logits: Tensor, lent: _Lent, spec: str) -> Tensor:
    samples, classes = logits.shape[:2]
    columns = len(integrands(spec, classes))
    out = torch.empty((samples, columns, classes), dtype=torch.float64)
    _core.measure(spec, *lent.views, torch.get_num_threads(), _view(out))
    return out


@_measure.register_fake
def _(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: str,
    settings: str,
) -> Tensor:
    columns = len(integrands(spec, int(logits.shape[1])))
    shape = (logits.shape[0], columns, logits.shape[1])
    return logits.new_empty(shape, dtype=torch.float64)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    *tensors, ctx.spec, ctx.kind, ctx.settings = inputs
    ctx.save_for_backward(*tensors)


def _measure_backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
    tensors = ctx.saved_tensors
    gradient = None
    if ctx.needs_input_grad[0]:
        gradient = torch.ops.dice_loss.pull_back.default(
            slopes, *tensors, ctx.spec, ctx.kind, ctx.settings
        )
    return (gradient, *(None,) * 7)


_measure.register_autograd(_measure_backward, setup_context=_keep)


# Sweep 2: from derivatives by the moments to the gradient.


@torch.library.custom_op(
    "dice_loss::pull_back",
    mutates_args=(),
    device_types="cpu",
    schema=f"(Tensor slopes, {_VOXELS}, {_WHAT}) -> Tensor",
)
def _pull_back(
    slopes: Tensor,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: str,
    settings: str,
) -> Tensor:
    lent = _Lent(logits, target, mask, voxel_weight, class_valid, kind, settings)
    slopes = slopes.contiguous()
    gradient = _fresh_gradient(logits)
    threads = torch.get_num_threads()
    _core.pull_back(spec, _view(slopes), *lent.views, threads, _view(gradient))
    return gradient


@_pull_back.register_fake
def _(slopes: Tensor, logits: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(logits, memory_format=_memory_format(logits))


def _keep_slopes(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    *tensors, ctx.spec, ctx.kind, ctx.settings = inputs
    ctx.save_for_backward(*tensors)


def _pull_back_backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    """The derivative of ⟨upstream, ∂(slopes · moments)/∂logits⟩, by way of the reference."""
    slopes, logits, *rest = ctx.saved_tensors
    target = _target(rest, ctx.kind, ctx.settings)

    def directional(logits: Tensor, slopes: Tensor) -> Tensor:
        sums = _reference.moments(integrands(ctx.spec, logits.shape[1]), logits, target)
        (gradient,) = torch.autograd.grad((sums * slopes).sum(), logits, create_graph=True)
        return gradient

    by_logits, by_slopes = _derivatives(directional, (logits, slopes), upstream)
    return (by_slopes, by_logits, *(None,) * 7)


_pull_back.register_autograd(_pull_back_backward, setup_context=_keep_slopes)


# Both sweeps and the loss between them.


@torch.library.custom_op(
    "dice_loss::objective",
    mutates_args=(),
    device_types="cpu",
    schema=f"({_VOXELS}, {_WHAT}) -> (Tensor, Tensor, Tensor)",
)
def _objective(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: str,
    settings: str,
) -> tuple[Tensor, Tensor, Tensor]:
    lent = _Lent(logits, target, mask, voxel_weight, class_valid, kind, settings)
    moments = _moments(logits, lent, spec)
    slopes = torch.empty_like(moments)
    verdict = _core.evaluate(spec, _view(moments), lent.valid, False, _view(slopes))
    values = verdict.values
    if values is None:
        return torch.tensor(verdict.loss, dtype=loss_dtype(logits)), slopes, moments
    loss = torch.tensor(values, dtype=loss_dtype(logits)).reshape(verdict.shape)
    return loss, slopes, moments


@_objective.register_fake
def _(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: str,
    settings: str,
) -> tuple[Tensor, Tensor, Tensor]:
    samples, classes = logits.shape[:2]
    columns = len(integrands(spec, int(classes)))
    shape: tuple[Any, ...] = ()
    whole = objective(spec)
    if whole.reduction == "none" and whole.terms:
        by_cell = {"sample and class": (samples, classes), "class": (classes,)}
        by_cell |= {"sample": (samples,), "one": ()}
        shape = by_cell[whole.terms[0].cells]
    loss = logits.new_empty(shape, dtype=loss_dtype(logits))
    moments = logits.new_empty((samples, columns, classes), dtype=torch.float64)
    return loss, torch.empty_like(moments), moments


def _keep_verdict(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    *tensors, ctx.spec, ctx.kind, ctx.settings = inputs
    _, slopes, moments = output
    ctx.mark_non_differentiable(slopes, moments)
    ctx.save_for_backward(slopes, *tensors)


def _objective_backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    slopes, logits, *rest = ctx.saved_tensors
    if not ctx.needs_input_grad[0]:
        return (None,) * 8
    if torch.is_grad_enabled():
        # The slopes depend on the logits too: for a second derivative all is derived again.
        target = _target(rest, ctx.kind, ctx.settings)
        (gradient,) = _derivatives(lambda x: loss(x, target, ctx.spec), (logits,), upstream)
    else:
        gradient = torch.ops.dice_loss.pull_back.default(
            _chained(slopes, upstream, ctx.spec), logits, *rest, ctx.spec, ctx.kind, ctx.settings
        )
    return (gradient, *(None,) * 7)


def _chained(slopes: Tensor, upstream: Tensor, spec: str) -> Tensor:
    """The derivatives by the moments, times the gradient by the value that each belongs to."""
    if upstream.dim() == 0:
        return slopes * upstream
    whole = objective(spec)
    by_cell = {"sample and class": (-1, 1, slopes.shape[2]), "class": (1, 1, -1)}
    by_cell["sample"] = (-1, 1, 1)
    upstream = upstream.reshape(by_cell[whole.terms[0].cells])
    # An infinite derivative of something that has no upstream gradient is no gradient.
    return torch.where(upstream == 0, 0.0, slopes * upstream)


_objective.register_autograd(_objective_backward, setup_context=_keep_verdict)


# The map of voxel losses.


@torch.library.custom_op(
    "dice_loss::voxel_losses",
    mutates_args=(),
    device_types="cpu",
    schema=f"({_VOXELS}, {_WHAT}) -> Tensor",
)
def _voxel_losses(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: str,
    settings: str,
) -> Tensor:
    lent = _Lent(logits, target, mask, voxel_weight, class_valid, kind, settings)
    out = torch.empty(_map_shape(logits, spec), dtype=loss_dtype(logits))
    _core.voxel_losses(spec, *lent.views, torch.get_num_threads(), _view(out))
    return out


def _map_shape(logits: Tensor, spec: str) -> tuple[Any, ...]:
    channels = _core.map_channels(spec, int(logits.shape[1]))
    channels = 1 if channels == 1 else logits.shape[1]
    return (logits.shape[0], channels, *logits.shape[2:])


@_voxel_losses.register_fake
def _(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: str,
    settings: str,
) -> Tensor:
    return logits.new_empty(_map_shape(logits, spec), dtype=loss_dtype(logits))


def _voxel_losses_backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    gradient = None
    if ctx.needs_input_grad[0]:
        gradient = torch.ops.dice_loss.pull_back_map.default(
            upstream, *ctx.saved_tensors, ctx.spec, ctx.kind, ctx.settings
        )
    return (gradient, *(None,) * 7)


_voxel_losses.register_autograd(_voxel_losses_backward, setup_context=_keep)


@torch.library.custom_op(
    "dice_loss::pull_back_map",
    mutates_args=(),
    device_types="cpu",
    schema=f"(Tensor upstream, {_VOXELS}, {_WHAT}) -> Tensor",
)
def _pull_back_map(
    upstream: Tensor,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: str,
    settings: str,
) -> Tensor:
    lent = _Lent(logits, target, mask, voxel_weight, class_valid, kind, settings)
    upstream = _lendable(upstream, channels=True)
    gradient = _fresh_gradient(logits)
    threads = torch.get_num_threads()
    _core.pull_back_map(spec, _view(upstream), *lent.views, threads, _view(gradient))
    return gradient


@_pull_back_map.register_fake
def _(upstream: Tensor, logits: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(logits, memory_format=_memory_format(logits))


def _pull_back_map_backward(ctx: Any, second: Tensor) -> tuple[Tensor | None, ...]:
    upstream, logits, *rest = ctx.saved_tensors
    target = _target(rest, ctx.kind, ctx.settings)

    def directional(logits: Tensor, upstream: Tensor) -> Tensor:
        losses = _voxel_losses_by_reference(objective(ctx.spec), logits, target)
        (gradient,) = torch.autograd.grad((losses * upstream).sum(), logits, create_graph=True)
        return gradient

    by_logits, by_upstream = _derivatives(directional, (logits, upstream), second)
    return (by_upstream, by_logits, *(None,) * 7)


_pull_back_map.register_autograd(_pull_back_map_backward, setup_context=_keep_slopes)


# Second derivatives.


def _target(rest: list[Tensor | None], kind: str, settings: str) -> Target:
    target, mask, voxel_weight, class_valid = rest
    assert target is not None
    ignore_index, regions = _settings(settings)
    return Target(target, kind, regions, ignore_index, mask, voxel_weight, class_valid)


def _derivatives(
    function: Any, inputs: tuple[Tensor, ...], upstream: Tensor
) -> tuple[Tensor, ...]:
    """By each input, differentiable again where that is asked for."""
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        alive = [
            x if again and x.requires_grad else x.detach().requires_grad_() for x in inputs
        ]
        value = function(*alive)
        return torch.autograd.grad(value, alive, upstream.to(value.dtype), create_graph=again)


def loss(logits: Tensor, target: Target, spec: str) -> Tensor:
    """The loss (or its values) by the reference."""
    columns = integrands(spec, int(logits.shape[1]))
    return of_moments(_reference.moments(columns, logits, target), target.class_valid, spec).to(
        loss_dtype(logits)
    )


def of_moments(moments: Tensor, valid: Tensor | None, spec: str) -> Tensor:
    """The loss (or its values) of moments, differentiable."""
    columns = integrands(spec, int(moments.shape[2]))
    valid = None if valid is None else valid.to(torch.bool)
    return evaluate(objective(spec), Moments(columns, moments, valid)).loss


__all__ = ["Integrand", "fused", "is_native", "loss", "measure", "of_moments", "voxel_losses"]
