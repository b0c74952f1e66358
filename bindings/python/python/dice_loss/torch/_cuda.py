"""The sweeps on CUDA devices and the loss between them, by kernels that the package brings along.

They run on PyTorch's memory and its current stream, and nothing here waits for a device. What they
cannot take goes the way of every other device, which is plain torch.

`DICE_LOSS_CUDA=0` in the environment turns them off. `DICE_LOSS_CUDA_CHECK=1` looks at labels,
dense values, weights and maps before every sweep, which waits for the device, and raises what the
engine raises; without it a label that names no class makes the loss NaN.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from functools import cache, lru_cache

import torch
from torch import Tensor

from .. import _core, _maps
from . import _namespace as xp
from . import _native
from ._evaluation import integrands, objective
from ._target import Regions, Target, TargetKind, check_everywhere
from ._tracing import classes_of, constant_in_graphs, held

FLOATS = (torch.float16, torch.bfloat16, torch.float32)
#: What has no weights.
_COUNTS = ("true_positives", "false_positives", "false_negatives")
#: Weights and slopes from 2⁻⁶⁰ to 2⁶⁰ leave room in float32 for the sums of a batch.
_ORDINARY = 60
#: Powers of two that float32 has, and whose inverses it has too.
_POWERS = 126
#: Classes of all samples for which one cube of threads is faster than many operations.
_CELLS = 1 << 10
#: Elements of a sample that a launch can count.
_ELEMENTS = 1 << 31


@constant_in_graphs
def is_on() -> bool:
    """Whether the kernels may be used at all."""
    return os.environ.get("DICE_LOSS_CUDA", "1") != "0"


@constant_in_graphs
def is_checked() -> bool:
    """Whether labels, dense values, weights and maps are looked at first."""
    return os.environ.get("DICE_LOSS_CUDA_CHECK", "0") not in ("", "0")


def holds(tensor: Tensor) -> bool:
    """Whether a tensor is on such a device."""
    return tensor.is_cuda


def takes(logits: Tensor, target: Target, spec: str) -> bool:
    """Whether there are kernels for an objective of these tensors. If not, says so once."""
    if not is_on() or torch.version.hip is not None:
        return False
    masks = (target.mask, target.voxel_weight)
    tensors = (logits, target.tensor, *masks, *target.maps.values())
    if any(x is not None and _reach_of_sample(x) >= _ELEMENTS for x in tensors):
        return False
    refusal = _refusal(
        _ordinal(logits.device.index),
        logits.dtype,
        spec,
        classes_of(logits),
        target.kind,
        target.voxel_weight is not None,
        target.class_valid is not None,
    )
    return refusal is None


def measure(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    maps: Sequence[Tensor],
    spec: str,
    kind: TargetKind,
    settings: str,
) -> Tensor:
    """Sweep 1: the moments (N, K, C)."""
    lent = _Lent(logits, target, mask, voxel_weight, class_valid, maps, spec, kind, settings)
    samples, classes = logits.shape[:2]
    sums = integrands(spec, classes)
    moments = logits.new_zeros((samples, len(sums), classes), dtype=torch.float64)
    if logits.numel():
        factor = None if lent.weight is None else _towards_ordinary(lent.weight.amax())
        for index, step in enumerate(lent.passes):
            length = step.partials(samples, math.prod(logits.shape[2:]))
            partials = logits.new_empty(length, dtype=torch.float32)
            places = held(_places(spec, classes, kind, *lent.needs, index, logits.device))
            tables = lent.tables(index, factor)
            step.measure(
                *lent.where,
                lent.views,
                tables.data_ptr(),
                partials.data_ptr(),
                places.data_ptr(),
                moments.data_ptr(),
            )
        if factor is not None:
            for start, stop in _runs([column.name not in _COUNTS for column in sums]):
                moments[:, start:stop] /= factor
    return moments


def pull_back(
    slopes: Tensor,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    maps: Sequence[Tensor],
    spec: str,
    kind: TargetKind,
    settings: str,
) -> Tensor:
    """Sweep 2: from derivatives by the moments to the gradient by the logits."""
    lent = _Lent(logits, target, mask, voxel_weight, class_valid, maps, spec, kind, settings)
    gradient = torch.empty_like(logits, memory_format=_native.memory_format(logits))
    if logits.numel():
        factor = None
        if lent.weight is not None:
            # What the ones are multiplied with, the others are divided by.
            power = _towards_ordinary(slopes.abs().amax())
            slopes, factor = slopes * power, 1 / power
        slopes = slopes.to(torch.float32).contiguous()
        shared = slopes.shape[0] == 1 and logits.shape[0] != 1
        for index, step in enumerate(lent.passes):
            tables = lent.tables(index, factor)
            step.pull_back(
                *lent.where,
                lent.views,
                _native.view(gradient),
                tables.data_ptr(),
                slopes.data_ptr(),
                shared,
                index > 0,
            )
    return gradient


def program(moments: Tensor, valid: Tensor | None, spec: str) -> _core.CudaProgram | None:
    """How a kernel makes the loss of moments; None if it cannot."""
    samples, columns, classes = moments.shape
    if not is_on() or torch.version.hip is not None or moments.dtype is not torch.float64:
        return None
    if not 0 < samples * classes <= _CELLS or columns != len(integrands(spec, classes)):
        return None
    if valid is not None and (valid.shape != (samples, classes) or valid.device != moments.device):
        return None
    if _refusal_of_device(_ordinal(moments.device.index)) is not None:
        return None
    return _program(spec, classes)


def evaluate(
    moments: Tensor,
    valid: Tensor | None,
    class_weights: Tensor | None,
    spec: str,
    program: _core.CudaProgram,
) -> tuple[Tensor, Tensor]:
    """The loss or its values, and the derivatives of their sum by the moments (N, K, C)."""
    samples, columns, classes = moments.shape
    moments = moments.contiguous()
    if valid is not None:
        valid = valid.to(torch.float64).contiguous()
    if class_weights is not None:
        class_weights = class_weights.contiguous()
    numbers, constants = map(held, _program_tensors(spec, classes, moments.device))
    scratch = moments.new_empty(program.room * samples * classes)
    loss = moments.new_empty(objective(spec).shape(samples, classes))
    slopes = torch.empty_like(moments)
    program.evaluate(
        *_where(moments),
        samples,
        columns,
        loss.numel(),
        moments.data_ptr(),
        None if valid is None else valid.data_ptr(),
        None if class_weights is None else class_weights.data_ptr(),
        numbers.data_ptr(),
        constants.data_ptr(),
        scratch.data_ptr(),
        loss.data_ptr(),
        slopes.data_ptr(),
    )
    return loss, slopes


class _Lent:
    """What a sweep reads, where it runs, and by which passes. Keeps the tensors alive."""

    def __init__(
        self,
        logits: Tensor,
        target: Tensor,
        mask: Tensor | None,
        voxel_weight: Tensor | None,
        class_valid: Tensor | None,
        maps: Sequence[Tensor],
        spec: str,
        kind: TargetKind,
        settings: str,
    ) -> None:
        ignore_index, regions, names = _native.read_settings(settings)
        if is_checked():
            whole = (target, kind, regions, ignore_index, mask, voxel_weight, class_valid)
            named = dict(zip(names, maps, strict=True))
            check_everywhere(logits, Target(*whole, named), _maps.wanted(spec))
        logits = _native.lendable(logits, channels=True)
        readable = _native.readable_target(target, kind)
        is_rounded = readable.is_floating_point() and readable.dtype is not target.dtype
        if ignore_index is not None and (is_rounded or target.dtype is torch.float64):
            labels = target.squeeze(1) if kind == "dense" else target
            known = ~xp.is_number(labels, ignore_index)
            mask, ignore_index = known if mask is None else known & (mask != 0), None
        if target.dtype is torch.float64:
            readable = _within(readable) if kind == "dense" else xp.labels(target)
        target = _native.readable_target(readable, kind)
        if mask is not None:
            mask = _native.readable_mask(mask)
            mask = mask != 0 if mask.dtype is torch.float64 else mask
        if voxel_weight is not None:
            voxel_weight = _native.readable_weight(voxel_weight)
            if voxel_weight.dtype is torch.float64:
                voxel_weight = voxel_weight.to(torch.float32)
        # Kernels read one map at most.
        (values,) = maps or (None,)
        if values is not None:
            values = _native.readable_map(values)
            if values.dtype is torch.float64:
                values = values.to(torch.float32)
        # No number of float16 is far from 1.
        is_far = voxel_weight is not None and voxel_weight.dtype is not torch.float16
        self.weight = voxel_weight if is_far else None
        self._tensors = (logits, target, mask, voxel_weight, values)
        self._regions = None if regions is None else tuple(map(tuple, regions))
        self._class_valid = class_valid
        self._of = (spec, classes_of(logits), kind)
        self.needs = (voxel_weight is not None, class_valid is not None)
        self.passes = _passes(*self._of, *self.needs) or ()
        self.where = _where(logits)
        self.views = (
            _native.view(logits),
            _native.view(target),
            None if mask is None else _native.view(mask),
            None if voxel_weight is None else _native.view(voxel_weight),
            None if values is None else _native.view(values),
            ignore_index,
            None if regions is None else len(regions),
        )

    def tables(self, index: int, factor: Tensor | None) -> Tensor:
        """What a pass looks up: first what weights are multiplied with, if that is not 1; last the
        annotated classes, if its kernel wants to know them.
        """
        logits = self._tensors[0]
        tables = held(_tables(*self._of, *self.needs, index, self._regions, logits.device))
        parts = [tables]
        if factor is not None:
            parts = [factor.to(tables.dtype).reshape(1), tables[1:]]
        if self.passes[index].partial:
            if self._class_valid is None:
                parts.append(tables.new_ones(logits.shape[0] * logits.shape[1]))
            else:
                parts.append((self._class_valid != 0).to(tables.dtype).flatten())
        if len(parts) > 1:
            # Lent until the launch, and then the allocator's, which knows the stream.
            self._joined = tables = torch.cat(parts)
        return tables


def _within(target: Tensor) -> Tensor:
    """A dense target of float64 in float32, as it is judged in its own type."""
    slack = xp.slack(target)
    outside = (target < -slack) | (target > 1 + slack)
    return target.to(torch.float32).masked_fill(outside, math.nan)


def _towards_ordinary(size: Tensor) -> Tensor:
    """The power of two, in float64, that a number of this size has to be multiplied with to be
    ordinary; 1 of one that is, that is 0, or that is not a number. Nothing waits for it.
    """
    exponent = torch.frexp(size.to(torch.float64))[1]
    shift = (exponent.clamp(-_ORDINARY, _ORDINARY) - exponent).clamp(-_POWERS, _POWERS)
    shift = torch.where(size.isfinite() & (size > 0), shift, 0)
    # Rounded to float32 it is a power of two, however exp2 rounds.
    return torch.exp2(shift.to(torch.float64)).to(torch.float32).to(torch.float64)


def _runs(wanted: list[bool]) -> list[tuple[int, int]]:
    """Where runs of what is wanted begin and end."""
    edges = [False, *wanted, False]
    starts = [i for i in range(len(wanted)) if edges[i + 1] and not edges[i]]
    stops = [i + 1 for i in range(len(wanted)) if edges[i + 1] and not edges[i + 2]]
    return list(zip(starts, stops, strict=True))


def _where(logits: Tensor) -> tuple[int, int]:
    """The device, and the stream that PyTorch works on."""
    ordinal = _ordinal(logits.device.index)
    stream: int = torch.cuda.current_stream(ordinal).cuda_stream
    return ordinal, stream


def _ordinal(index: int | None) -> int:
    return torch.cuda.current_device() if index is None else index


def _reach_of_sample(tensor: Tensor) -> int:
    sizes, strides = tensor.shape[1:], tensor.stride()[1:]
    return sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))


@constant_in_graphs
def _refusal(
    device: int,
    dtype: torch.dtype,
    spec: str,
    classes: int,
    kind: TargetKind,
    weighted: bool,
    partial: bool,
) -> str | None:
    return _cached_refusal(device, dtype, spec, classes, kind, weighted, partial)


@lru_cache(maxsize=1024)
def _cached_refusal(
    device: int,
    dtype: torch.dtype,
    spec: str,
    classes: int,
    kind: TargetKind,
    weighted: bool,
    partial: bool,
) -> str | None:
    """Why there are no kernels; None if there are, which are loaded then."""
    refusal = _refusal_of_device(device)
    if refusal is None and dtype not in FLOATS:
        refusal = f"found logits of {dtype}, wanted float32, float16 or bfloat16"
    if refusal is None:
        passes = _passes(spec, classes, kind, weighted, partial)
        if passes is None:
            refusal = f"found an objective of {classes} classes that no kernel was compiled for"
        else:
            for step in passes:
                step.load(device, _native.name_of(dtype))
    if refusal is not None:
        _warn(f"dice_loss runs in plain torch on CUDA, which takes more memory: {refusal}")
    return refusal


@cache
def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=2)


@cache
def _refusal_of_device(device: int) -> str | None:
    return _core.cuda_refusal(device)


@lru_cache(maxsize=256)
def _passes(
    spec: str, classes: int, kind: TargetKind, weighted: bool, partial: bool
) -> tuple[_core.CudaPass, ...] | None:
    passes = _core.cuda_passes(spec, classes, kind, weighted, partial)
    return None if passes is None else tuple(passes)


@lru_cache(maxsize=256)
def _program(spec: str, classes: int) -> _core.CudaProgram | None:
    return _core.cuda_program(spec, classes)


@lru_cache(maxsize=256)
def _program_tensors(spec: str, classes: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Copied to the device once: a copy waits for it."""
    program = _program(spec, classes)
    numbers, constants = ([], []) if program is None else (program.numbers, program.constants)
    with torch.inference_mode(False):
        return (
            torch.tensor(numbers, dtype=torch.int32, device=device),
            torch.tensor(constants, dtype=torch.float64, device=device),
        )


@lru_cache(maxsize=256)
def _tables(
    spec: str,
    classes: int,
    kind: TargetKind,
    weighted: bool,
    partial: bool,
    index: int,
    regions: Regions | None,
    device: torch.device,
) -> Tensor:
    """Copied to the device once: a copy waits for it."""
    step = (_passes(spec, classes, kind, weighted, partial) or ())[index]
    with torch.inference_mode(False):
        return torch.tensor(step.tables(regions), dtype=torch.float32, device=device)


@lru_cache(maxsize=256)
def _places(
    spec: str,
    classes: int,
    kind: TargetKind,
    weighted: bool,
    partial: bool,
    index: int,
    device: torch.device,
) -> Tensor:
    step = (_passes(spec, classes, kind, weighted, partial) or ())[index]
    with torch.inference_mode(False):
        return torch.tensor(step.places, dtype=torch.int32, device=device)
