"""Dice or generalized Dice, and a loss of each voxel beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.modules.loss import _Loss

from ..terms import CrossEntropy
from ._voxels import Voxels, floating
from .dice import DiceLoss, Weight
from .focal import FocalLoss
from .generalized import GeneralizedDiceLoss


class DiceCELoss(_Loss):
    """λ_dice · Dice + λ_ce · cross-entropy, of logits; see `DiceLoss`.

    Cross-entropy is that of softmax, whatever Dice's activation, and always of all channels:
    −Σ_k w_k t_k ln p_k with t = (1 − ε) g + ε / C; of one channel it is binary. Under
    `softmax=True` both come from one sweep over the voxels. Range [0, ∞).

    Quirk: the mean of labels divides by the weights of the voxels' classes, that of a target of
    several channels by the number of voxels. Quirk: one channel knows no label smoothing.

    Args:
        include_background: see `DiceLoss`, as all that follow but these:
        reduction: `"mean"` or `"sum"`.
        weight: w, a tensor of one for each class, the background included; Dice weighs its
            classes likewise. With one channel the weight of positives in cross-entropy.
        lambda_dice: λ_dice, at least 0.
        lambda_ce: λ_ce, at least 0.
        label_smoothing: ε, at most 1.

    Raises:
        TypeError, ValueError, AssertionError, RuntimeError: as `DiceLoss`; TypeError for weights
            that are no tensor; ValueError for a λ below 0, another number of axes, or channels
            neither 1 nor as in the input; RuntimeError for an ε above 1, or one weight for several
            classes.
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
        weight: Tensor | None = None,
        lambda_dice: float = 1.0,
        lambda_ce: float = 1.0,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction: found {reduction!r}, wanted 'mean' or 'sum'")
        has_background = weight is None or include_background
        self.dice = DiceLoss(
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
            weight if has_background else weight[1:],  # type: ignore[index]
        )
        self.reduction = self.dice.reduction
        # Never called: they hold the weights under the names of a state dict.
        self.cross_entropy = nn.CrossEntropyLoss(weight, label_smoothing=label_smoothing)
        self.binary_cross_entropy = nn.BCEWithLogitsLoss(pos_weight=weight)
        self.lambda_dice = _not_negative("lambda_dice", lambda_dice)
        self.lambda_ce = _not_negative("lambda_ce", lambda_ce)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `DiceCELoss`."""
        _check_channels(input, target)
        self._check_weight(input.shape[1])
        voxels = self.dice.voxels(input, target, self.dice.to_onehot_y)
        dice_term = self.dice.term(voxels)
        entropy_term = None if dice_term is None else self._term(voxels)
        if dice_term is not None and entropy_term is not None:
            return voxels.loss(((self.lambda_dice, dice_term), (self.lambda_ce, entropy_term)))
        is_shared = voxels.activation == "softmax"
        sums = voxels.measure((*self.dice.names, *(self._names if is_shared else ())))
        dice = self.dice.of_sums(sums, voxels)
        if input.shape[1] == 1:
            entropy = self._binary(floating(input), voxels)
        else:
            if not is_shared:
                logits = voxels._replace(logits=floating(input), activation="softmax")
                sums = logits.measure(self._names)
            entropy = self._exclusive(sums, voxels)
        return (self.lambda_dice * dice + self.lambda_ce * entropy).to(voxels.dtype)

    def _term(self, voxels: Voxels) -> CrossEntropy | None:
        """The engine's own cross-entropy that is the same; None where there is none."""
        smoothing = self.cross_entropy.label_smoothing
        is_usual = self.cross_entropy.weight is None and self.reduction == "mean"
        is_smooth = type(smoothing) is float and 0 <= smoothing <= 1
        numbers = (self.lambda_dice, self.lambda_ce)
        is_weighed = all(type(w) is float and 0 <= w < math.inf for w in numbers)
        of_labels = voxels.activation == "softmax" and voxels.kind == "labels"
        return _term(smoothing) if is_usual and is_smooth and is_weighed and of_labels else None

    def _check_weight(self, channels: int) -> None:
        """Whether there are weights of all channels, also where Dice has no background."""
        weight = self.cross_entropy.weight
        if weight is None or weight.dim() == 0 or channels == 1:
            return
        if weight.shape != (channels,):
            raise ValueError(
                f"weight: found shape {tuple(weight.shape)}, wanted ({channels},), one for each "
                "class, the background included"
            )

    @property
    def _names(self) -> tuple[str, ...]:
        """The sums that cross-entropy is made of."""
        names = ("log_loss", "reference")
        return (*names, "log_loss_of_all") if self.cross_entropy.label_smoothing > 0 else names

    def _exclusive(self, sums: dict[str, Tensor], voxels: Voxels) -> Tensor:
        """Cross-entropy over the channels."""
        loss, smoothing = sums["log_loss"], max(self.cross_entropy.label_smoothing, 0.0)
        if smoothing > 1:
            raise RuntimeError(f"label_smoothing: found {smoothing}, wanted at most 1")
        if smoothing > 0:
            loss = (1 - smoothing) * loss + smoothing * sums["log_loss_of_all"]
        count = sums["reference"]
        weight = self.cross_entropy.weight
        if weight is not None:
            if weight.shape != (loss.shape[1],):
                raise RuntimeError(
                    f"weight: found shape {tuple(weight.shape)}, wanted ({loss.shape[1]},)"
                )
            loss, count = weight.to(loss) * loss, weight.to(loss) * count
        if self.reduction == "sum":
            return loss.sum()
        if voxels.kind == "labels":
            return loss.sum() / count.sum()
        return loss.sum() / voxels.logits[:, 0].numel()

    def _binary(self, logits: Tensor, voxels: Voxels) -> Tensor:
        """Cross-entropy of one channel."""
        weight = self.binary_cross_entropy.pos_weight
        if weight is not None and weight.numel() != 1:
            # One for every place: for this there is no sum.
            wide = torch.promote_types(logits.dtype, torch.float32)
            return binary_cross_entropy_with_logits(
                logits.to(wide),
                voxels.target.to(wide),
                pos_weight=weight.to(wide),
                reduction=self.reduction,
            )
        voxels = voxels._replace(logits=logits, activation="sigmoid")
        sums = voxels.measure(("positive", "negative"))
        positive, negative = sums["positive"].sum(), sums["negative"].sum()
        if weight is not None:
            positive = positive * weight.to(positive).reshape(())
        loss = positive + negative
        return loss if self.reduction == "sum" else loss / logits.numel()


class DiceFocalLoss(_Loss):
    """λ_dice · Dice + λ_focal · focal loss of sigmoids, of logits; see `DiceLoss`, `FocalLoss`.

    Range [0, ∞).

    Args:
        include_background: see `DiceLoss`, as all that follow but these; for both losses.
        reduction: `"mean"`, `"sum"`, or `"none"` for (N, C, spatial…).
        gamma: γ of the focal loss, at least 0.
        weight: for both losses.
        lambda_dice: λ_dice, at least 0.
        lambda_focal: λ_focal, at least 0.
        alpha: α of the focal loss.

    Raises:
        TypeError, ValueError, AssertionError, RuntimeError: as both losses; ValueError for a λ
            below 0, another number of axes, or channels neither 1 nor as in the input.
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
        gamma: float = 2.0,
        weight: Weight = None,
        lambda_dice: float = 1.0,
        lambda_focal: float = 1.0,
        alpha: float | None = None,
    ) -> None:
        super().__init__()
        self.dice = DiceLoss(
            include_background,
            False,
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
        )
        self.focal = FocalLoss(include_background, False, gamma, alpha, weight, self.dice.reduction)
        self.reduction = self.dice.reduction
        self.lambda_dice = _not_negative("lambda_dice", lambda_dice)
        self.lambda_focal = _not_negative("lambda_focal", lambda_focal)
        self.to_onehot_y = to_onehot_y

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `DiceFocalLoss`."""
        _check_channels(input, target)
        voxels = self.dice.voxels(input, target, self.to_onehot_y)
        dice = self.dice.of_sums(voxels.measure(self.dice.names), voxels).to(voxels.dtype)
        focal = self.focal.of_target(input, target, voxels.kind == "labels")
        return self.lambda_dice * dice + self.lambda_focal * focal


class GeneralizedDiceFocalLoss(_Loss):
    """λ_gdl · generalized Dice + λ_focal · focal loss of sigmoids, of logits.

    See `GeneralizedDiceLoss` and `FocalLoss`. Range [0, ∞).

    Args:
        include_background: see `GeneralizedDiceLoss`, as all that follow but these; for both.
        reduction: `"mean"`, `"sum"`, or `"none"` for (N, C, spatial…).
        gamma: γ of the focal loss, at least 0.
        weight: for the focal loss.
        lambda_gdl: λ_gdl, at least 0.
        lambda_focal: λ_focal, at least 0.

    Raises:
        TypeError, ValueError, AssertionError, RuntimeError: as both losses; ValueError for a λ
            below 0, another number of axes, or channels neither 1 nor as in the input.
    """

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        sigmoid: bool = False,
        softmax: bool = False,
        other_act: Callable[..., Any] | None = None,
        w_type: str = "square",
        reduction: str = "mean",
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
        batch: bool = False,
        gamma: float = 2.0,
        weight: Weight = None,
        lambda_gdl: float = 1.0,
        lambda_focal: float = 1.0,
    ) -> None:
        super().__init__()
        self.generalized_dice = GeneralizedDiceLoss(
            include_background,
            to_onehot_y,
            sigmoid,
            softmax,
            other_act,
            w_type,
            reduction,
            smooth_nr,
            smooth_dr,
            batch,
        )
        self.reduction = self.generalized_dice.reduction
        self.focal = FocalLoss(include_background, to_onehot_y, gamma, None, weight, self.reduction)
        self.lambda_gdl = _not_negative("lambda_gdl", lambda_gdl)
        self.lambda_focal = _not_negative("lambda_focal", lambda_focal)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `GeneralizedDiceFocalLoss`."""
        _check_channels(input, target)
        overlap: Tensor = self.generalized_dice(input, target)
        focal: Tensor = self.focal(input, target)
        return self.lambda_gdl * overlap + self.lambda_focal * focal


@lru_cache(maxsize=256)
def _term(label_smoothing: float) -> CrossEntropy:
    return CrossEntropy(label_smoothing=label_smoothing)


def _not_negative(name: str, value: float) -> float:
    if value < 0:
        raise ValueError(f"{name}: found {value}, wanted at least 0")
    return value


def _check_channels(input: Tensor, target: Tensor) -> None:
    """Whether a target can fit an input, with labels or without."""
    if input.dim() != target.dim():
        raise ValueError(
            f"target: found shape {tuple(target.shape)}, wanted {input.dim()} axes, as the input "
            f"{tuple(input.shape)}"
        )
    if target.shape[1] not in (1, input.shape[1]):
        raise ValueError(
            f"target: found {target.shape[1]} channels, wanted 1 or {input.shape[1]}, as the input"
        )
