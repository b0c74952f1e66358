"""Losses at several resolutions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, overload

import torch
from torch import Tensor, nn

from .._options import numbers
from ._details import LossDetails

Weights: TypeAlias = Literal["nnunet", "exp", "two", "same"] | Sequence[float]


class DeepSupervisionLoss(nn.Module):
    """The weighted sum of a loss at every output of a network.

    L = Σ_l w_l loss(logits_l, target_l), the outputs from the finest to the coarsest. The target,
    mask, voxel weight and maps are resized to each resolution once, by nearest neighbour; maps that
    a loss makes are made anew in each::

        criterion = DeepSupervisionLoss(DiceCELoss(background=False))
        criterion(outputs, label).backward()

    Args:
        loss: any module that takes `(logits, target)`, and by name what it is called with beside
            them: `mask`, `voxel_weight`, `class_valid`, `maps`, `details`. `nn.CrossEntropyLoss`
            will do.
        weights: `"nnunet"`: 2⁻ˡ, but 0 for the coarsest of several outputs, divided by their sum.
            `"exp"`: max(2⁻ˡ, 1/16); `"two"`: 1 for the finest and ½ for all others; `"same"`:
            1 for all; none of these three is divided by anything (MONAI). Or one for each output.

    Shapes:
        A sequence of logits (N, C, spatial…), or one tensor, which counts as a sequence of one.
        The target is one for all, in the finest resolution, or a sequence of one for each output.

    Raises:
        ValueError: no outputs, one that is finer than the output before it, or another number of
            weights or targets than of outputs.
    """

    def __init__(self, loss: nn.Module, *, weights: Weights = "nnunet") -> None:
        super().__init__()
        if isinstance(weights, str) and weights not in ("nnunet", "exp", "two", "same"):
            raise ValueError(
                f"weights: found {weights!r}, wanted 'nnunet', 'exp', 'two', 'same' or numbers"
            )
        self.loss = loss
        self.weights = weights if isinstance(weights, str) else numbers("weights", weights)

    @overload
    def forward(
        self,
        outputs: Sequence[Tensor] | Tensor,
        target: Sequence[Tensor] | Tensor,
        *,
        mask: Tensor | None = None,
        voxel_weight: Tensor | None = None,
        class_valid: Tensor | None = None,
        maps: Mapping[str, Sequence[Tensor] | Tensor] | None = None,
        details: Literal[False] = False,
    ) -> Tensor: ...

    @overload
    def forward(
        self,
        outputs: Sequence[Tensor] | Tensor,
        target: Sequence[Tensor] | Tensor,
        *,
        mask: Tensor | None = None,
        voxel_weight: Tensor | None = None,
        class_valid: Tensor | None = None,
        maps: Mapping[str, Sequence[Tensor] | Tensor] | None = None,
        details: Literal[True],
    ) -> tuple[Tensor, LossDetails]: ...

    def forward(
        self,
        outputs: Sequence[Tensor] | Tensor,
        target: Sequence[Tensor] | Tensor,
        *,
        mask: Tensor | None = None,
        voxel_weight: Tensor | None = None,
        class_valid: Tensor | None = None,
        maps: Mapping[str, Sequence[Tensor] | Tensor] | None = None,
        details: bool = False,
    ) -> Tensor | tuple[Tensor, LossDetails]:
        """The loss, and with `details` those of the finest output; see `DeepSupervisionLoss`."""
        outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        weights = self.weights_of(len(outputs))
        _check_order(outputs)
        targets = _of_each(target, outputs, "target")
        masks = [None] * len(outputs) if mask is None else _of_each(mask, outputs, "mask")
        voxel_weights: list[Tensor | None] = [None] * len(outputs)
        if voxel_weight is not None:
            voxel_weights = [*_of_each(voxel_weight, outputs, "voxel_weight")]
        named = {
            name: _of_each(map, outputs, f"map {name!r}") for name, map in (maps or {}).items()
        }
        losses, finest = [], None
        for level, weight in enumerate(weights):
            if weight == 0.0 and not (details and level == 0):
                continue
            beside = {
                "mask": masks[level],
                "voxel_weight": voxel_weights[level],
                "class_valid": class_valid,
                "maps": {name: map[level] for name, map in named.items()} or None,
            }
            # Only what is there: a loss of somebody else may know none of them.
            given: dict[str, Any] = {k: v for k, v in beside.items() if v is not None}
            if details and level == 0:
                value, finest = self.loss(outputs[0], targets[0], **given, details=True)
            else:
                value = self.loss(outputs[level], targets[level], **given)
            if weight != 0.0:
                losses.append(weight * value)
        if not losses:
            raise ValueError(f"weights: found {weights}, wanted one that is not 0")
        total = torch.stack(losses).sum(0)
        return total if finest is None else (total, finest)

    def weights_of(self, count: int) -> list[float]:
        """The weight of each of so many outputs."""
        if count == 0:
            raise ValueError("outputs: found none, wanted one or more")
        halves = [0.5**level for level in range(count)]
        if self.weights == "nnunet":
            if count > 1:
                halves[-1] = 0.0
            return [weight / sum(halves) for weight in halves]
        if self.weights == "exp":
            return [max(weight, 0.0625) for weight in halves]
        if self.weights == "two":
            return [1.0] + [0.5] * (count - 1)
        if self.weights == "same":
            return [1.0] * count
        if len(self.weights) != count:
            raise ValueError(
                f"weights: found {len(self.weights)} of them, wanted {count}, one for each output"
            )
        return list(self.weights)

    def extra_repr(self) -> str:
        """What differs from the default."""
        return "" if self.weights == "nnunet" else f"weights={self.weights!r}"


def _check_order(outputs: Sequence[Tensor]) -> None:
    """From the finest to the coarsest: a weight belongs to a place."""
    for finer, coarser in itertools.pairwise(outputs):
        if coarser.shape[2:].numel() > finer.shape[2:].numel():
            sizes = ", ".join(str(tuple(output.shape[2:])) for output in outputs)
            raise ValueError(f"outputs: found sizes {sizes}, wanted the finest first")


def _of_each(
    tensor: Sequence[Tensor] | Tensor, outputs: Sequence[Tensor], name: str
) -> list[Tensor]:
    """One for each output, in its resolution."""
    if not isinstance(tensor, Tensor):
        if len(tensor) != len(outputs):
            raise ValueError(
                f"{name}: found {len(tensor)} of them, wanted one, or {len(outputs)}, one for each "
                "output"
            )
        return list(tensor)
    return [_resized(tensor, logits, name) for logits in outputs]


def _resized(tensor: Tensor, logits: Tensor, name: str) -> Tensor:
    """By nearest neighbour to the resolution of the logits; the type stays."""
    spatial = logits.shape[2:]
    without_channel = tensor.dim() == logits.dim() - 1
    if not without_channel and tensor.dim() != logits.dim():
        raise ValueError(
            f"{name}: found shape {tuple(tensor.shape)}, wanted {logits.dim()} axes, or one less "
            "without channels"
        )
    found = tensor.shape[1:] if without_channel else tensor.shape[2:]
    if found == spatial:
        return tensor
    for axis, size in zip(range(-len(spatial), 0), spatial, strict=True):
        if tensor.shape[axis] != size:
            tensor = tensor.index_select(axis, _nearest(tensor, axis, size))
    return tensor


def _nearest(tensor: Tensor, axis: int, size: int) -> Tensor:
    """Which of the old places lies nearest to the centre of each new one."""
    steps = torch.arange(size, device=tensor.device)
    return (2 * steps + 1) * tensor.shape[axis] // (2 * size)
