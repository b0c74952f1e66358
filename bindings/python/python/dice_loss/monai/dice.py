"""Dice and Jaccard."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from ..terms import Dice
from ..torch._target import plain
from . import _voxels
from ._overlap import L1, PRODUCT, SQUARED, OverlapLoss
from ._voxels import Voxels

Weight = Sequence[float] | float | Tensor | None


class DiceLoss(OverlapLoss):
    """Dice loss: 1 − (2 tp + nr) / (2 tp + fp + fn + dr), of each class of each sample.

    tp = Σpg, fp = Σp − tp, fn = Σg − tp. Range [0, 1] for probabilities, hard labels and nr ≤ dr.
    Papers: Milletari, Navab and Ahmadi 2016, https://arxiv.org/abs/1606.04797; Wang and Blaschko
    2023, https://arxiv.org/abs/2302.05666; Wang et al. 2023, https://arxiv.org/abs/2303.16296.

    Quirk: with `jaccard` it is 1 − (2 tp + nr) / (2 (tp + fp + fn) + dr), so that the smoothing
    counts half. Quirk: the mean of weighted classes is not divided by the weights. Quirk:
    `ignore_index` with a target of several channels ignores what the channel of that number has,
    or, if there is no such channel, every voxel that is 0 in all channels; soft values in that
    channel fade the voxel's prediction and reference.

    Args:
        include_background: whether channel 0 takes part.
        to_onehot_y: the target holds labels, (N, 1, spatial…).
        sigmoid: p is the sigmoid of the input.
        softmax: p is the softmax of the input over the channels.
        other_act: p is what this function makes of the input; it may be negative.
        squared_pred: fp = Σp² − tp, fn = Σg² − tp.
        jaccard: intersection over union instead.
        reduction: `"mean"`, `"sum"`, or `"none"` for (N, C, 1, …), with `batch` (C, 1, …).
        smooth_nr: nr.
        smooth_dr: dr.
        batch: one ratio for each class, over the batch.
        weight: one for each class that takes part, or one for all, at least 0; multiplies the
            loss of the class. Without effect on one channel.
        soft_label: tp = (Σ|p| + Σ|g| − Σ|p − g|) / 2, sizes as Σ|p| and Σ|g|.
        ignore_index: voxels of this label do not count.

    Raises:
        TypeError: `other_act` is no callable.
        ValueError: two activations; an unknown reduction; weights of another number than classes,
            or below 0; a dense target outside [0, 1].
        AssertionError: a target of another shape than the input.
        RuntimeError: a label that names no class.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[..., Any] | None = None,
        squared_pred: bool = False,
        jaccard: bool = False,
        reduction: str = "mean",
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
        batch: bool = False,
        weight: Weight = None,
        soft_label: bool = False,
        ignore_index: int | None = None,
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
            batch,
        )
        self.squared_pred = squared_pred
        self.jaccard = jaccard
        self.soft_label = soft_label
        self.ignore_index = ignore_index
        self.register_buffer("class_weight", None if weight is None else torch.as_tensor(weight))

    @property
    def names(self) -> tuple[str, ...]:
        """The sums that the loss is made of."""
        return SQUARED if self.squared_pred else L1 if self.soft_label else PRODUCT

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `DiceLoss`."""
        return self.of(ignoring(self.voxels(input, target, self.to_onehot_y), self.ignore_index))

    def of(self, voxels: Voxels) -> Tensor:
        """The loss of what was read."""
        term = self.term(voxels)
        if term is not None:
            return voxels.loss(((1.0, term),))
        return self.of_sums(voxels.measure(self.names), voxels).to(voxels.dtype)

    def term(self, voxels: Voxels) -> Dice | None:
        """The engine's own loss that is the same; None where there is none."""
        smoothing = (self.smooth_nr, self.smooth_dr)
        is_usual = self.class_weight is None and not (self.jaccard or self.soft_label)
        is_smooth = all(type(s) is float and 0 < s < math.inf for s in smoothing)
        if not (is_usual and is_smooth and self.reduction == "mean" and voxels.is_plain):
            return None
        return _term(bool(self.squared_pred), smoothing, bool(self.batch), voxels.first == 0)

    def of_sums(self, sums: dict[str, Tensor], voxels: Voxels) -> Tensor:
        """The loss of sums over the voxels."""
        both, prediction, reference = self.overlap(sums, self.names, voxels)
        errors = prediction + reference - 2 * both
        errors = 2 * errors if self.jaccard else errors
        loss = 1 - (2 * both + self.smooth_nr) / (2 * both + errors + self.smooth_dr)
        classes = voxels.logits.shape[1] - voxels.first
        if self.class_weight is not None and classes > 1:
            loss = loss * _voxels.checked_weights(self.class_weight, classes).to(loss)
        return _voxels.reduced(loss, self.reduction, [*loss.shape, *voxels.ones])


class MaskedDiceLoss(DiceLoss):
    """Dice loss within a mask; see `DiceLoss` for formula, options and errors.

    The mask multiplies what the activation made of the input, and the target; where it is 0, a
    voxel has no part in the prediction. Quirk: labels that are masked out become label 0, so that
    the reference of the background grows by them.

    Call it with (input, target, mask): the mask is (N, 1, spatial…) or (1, 1, spatial…), any type.

    Raises:
        ValueError: a mask of several channels, or of another batch size.
    """

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[..., Any] | None = None,
        squared_pred: bool = False,
        jaccard: bool = False,
        reduction: str = "mean",
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
        batch: bool = False,
        weight: Weight = None,
        soft_label: bool = False,
    ) -> None:
        super().__init__(
            include_background,
            to_onehot_y,
            sigmoid,
            softmax,
            other_act,
            squared_pred,
            jaccard,
            reduction,
            smooth_nr,
            smooth_dr,
            batch,
            weight,
            soft_label,
        )

    def forward(self, input: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss; see `MaskedDiceLoss`."""
        if mask is None:
            _voxels.warn("MaskedDiceLoss without a mask: all voxels count")
            return super().forward(input, target)
        voxels = self.voxels(input, target, self.to_onehot_y)
        mask = _mask(input, plain("mask", mask))
        if not _voxels.is_binary(mask):
            voxels = _voxels.faded(voxels, mask)
            return self.of_sums(voxels.measure(self.names), voxels).to(voxels.dtype)
        sums = voxels._replace(mask=mask).measure(self.names)
        if voxels.kind == "labels":
            outside = (mask == 0).flatten(1).sum(1, dtype=sums[self.names[0]].dtype)
            for name in ("reference", "reference_squared", "difference"):
                if name in sums:
                    background = sums[name][:, :1] + outside.unsqueeze(1)
                    sums[name] = torch.cat([background, sums[name][:, 1:]], 1)
        return self.of_sums(sums, voxels).to(voxels.dtype)


@lru_cache(maxsize=256)
def _term(squared: bool, smoothing: tuple[float, float], batch: bool, background: bool) -> Dice:
    return Dice(
        squared=squared,
        smoothing=smoothing,
        pool="batch" if batch else "sample",
        absent="formula",
        background=background,
    )


def ignoring(voxels: Voxels, ignore_index: int | None) -> Voxels:
    """Without the voxels of a label; see `DiceLoss` for targets of several channels."""
    voxels = voxels._replace(option="ignore_index")
    if ignore_index is None:
        return voxels
    if voxels.kind == "labels" or voxels.logits.shape[1] == 1:
        return voxels._replace(ignore_index=ignore_index)
    share = _voxels.not_ignored(voxels.target, ignore_index)
    if _voxels.is_binary(share):
        return voxels._replace(mask=share)
    return _voxels.faded(voxels, share)


def _mask(input: Tensor, mask: Tensor) -> Tensor:
    """The mask as (N, 1, spatial…)."""
    if mask.dim() != input.dim() or mask.shape[2:] != input.shape[2:]:
        _voxels.warn(f"mask: found shape {tuple(mask.shape)} beside an input {tuple(input.shape)}")
    if mask.shape[1] != 1:
        raise ValueError(f"mask: found shape {tuple(mask.shape)}, wanted one channel")
    if mask.shape[0] not in (1, input.shape[0]):
        raise ValueError(f"mask: found {mask.shape[0]} samples, wanted 1 or {input.shape[0]}")
    return mask.expand(input.shape[0], 1, *input.shape[2:])
