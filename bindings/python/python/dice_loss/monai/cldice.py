"""Dice of centrelines, and Dice beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.loss import _Loss

from .. import _direct
from ..terms import Activation
from . import _voxels
from ._overlap import OverlapLoss
from ._voxels import Voxels
from .dice import DiceLoss


class SoftclDiceLoss(OverlapLoss):
    """Soft clDice: 1 − 2 T_prec T_sens / (T_prec + T_sens + smooth), for tubes.

    T_prec = (Σ S(p) g + nr) / (Σ S(p) + dr) and T_sens = (Σ p S(g) + nr) / (Σ S(g) + dr) with the
    soft skeletons S of prediction and target, and sums over the voxels of all channels of a sample
    together. Range [0, 1] for nr ≤ dr. Paper: Shit et al. 2021, https://arxiv.org/abs/2003.07311.

    Quirk: a channel without reference is part of the sums like any other, and the background is,
    unless it is left out. Quirk: a perfect match costs smooth / (2 + smooth). `ClDiceLoss` of
    `dice_loss.torch` has each class by itself.

    Args:
        iter_: how often maps are eroded for their skeletons; up to 1000.
        smooth_nr: nr, at least 0.
        smooth_dr: dr, at least 0.
        smooth: added to the denominator of the harmonic mean, above 0.
        include_background: whether channel 0 takes part.
        to_onehot_y: the target holds labels, (N, 1, spatial…).
        sigmoid: p is the sigmoid of the input.
        softmax: p is the softmax of the input over the channels.
        other_act: p is what this function makes of the input.
        reduction: `"mean"`, `"sum"`, or `"none"` for (N).

    Raises:
        TypeError: `other_act` is no callable; `iter_` is no integer.
        ValueError: two activations; an unknown reduction; `iter_` below 0, `smooth` not above 0; an
            input that is no image or volume, which MONAI meets with another exception; a dense
            target outside [0, 1].
        AssertionError: a target of another shape than the input.
        RuntimeError: a label that names no class.
    """

    def __init__(
        self,
        iter_: int = 3,
        smooth_nr: float = 1.0,
        smooth_dr: float = 1.0,
        smooth: float = 1e-4,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[..., Any] | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            include_background,
            to_onehot_y,
            sigmoid,
            softmax,
            other_act,
            reduction,
            smooth_nr,
            smooth_dr,
            False,
        )
        if not isinstance(iter_, int):
            raise TypeError(f"iter_: found {type(iter_).__name__}, wanted an integer")
        if iter_ < 0:
            raise ValueError(f"iter_: found {iter_}, wanted at least 0")
        if smooth <= 0:
            raise ValueError(f"smooth: found {smooth}, wanted a number above 0")
        self.iter = iter_
        self.smooth = float(smooth)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `SoftclDiceLoss`."""
        return self.of(self.voxels(input, target, self.to_onehot_y))

    def of(self, voxels: Voxels) -> Tensor:
        """The loss of what was read."""
        if voxels.spatial not in (2, 3):
            raise ValueError(
                f"input: found shape {tuple(voxels.logits.shape)}, wanted images (N, C, H, W) or "
                "volumes (N, C, H, W, D)"
            )
        numbers = (int(self.iter), self.smooth_nr, self.smooth_dr, self.smooth)
        text = _text(voxels.activation, voxels.first, *numbers)
        values = torch.stack([one.direct(text) for one in voxels.samples()])
        return _voxels.reduced(values, self.reduction, [*values.shape]).to(voxels.dtype)


@lru_cache(maxsize=64)
def _text(
    activation: Activation, first: int, iterations: int, nr: float, dr: float, smooth: float
) -> str:
    """Of one sample, all channels together."""
    own = _direct.centerline(
        activation, iterations=iterations, smoothing=(nr, dr), epsilon=smooth, alpha=1.0
    )
    return _direct.spec("cldice", own=own, pool="all", absent="formula", background=first == 0)


class SoftDiceclDiceLoss(_Loss):
    """(1 − α) · Dice + α · soft clDice; see `DiceLoss` and `SoftclDiceLoss`.

    Quirk: Dice is a mean over samples and channels, clDice over samples. Quirk: with
    `reduction="none"` their (N, C, 1, …) and (N) are broadcast to (N, C, …, N).

    Args:
        iter_: see `SoftclDiceLoss`, as all others but these:
        alpha: α, 0 to 1.
        smooth_nr: nr, of both.
        smooth_dr: dr, of both.

    Raises:
        TypeError, ValueError, AssertionError, RuntimeError: as `SoftclDiceLoss`; ValueError for an
            α outside [0, 1], another number of axes, or channels neither 1 nor as in the input.
    """

    def __init__(
        self,
        iter_: int = 3,
        alpha: float = 0.5,
        smooth_nr: float = 1.0,
        smooth_dr: float = 1.0,
        smooth: float = 1e-4,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[..., Any] | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if not 0.0 <= alpha <= 1.0:
            raise ValueError(f"alpha: found {alpha}, wanted 0 to 1")
        self.dice = DiceLoss(
            include_background=include_background,
            sigmoid=sigmoid,
            softmax=softmax,
            other_act=other_act,
            reduction=reduction,
            smooth_nr=smooth_nr,
            smooth_dr=smooth_dr,
        )
        self.cldice = SoftclDiceLoss(
            iter_,
            smooth_nr,
            smooth_dr,
            smooth,
            include_background,
            sigmoid=sigmoid,
            softmax=softmax,
            other_act=other_act,
            reduction=reduction,
        )
        self.alpha = alpha
        self.to_onehot_y = to_onehot_y

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `SoftDiceclDiceLoss`."""
        if input.dim() != target.dim() or target.shape[1] not in (1, input.shape[1]):
            raise ValueError(
                f"target: found shape {tuple(target.shape)}, wanted the axes of the input "
                f"{tuple(input.shape)}, with one channel or as many"
            )
        dice = self.dice.of(self.dice.voxels(input, target, self.to_onehot_y))
        is_labels = self.to_onehot_y and input.shape[1] > 1
        cldice = self.cldice.of(self.cldice.voxels(input, target, is_labels))
        return (1.0 - self.alpha) * dice + self.alpha * cldice
