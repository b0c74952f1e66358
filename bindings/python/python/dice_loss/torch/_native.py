"""The engine's sweeps on tensors in main memory, without differentiation.

Tensors are lent, not copied, wherever the engine can follow their strides and read their type.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .. import _core
from ._evaluation import integrands
from ._evaluation import objective as objective_of
from ._target import TargetKind
from ._tracing import classes_of, constant_in_graphs

View = tuple[int, tuple[int, ...], tuple[int, ...], str]

WIDE = (torch.float32, torch.float64)
FLOATS = (torch.float16, torch.bfloat16, *WIDE)
_DENSE = frozenset({*FLOATS, torch.uint8, torch.bool})
_LABELS = frozenset(
    {
        torch.uint8,
        torch.uint32,
        torch.uint64,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.float32,
        torch.float64,
    }
)
_ELEMENTS = {
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float32: "float32",
    torch.float64: "float64",
    torch.uint8: "uint8",
    torch.uint32: "uint32",
    torch.uint64: "uint64",
    torch.int16: "int16",
    torch.int32: "int32",
    torch.int64: "int64",
    torch.bool: "bool",
}
#: From here on a fresh gradient is worth huge pages: touching it costs more than computing it.
_LARGE = 4 << 20


class Settings(NamedTuple):
    """What a sweep is told about the target beside its kind."""

    ignore_index: int | None
    regions: Any
    #: The names of its maps, in the order of the tensors.
    maps: Sequence[str]


@constant_in_graphs
def settings_of(ignore_index: int | None, regions: Any, maps: Sequence[str]) -> str:
    """As text, which an operator takes."""
    return json.dumps([ignore_index, regions, maps])


@lru_cache(maxsize=256)
def read_settings(settings: str) -> Settings:
    """From text."""
    return Settings(*json.loads(settings))


def loss_dtype(logits: Tensor) -> torch.dtype:
    """What a loss comes in: float32, or float64 of float64 logits."""
    return torch.float64 if logits.dtype is torch.float64 else torch.float32


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
    lent = Lent(logits, target, mask, voxel_weight, class_valid, maps, kind, settings)
    moments = sums(logits, spec)
    _core.measure(spec, *lent.views, torch.get_num_threads(), view(moments))
    return moments


def objective(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    maps: Sequence[Tensor],
    spec: str,
    kind: TargetKind,
    settings: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Sweep 1 and the loss (or its values), its derivatives by the moments, and the moments."""
    moments, slopes = sums(logits, spec), sums(logits, spec)
    inputs = (logits, target, mask, voxel_weight, class_valid, maps, spec, kind, settings)
    found = verdict(*inputs, moments=moments, slopes=slopes)
    return value(found, logits), slopes, moments


def verdict(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    maps: Sequence[Tensor],
    spec: str,
    kind: TargetKind,
    settings: str,
    *,
    moments: Tensor | None = None,
    slopes: Tensor | None = None,
    gradient: Tensor | None = None,
    details: Details | None = None,
) -> _core.Verdict:
    """Sweep 1 and what the engine makes of it; the moments, the derivatives by them, those by the
    logits and the details are written where there is room for them."""
    lent = Lent(logits, target, mask, voxel_weight, class_valid, maps, kind, settings)
    of_batch = None if details is None else details.numbers
    rooms = map(_view_or_none, (moments, slopes, gradient, of_batch))
    found = _core.objective(spec, *lent.views, torch.get_num_threads(), *rooms)
    if details is not None:
        details.instances = found.instances
    return found


def value(verdict: _core.Verdict, logits: Tensor) -> Tensor:
    """The loss, or its values."""
    values = verdict.values
    if values is None:
        return torch.scalar_tensor(verdict.loss, dtype=loss_dtype(logits))
    return torch.tensor(values, dtype=loss_dtype(logits)).reshape(verdict.shape)


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
    lent = Lent(logits, target, mask, voxel_weight, class_valid, maps, kind, settings)
    slopes = slopes.contiguous()
    gradient = fresh_gradient(logits)
    threads = torch.get_num_threads()
    _core.pull_back(spec, view(slopes), *lent.views, threads, view(gradient))
    return gradient


def voxel_losses(
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
    """The loss of every voxel."""
    lent = Lent(logits, target, mask, voxel_weight, class_valid, maps, kind, settings)
    out = torch.empty(map_shape(logits, spec), dtype=loss_dtype(logits))
    _core.voxel_losses(spec, *lent.views, torch.get_num_threads(), view(out))
    return out


def pull_back_map(
    upstream: Tensor,
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
    """Sweep 2 of the map of voxel losses."""
    lent = Lent(logits, target, mask, voxel_weight, class_valid, maps, kind, settings)
    upstream = lendable(upstream, channels=True)
    gradient = fresh_gradient(logits)
    threads = torch.get_num_threads()
    _core.pull_back_map(spec, view(upstream), *lent.views, threads, view(gradient))
    return gradient


def map_shape(logits: Tensor, spec: str) -> tuple[Any, ...]:
    """Of the map of voxel losses: (N, 1, spatial…) or (N, C, spatial…)."""
    channels = _core.map_channels(spec, classes_of(logits))
    return (logits.shape[0], 1 if channels == 1 else logits.shape[1], *logits.shape[2:])


def memory_format(logits: Tensor) -> torch.memory_format:
    """The format of a gradient: that of the logits where it has a name."""
    if not logits.is_contiguous():
        if logits.dim() == 4 and logits.is_contiguous(memory_format=torch.channels_last):
            return torch.channels_last
        if logits.dim() == 5 and logits.is_contiguous(memory_format=torch.channels_last_3d):
            return torch.channels_last_3d
    return torch.contiguous_format


class Lent:
    """Views of everything that a sweep reads. Keeps the tensors behind them alive."""

    def __init__(
        self,
        logits: Tensor,
        target: Tensor,
        mask: Tensor | None,
        voxel_weight: Tensor | None,
        class_valid: Tensor | None,
        maps: Sequence[Tensor],
        kind: TargetKind,
        settings: str,
    ) -> None:
        logits = lendable(logits, channels=True)
        target = readable_target(target, kind)
        if mask is not None:
            mask = readable_mask(mask)
        if voxel_weight is not None:
            voxel_weight = readable_weight(voxel_weight)
        if class_valid is not None:
            class_valid = class_valid.to(torch.bool).contiguous()
        maps = [readable_map(tensor) for tensor in maps]
        self._tensors = (logits, target, mask, voxel_weight, class_valid, maps)
        ignore_index, regions, names = read_settings(settings)
        mask_view, weight_view, valid = map(_view_or_none, (mask, voxel_weight, class_valid))
        named = list(zip(names, map(view, maps), strict=True))
        options = (kind, regions, ignore_index, mask_view, weight_view, valid, named)
        self.views = (view(logits), view(target), options)


def readable_target(target: Tensor, kind: TargetKind) -> Tensor:
    """Of a type and with strides that the sweeps can follow, copied if need be."""
    if kind == "dense":
        return lendable(target if target.dtype in _DENSE else target.float(), channels=True)
    if target.dtype is torch.bool:
        target = target.view(torch.uint8)
    elif target.dtype not in _LABELS:
        target = target.float() if target.is_floating_point() else target.long()
    return lendable(target, channels=False)


def readable_mask(mask: Tensor) -> Tensor:
    """Likewise."""
    return lendable(mask if mask.dtype in _DENSE else mask != 0, channels=False)


def readable_weight(weight: Tensor) -> Tensor:
    """Likewise."""
    return lendable(weight if weight.dtype in FLOATS else weight.float(), channels=False)


def readable_map(map: Tensor) -> Tensor:
    """Likewise."""
    if map.dtype not in FLOATS:
        # Numbers of instances may be as large as they like.
        map = map.double() if map.itemsize > 2 else map.float()
    return lendable(map, channels=True)


def lendable(tensor: Tensor, channels: bool) -> Tensor:
    """The tensor itself, or a copy where the engine cannot follow its strides."""
    if tensor.is_neg():
        tensor = tensor.resolve_neg()
    if tensor.is_contiguous() or _core.collapses(tuple(tensor.shape), tensor.stride(), channels):
        return tensor
    return tensor.contiguous()


def name_of(dtype: torch.dtype) -> str:
    """The name that the engine has for an element type."""
    return _ELEMENTS[dtype]


def view(tensor: Tensor) -> View:
    """The tensor, lent."""
    return (tensor.data_ptr(), tensor.shape, tensor.stride(), _ELEMENTS[tensor.dtype])


def _view_or_none(tensor: Tensor | None) -> View | None:
    return None if tensor is None else view(tensor)


def sums(logits: Tensor, spec: str) -> Tensor:
    """Room for numbers (N, K, C), as the moments are."""
    columns = len(integrands(spec, classes_of(logits)))
    return torch.empty((logits.shape[0], columns, logits.shape[1]), dtype=torch.float64)


class Details:
    """Room for what a loss tells beside its value, of all terms but the last."""

    def __init__(self, logits: Tensor, spec: str) -> None:
        terms, self.classes = len(objective_of(spec).terms) - 1, classes_of(logits)
        size = terms * (1 + self.classes) + 5 * self.classes
        self.numbers = torch.empty(size, dtype=torch.float64)
        #: Of each instance seven numbers, if a term looks at them.
        self.instances: list[float] | None = None


def fresh_gradient(logits: Tensor) -> Tensor:
    """Room for a gradient by the logits."""
    gradient = torch.empty_like(logits, memory_format=memory_format(logits))
    if gradient.nbytes >= _LARGE:
        _core.advise_huge_pages(gradient.data_ptr(), gradient.nbytes)
    return gradient
