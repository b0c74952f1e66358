"""Soft Dice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..torch._native import loss_dtype
from ..torch._peers import sums
from ..torch._ranks import of_all_ranks
from .nonlinearity import Nonlinearity, activated

__all__ = ["MemoryEfficientSoftDiceLoss", "SoftDiceLoss"]

OVERLAP = ("intersection", "prediction", "reference")
"""The sums that Dice is made of."""
#: What a denominator is at least.
_BOUND = 1e-8


class _SoftDice(nn.Module):
    def __init__(
        self,
        apply_nonlin: Nonlinearity | None = None,
        batch_dice: bool = False,
        do_bg: bool = True,
        smooth: float = 1.0,
        ddp: bool = True,
    ) -> None:
        super().__init__()
        self.do_bg = do_bg
        self.batch_dice = batch_dice
        self.apply_nonlin = apply_nonlin
        self.smooth = smooth
        self.ddp = ddp

    def forward(self, x: Tensor, y: Tensor, loss_mask: Tensor | None = None) -> Tensor:
        """The loss.

        Args:
            x: (N, C, spatial…).
            y: labels or dense.
            loss_mask: (N, 1, spatial…) of bool; voxels where it is False do not count. Of numbers:
                how much each voxel counts, at least 0.
        """
        read, activation = activated(x, self.apply_nonlin)
        measured = measured_of(read, y, OVERLAP, activation=activation, **counted(loss_mask))
        return self.of_sums(measured).to(loss_dtype(x))

    @property
    def is_usual(self) -> bool:
        """Whether it is one less than the engine's own Dice: of this rank alone, and with a
        smoothing that keeps the denominator above the bound."""
        alone = not (self.batch_dice and self.ddp)
        return alone and type(self.smooth) in (int, float) and _BOUND <= self.smooth < math.inf

    def of_sums(self, measured: Tensor) -> Tensor:
        """The loss, from the sums in `OVERLAP` (N, C, 3)."""
        if self.batch_dice:
            if self.ddp:
                measured, _ = of_all_ranks(measured, None, dist.group.WORLD, by_sample=False)  # type: ignore[arg-type]
            measured = measured.sum(0)
        if not self.do_bg:
            measured = measured[..., 1:, :]
        both, p, g = measured.unbind(-1)
        return -self.dice(both, p, g).mean()

    def dice(self, both: Tensor, p: Tensor, g: Tensor) -> Tensor:
        """Of Σpg, Σp and Σg."""
        return (2 * both + self.smooth) / (g + p + self.smooth).clamp_min(_BOUND)


class MemoryEfficientSoftDiceLoss(_SoftDice):
    """−mean (2Σpg + s) / max(Σp + Σg + s, 1e-8), over samples and classes.

    Args:
        apply_nonlin: from the input to probabilities p. `torch.sigmoid`, `nn.Sigmoid()`,
            `nn.Softmax(1)` and `softmax_helper_dim1` (nnU-Net's or this package's) run in the
            engine, any other function in torch; None where the input holds probabilities.
        batch_dice: whether to sum over the batch too, before dividing.
        do_bg: whether class 0 counts.
        smooth: s.
        ddp: with `batch_dice`, whether the batch is that of all ranks of the default process
            group, by one all-reduce, with the exact gradient. nnU-Net needs as many samples on
            each rank; here they may differ. True by default, and then (quirk) an error without a
            process group.

    Shapes:
        `x` (N, C, spatial…), float64, float32, float16 or bfloat16. `y`: a target in the shape of
        `x` is dense, in [0, 1]; otherwise labels (N, 1, spatial…) or (N, spatial…), of any type
        that holds integers.

    Returns:
        A number in [−1, 0], float32, or float64 of float64.

    Raises:
        RuntimeError: a label that names no class, a target out of range, shapes that do not fit.
        ValueError: `batch_dice` and `ddp` without a process group.

    Papers: Milletari et al., V-Net, https://arxiv.org/abs/1606.04797; Isensee et al., nnU-Net,
    https://doi.org/10.1038/s41592-020-01008-z.
    """


class SoftDiceLoss(_SoftDice):
    """−mean (2TP + s) / max(2TP + FP + FN + s, 1e-8), over samples and classes.

    TP = max(Σpg, `clip_tp`), FP = Σp(1 − g), FN = Σ(1 − p)g. Without `clip_tp` the same as
    `MemoryEfficientSoftDiceLoss`, whose arguments, shapes and errors it has.

    Args:
        clip_tp: the least TP; None for none. It does not lessen FP and FN.
    """

    def __init__(
        self,
        apply_nonlin: Nonlinearity | None = None,
        batch_dice: bool = False,
        do_bg: bool = True,
        smooth: float = 1.0,
        ddp: bool = True,
        clip_tp: float | None = None,
    ) -> None:
        super().__init__(apply_nonlin, batch_dice, do_bg, smooth, ddp)
        self.clip_tp = clip_tp

    @property
    def is_usual(self) -> bool:
        """Likewise."""
        return self.clip_tp is None and super().is_usual

    def dice(self, both: Tensor, p: Tensor, g: Tensor) -> Tensor:
        """Of Σpg, Σp and Σg."""
        if self.clip_tp is None:
            return super().dice(both, p, g)
        found = both.clamp_min(self.clip_tp)
        return super().dice(found, p - both + found, g - both + found)


def measured_of(
    x: Tensor,
    y: Tensor,
    names: Sequence[str],
    *,
    option: str | None = None,
    **settings: Any,
) -> Tensor:
    """Sums (N, C, k) of a target that is dense if it has the shape of the logits."""
    if y.dim() == x.dim() - 1:
        y = y.unsqueeze(1)
    kind = "dense" if y.shape == x.shape else "labels"
    return sums(x, y, names, wrong=RuntimeError, option=option, target_kind=kind, **settings)


def counted(loss_mask: Tensor | None) -> dict[str, Any]:
    """How `measure` is told which voxels count, or how much."""
    if loss_mask is None:
        return {}
    if loss_mask.dtype is torch.bool:
        return {"mask": loss_mask}
    return {"voxel_weight": loss_mask}
