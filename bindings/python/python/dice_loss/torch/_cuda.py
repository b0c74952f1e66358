"""The sweeps on CUDA devices, by kernels that the package brings along.

They run on PyTorch's memory and its current stream, and nothing here waits for a device. What they
cannot take goes the way of every other device, which is plain torch.

`DICE_LOSS_CUDA=0` in the environment turns them off. `DICE_LOSS_CUDA_CHECK=1` looks at labels,
dense values and weights before every sweep, which waits for the device, and raises what the engine
raises; without it a label that names no class makes the loss NaN.
"""

from __future__ import annotations

import math
import os
import warnings
from functools import cache, lru_cache

import torch
from torch import Tensor

from .. import _core
from . import _namespace as xp
from . import _native
from ._evaluation import integrands
from ._target import Regions, Target, TargetKind, check_everywhere
from ._tracing import classes_of, constant_in_graphs, held

FLOATS = (torch.float16, torch.bfloat16, torch.float32)
#: Types of labels that kernels do not read, float64 of dense targets too.
_WIDE = (torch.uint32, torch.uint64, torch.float64)
#: Labels from here on kernels do not tell apart, if they are floats.
_EXACT = 1 << 23
#: Elements of a sample that a launch can count.
_ELEMENTS = 1 << 31


@constant_in_graphs
def is_on() -> bool:
    """Whether the kernels may be used at all."""
    return os.environ.get("DICE_LOSS_CUDA", "1") != "0"


@constant_in_graphs
def is_checked() -> bool:
    """Whether labels, dense values and weights are looked at first."""
    return os.environ.get("DICE_LOSS_CUDA_CHECK", "0") not in ("", "0")


def holds(tensor: Tensor) -> bool:
    """Whether a tensor is on such a device."""
    return tensor.is_cuda


def takes(logits: Tensor, target: Target, spec: str) -> bool:
    """Whether there are kernels for an objective of these tensors. If not, says so once."""
    if not is_on() or torch.version.hip is not None:
        return False
    tensors = (logits, target.tensor, target.mask, target.voxel_weight)
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
    spec: str,
    kind: TargetKind,
    settings: str,
    columns: list[int],
) -> Tensor:
    """Sweep 1: the moments (N, K, C), or some of the K."""
    lent = _Lent(logits, target, mask, voxel_weight, class_valid, spec, kind, settings)
    samples, classes = logits.shape[:2]
    count = len(integrands(spec, classes))
    moments = logits.new_zeros((samples, count, classes), dtype=torch.float64)
    if logits.numel():
        for index, step in enumerate(lent.passes):
            length = step.partials(samples, math.prod(logits.shape[2:]))
            partials = logits.new_empty(length, dtype=torch.float32)
            places = held(_places(spec, classes, kind, *lent.needs, index, logits.device))
            tables = lent.tables(index)
            step.measure(
                *lent.where,
                lent.views,
                tables.data_ptr(),
                partials.data_ptr(),
                places.data_ptr(),
                moments.data_ptr(),
            )
    # Column by column: an index would have to be copied to the device.
    return torch.stack([moments[:, column] for column in columns], 1) if columns else moments


def pull_back(
    slopes: Tensor,
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: TargetKind,
    settings: str,
) -> Tensor:
    """Sweep 2: from derivatives by the moments to the gradient by the logits."""
    lent = _Lent(logits, target, mask, voxel_weight, class_valid, spec, kind, settings)
    slopes = slopes.to(torch.float32).contiguous()
    gradient = torch.empty_like(logits, memory_format=_native.memory_format(logits))
    if logits.numel():
        shared = slopes.shape[0] == 1 and logits.shape[0] != 1
        for index, step in enumerate(lent.passes):
            tables = lent.tables(index)
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


class _Lent:
    """What a sweep reads, where it runs, and by which passes. Keeps the tensors alive."""

    def __init__(
        self,
        logits: Tensor,
        target: Tensor,
        mask: Tensor | None,
        voxel_weight: Tensor | None,
        class_valid: Tensor | None,
        spec: str,
        kind: TargetKind,
        settings: str,
    ) -> None:
        ignore_index, regions = _native.read_settings(settings)
        if is_checked():
            whole = (target, kind, regions, ignore_index, mask, voxel_weight, class_valid)
            check_everywhere(logits, Target(*whole))
        logits = _native.lendable(logits, channels=True)
        is_wide = kind != "dense" and target.dtype in _WIDE
        is_exact = target.dtype not in _WIDE and abs(ignore_index or 0) < _EXACT
        if ignore_index is not None and not is_exact:
            labels = target.squeeze(1) if kind == "dense" else target
            known = ~xp.is_number(labels, ignore_index)
            mask, ignore_index = known if mask is None else known & (mask != 0), None
        if is_wide:
            target = xp.labels(target)
        target = _narrowed(_native.readable_target(target, kind))
        if mask is not None:
            mask = _native.readable_mask(mask)
            mask = mask != 0 if mask.dtype is torch.float64 else mask
        if voxel_weight is not None:
            voxel_weight = _narrowed(_native.readable_weight(voxel_weight))
        self._tensors = (logits, target, mask, voxel_weight)
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
            ignore_index,
            None if regions is None else len(regions),
        )

    def tables(self, index: int) -> Tensor:
        """What a pass looks up, with the annotated classes if its kernel wants to know them."""
        logits = self._tensors[0]
        tables = held(_tables(*self._of, *self.needs, index, self._regions, logits.device))
        if not self.passes[index].partial:
            return tables
        if self._class_valid is None:
            valid = tables.new_ones(logits.shape[0] * logits.shape[1])
        else:
            valid = (self._class_valid != 0).to(tables.dtype).flatten()
        # Lent until the launch, and then the allocator's, which knows the stream.
        self._joined = torch.cat((tables, valid))
        return self._joined


def _narrowed(tensor: Tensor) -> Tensor:
    """As the kernels read it: float64 they do not know."""
    return tensor.to(torch.float32) if tensor.dtype is torch.float64 else tensor


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
