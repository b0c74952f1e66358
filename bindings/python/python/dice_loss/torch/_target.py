"""What a loss is given beside the logits: target, masks, weights; their kinds and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from .. import _maps, _shapes
from .._options import check_channels
from . import _namespace as xp
from ._tracing import is_at_hand, is_intercepted

TargetKind = Literal["labels", "dense", "regions"]
Regions = tuple[tuple[int, ...], ...]


_PLAIN = (Tensor, torch.nn.Parameter)
_FLOATS = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})
_INTEGERS = frozenset({torch.uint8, torch.int16, torch.int32, torch.int64})
#: The largest weight of a voxel: float32's.
_LARGEST = float(torch.finfo(torch.float32).max)
_WEIGHT = "a weight of at least 0, and at most 3.4e38"
_DENSE = "0 to 1, up to 4 roundings; clamp what interpolation pushed out, target.clamp(0, 1)"


#: Nobody adds to it. Compilers see through a plain dictionary alone.
_NO_MAPS: dict[str, Tensor] = {}


class Target(NamedTuple):
    """The reference, and which of its voxels count."""

    tensor: Tensor
    kind: TargetKind
    regions: Regions | None = None
    ignore_index: int | None = None
    mask: Tensor | None = None
    voxel_weight: Tensor | None = None
    class_valid: Tensor | None = None
    #: By name, in the order of the names, but for those that have to be made:
    #: (N, 1 or C, spatial…).
    maps: Mapping[str, Tensor] = _NO_MAPS


def plain(name: str, tensor: Tensor) -> Tensor:
    """The tensor without what a library wrapped around it. Fails if it cannot be read."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: found {type(tensor).__name__}, wanted a torch.Tensor")
    if type(tensor) is not Tensor and type(tensor) is not torch.nn.Parameter:
        as_tensor = getattr(tensor, "as_tensor", None)
        if as_tensor is not None:
            tensor = as_tensor()
        elif hasattr(tensor, "full_tensor"):
            raise TypeError(
                f"{name}: found a DTensor, wanted a local tensor; pass .to_local() and, for losses "
                "pooled over the batch, process_group"
            )
        elif isinstance(tensor, torch.masked.MaskedTensor):
            raise TypeError(f"{name}: found a MaskedTensor, wanted a plain one; pass mask=")
    if tensor.is_complex():
        raise TypeError(f"{name}: found {tensor.dtype}, wanted real numbers")
    if tensor.layout is not torch.strided:
        raise ValueError(f"{name}: found layout {tensor.layout}, wanted torch.strided")
    if tensor.is_meta:
        raise ValueError(f"{name}: found a meta tensor, which holds no values")
    return tensor


def is_usual(logits: Tensor, target: Tensor) -> bool:
    """Whether they are plain tensors in main memory, with an integer label for each voxel of
    several channels: then `check_logits` and `prepare` would look longer, and find nothing."""
    shape = logits.shape if type(logits) in _PLAIN else ()
    return (
        len(shape) > 1
        and shape[1] > 1
        and type(target) is Tensor
        and logits.is_cpu
        and target.is_cpu
        and logits.dtype in _FLOATS
        and target.dtype in _INTEGERS
        and target.shape == shape[:1] + shape[2:]
        and logits.layout is torch.strided
        and target.layout is torch.strided
    )


def check_logits(logits: Tensor) -> Tensor:
    """Logits as a plain tensor (N, C, spatial…) of floating point numbers."""
    logits = plain("logits", logits)
    if not logits.is_floating_point():
        raise TypeError(f"logits: found {logits.dtype}, wanted a floating point type")
    if logits.dim() < 2:
        raise ValueError(f"logits: found shape {_shape(logits)}, wanted (N, C, spatial…)")
    return logits


def prepare(
    logits: Tensor,
    target: Tensor,
    *,
    target_kind: str | None = None,
    regions: Regions | None = None,
    ignore_index: int | None = None,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
    maps: Mapping[str, Tensor] | None = None,
    wanted: tuple[_maps.Wanted, ...] = (),
) -> Target:
    """Checks devices and shapes, decides on the kind of target, drops channels of size 1."""
    target = _beside(logits, "target", target)
    kind = kind_of(logits, target, target_kind, regions)
    if kind == "dense" and target_kind is None and not is_intercepted():
        _shapes.warn_of_channels(_shape(logits), _shape(target))
    if regions is not None:
        check_channels(regions, logits.shape[1])
    if kind == "dense":
        target = target if target.dim() == logits.dim() else target.unsqueeze(1)
    else:
        target = _per_voxel(logits, "target", target)
    if kind == "dense" and ignore_index is not None and logits.shape[1] != 1:
        raise ValueError(
            f"ignore_index of a dense target: found {ignore_index} with {logits.shape[1]} "
            "channels, wanted one channel; use mask for several"
        )
    if mask is not None:
        mask = _spread_over_voxels(logits, "mask", _beside(logits, "mask", mask))
    if voxel_weight is not None:
        voxel_weight = _beside(logits, "voxel_weight", voxel_weight)
        voxel_weight = _spread_over_voxels(logits, "voxel_weight", voxel_weight)
    if class_valid is not None:
        class_valid = _beside(logits, "class_valid", class_valid)
        if class_valid.is_floating_point():
            raise TypeError(f"class_valid: found {class_valid.dtype}, wanted torch.bool")
        if class_valid.shape != logits.shape[:2]:
            samples, classes = logits.shape[:2]
            shape = _shapes.over_classes(_shape(class_valid), samples, classes)
            class_valid = class_valid.reshape(shape).expand(samples, classes)
    named = {
        map.name: _map(logits, map.name, given)
        for map, given in zip(wanted, _maps.given(maps, wanted), strict=True)
        if given is not None
    }
    masks = (mask, voxel_weight, class_valid)
    return Target(target, kind, regions, ignore_index, *masks, named)


def kind_of(
    logits: Tensor, target: Tensor, target_kind: str | None, regions: Regions | None
) -> TargetKind:
    """Labels, dense or regions, by shape and dtype.

    - `regions` given: a label map.
    - The shape of the logits with several channels: dense, whatever the dtype.
    - One value a voxel, (N, spatial…) or (N, 1, spatial…), beside several channels: labels, of any
      dtype as long as every value is an integer.
    - One channel: floating point and bool are dense, so that soft masks are fine; integers are
      labels 0 and 1 (which mean the same).
    """
    if target_kind not in (None, "labels", "dense"):
        raise ValueError(f"target_kind: found {target_kind!r}, wanted 'labels', 'dense' or None")
    if regions is not None:
        if target_kind == "dense":
            raise ValueError("target_kind: found 'dense' beside regions, wanted 'labels'")
        return "regions"
    if target_kind is not None:
        return target_kind  # type: ignore[return-value]
    if logits.shape[1] == 1:
        is_dense = target.is_floating_point() or target.dtype is torch.bool
        return "dense" if is_dense else "labels"
    if target.dim() == logits.dim() and target.shape[1] == logits.shape[1]:
        return "dense"
    return "labels"


def check_values(logits: Tensor, target: Target, maps: tuple[_maps.Wanted, ...] = ()) -> None:
    """What the engine checks on its way: labels, dense values and weights in their range.

    Only for tensors in main memory that are no placeholders of a transform: elsewhere looking at a
    value means waiting for it, or is impossible.
    """
    if is_at_hand(target.tensor):
        check_everywhere(logits, target, maps)


def check_everywhere(logits: Tensor, target: Target, maps: tuple[_maps.Wanted, ...] = ()) -> None:
    """The same on any device, waiting for it."""
    shape = target.tensor.shape[:1] + logits.shape[2:]
    counted = torch.ones(shape, dtype=torch.bool, device=target.tensor.device)
    if target.mask is not None:
        counted &= target.mask != 0
    if target.ignore_index is not None:
        labels = target.tensor.squeeze(1) if target.kind == "dense" else target.tensor
        counted &= ~xp.is_number(labels, target.ignore_index)
    if target.voxel_weight is not None:
        weight = target.voxel_weight.detach()
        within = (weight >= 0) & (weight <= _LARGEST)
        wrong = _first(~within & counted)
        if wrong is not None:
            raise _refused(wrong, "voxel weight", weight[wrong], _WEIGHT)
        counted &= weight != 0
    for map in maps:
        _check_map(map, target.maps[map.name].detach(), counted)
    if target.kind == "dense":
        _check_dense(logits, target, counted)
        return
    count = len(target.regions) if target.regions else max(2, logits.shape[1])
    known = xp.labels(target.tensor)
    wrong = _first(~((known >= 0) & (known < count)) & counted)
    if wrong is not None:
        found, wanted = target.tensor[wrong], f"0 to {count - 1}"
        if target.ignore_index is not None:
            wanted += f", or {target.ignore_index} to ignore"
        else:
            wanted += _of_unknown(found, target.kind == "labels" and logits.shape[1] == 1)
        raise _refused(wrong, "label", found, wanted)


def _check_dense(logits: Tensor, target: Target, counted: Tensor) -> None:
    value = target.tensor.detach()
    slack = xp.slack(value)
    # In the type computed in, as the engine sees it.
    wide = value.to(torch.float64 if logits.dtype is torch.float64 else torch.float32)
    outside = ~((wide >= -slack) & (wide <= 1 + slack))
    wrong = _first(outside.any(1) & counted)
    if wrong is not None:
        classes = outside.movedim(1, -1)[wrong]
        found, wanted = value.movedim(1, -1)[wrong][classes][0], _DENSE
        if target.ignore_index is None and logits.shape[1] == 1:
            wanted += _of_unknown(found, True)
        raise _refused(wrong, "target", found, wanted)


def _check_map(map: _maps.Wanted, values: Tensor, counted: Tensor) -> None:
    least = -_maps.LARGEST if map.is_signed else 0.0
    outside = ~((values >= least) & (values <= _maps.LARGEST)) & counted.unsqueeze(1)
    wrong = _first(outside)
    if wrong is not None:
        sample, channel, *voxel = wrong
        _, at = _shapes.place((sample, *voxel)).split(", ", 1)
        found = _plainly(values[wrong])
        raise ValueError(
            f"sample {sample}, class {channel}, {at}: found {found} in the map {map.name!r}, "
            f"wanted {_maps.said(map)}"
        )


def _first(wrong: Tensor) -> tuple[int, ...] | None:
    """Where it is first true, (sample, place along each spatial axis…); None if nowhere."""
    return tuple(wrong.nonzero()[0].tolist()) if bool(wrong.any()) else None


def _refused(place: tuple[int, ...], what: str, found: Tensor, wanted: str) -> ValueError:
    """In the engine's words."""
    return ValueError(f"{_shapes.place(place)}: found {what} {_plainly(found)}, wanted {wanted}")


def _of_unknown(found: Tensor, in_one_channel: bool) -> str:
    """What is said of a value that stands for "unknown" in many data sets."""
    value = _plainly(found)
    if value == 255 and in_one_channel:
        return (
            "; 1 in place of 255 where that marks the object, ignore_index=255 where it means "
            "unknown"
        )
    return f", or ignore_index={value} if it means unknown" if value in (255, -1, -100) else ""


def _plainly(value: Tensor) -> int | float:
    number = value.item()
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _beside(logits: Tensor, name: str, tensor: Tensor) -> Tensor:
    tensor = plain(name, tensor)
    if tensor.device != logits.device:
        raise ValueError(
            f"{name}: found device {tensor.device}, wanted {logits.device}, where the logits are"
        )
    return tensor


def _map(logits: Tensor, name: str, map: Tensor) -> Tensor:
    """Of all classes or of each, as (N, 1 or C, spatial…)."""
    map = _beside(logits, f"map {name!r}", map)
    shape = _maps.shape_of(name, _shape(map), _shape(logits))
    return map if map.shape == shape else map.reshape(shape)


def _spread_over_voxels(logits: Tensor, name: str, tensor: Tensor) -> Tensor:
    """One value a voxel as (N, spatial…), of what may hold for several."""
    samples, spatial = logits.shape[0], tuple(logits.shape[2:])
    whole = (samples, *spatial)
    if tensor.shape == whole:
        return tensor
    shape = _shapes.over_voxels(name, _shape(tensor), samples, spatial)
    tensor = tensor.reshape(shape)
    return tensor if shape == whole else tensor.expand(whole).contiguous()


def _per_voxel(logits: Tensor, name: str, tensor: Tensor) -> Tensor:
    """One value a voxel as (N, spatial…)."""
    per_voxel = (logits.shape[0], *logits.shape[2:])
    if tensor.shape == per_voxel:
        return tensor
    if tensor.shape == (per_voxel[0], 1, *per_voxel[1:]):
        return tensor.squeeze(1)
    dense = f", or {_shape(logits)} for a dense target" if name == "target" else ""
    raise ValueError(
        f"{name}: found shape {_shape(tensor)}, wanted {per_voxel} or "
        f"{(per_voxel[0], 1, *per_voxel[1:])}{dense}, to fit logits {_shape(logits)}"
    )


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
