"""Maps that a loss makes of the target: by the engine, in main memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .. import _core
from .._maps import Wanted, made_channels
from . import _native
from ._hardest import hardest
from ._target import Target, TargetKind
from ._tracing import classes_of, is_intercepted, values_of


def with_maps(
    logits: Tensor,
    target: Target,
    wanted: tuple[Wanted, ...],
    spec: str,
    class_weights: Tensor | None = None,
) -> Target:
    """The target with all maps that are wanted: those that it has, and the others made.

    `class_weights` are those that the spec is without.
    """
    if len(target.maps) == len(wanted):
        return target
    tensor, kind, regions, ignore_index, mask, voxel_weight, class_valid, given = target
    settings = _native.settings_of(ignore_index, regions, ())
    tensors = (logits.detach(), tensor, mask, voxel_weight, class_valid)
    make: Any = torch.ops.dice_loss.make_map.default if is_intercepted() else _alone
    maps = {}
    for name, recipe, _ in wanted:
        if name in given:
            maps[name] = given[name]
        elif recipe == "hardest" and not (logits.is_cpu and class_weights is None):
            alone = target._replace(maps={})
            maps[name] = hardest(spec, name, logits.detach(), alone, class_weights)
        elif logits.is_cpu:
            maps[name] = make(*tensors, spec, kind, settings, name)
        else:
            raise ValueError(
                f"maps: found none called {name!r} beside logits on {logits.device}, wanted one: "
                "the CPU makes them, ahead of the loss, as maps=loss.maps(logits, target), or in a "
                "data loader by dice_loss.morphology"
            )
    return target._replace(maps=maps)


def _alone(*inputs: Any) -> Tensor:
    """Outside of any transform, since nothing is derived of a map."""
    inputs = tuple(values_of(x) if isinstance(x, Tensor) else x for x in inputs)
    with torch._C._DisableFuncTorch():
        return _make(*inputs)


def _make(
    logits: Tensor,
    target: Tensor,
    mask: Tensor | None,
    voxel_weight: Tensor | None,
    class_valid: Tensor | None,
    spec: str,
    kind: TargetKind,
    settings: str,
    name: str,
) -> Tensor:
    """(N, 1 or C, spatial…), float32."""
    logits = logits if logits.dtype in _native.FLOATS else logits.float()
    lent = _native.Lent(logits, target, mask, voxel_weight, class_valid, [], kind, settings)
    made = torch.empty(_shape(logits, spec, name), dtype=torch.float32)
    _core.make_map(spec, name, *lent.views, torch.get_num_threads(), _native.view(made))
    return made


def _shape(logits: Tensor, spec: str, name: str) -> tuple[int, ...]:
    channels = made_channels(spec, name, classes_of(logits))
    return (logits.shape[0], channels, *logits.shape[2:])


def _like(logits: Tensor, *inputs: Any) -> Tensor:
    spec, _, _, name = inputs[-4:]
    return logits.new_empty(_shape(logits, spec, name), dtype=torch.float32)


torch.library.custom_op(
    "dice_loss::make_map",
    _make,
    mutates_args=(),
    device_types="cpu",
    schema="(Tensor logits, Tensor target, Tensor? mask, Tensor? voxel_weight, "
    "Tensor? class_valid, str spec, str kind, str settings, str name) -> Tensor",
).register_fake(_like)
