"""Dice and cross-entropy together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias, TypeGuard

import torch
from torch import Tensor, nn

from ..terms import CrossEntropy, Dice, Pool, Term
from ..torch._native import loss_dtype
from ..torch._peers import at_once, differs, is_plain, per_class_factor
from ..torch._tracing import is_intercepted
from .cross_entropy import RobustCrossEntropyLoss, TopKLoss
from .dice import OVERLAP, MemoryEfficientSoftDiceLoss, SoftDiceLoss, counted, measured_of
from .nonlinearity import is_sigmoid, is_softmax, softmax_helper_dim1

__all__ = ["DC_and_BCE_loss", "DC_and_CE_loss", "DC_and_topk_loss"]


Terms: TypeAlias = tuple[tuple[float, Term], ...]
#: What a label to ignore is called here.
_OPTION = "ignore_label"


class _LabelLoss(nn.Module):
    """Dice and a loss of labels, with an ignored label."""

    ce: nn.Module
    dc: nn.Module

    def __init__(self, weight_ce: float, weight_dice: float, ignore_label: int | None) -> None:
        super().__init__()
        self.weight_dice = weight_dice
        self.weight_ce = weight_ce
        self.ignore_label = ignore_label

    def _one_after_another(self, net_output: Tensor, target: Tensor, labels: Tensor) -> Any:
        of_dice, mask = target, None
        if self.ignore_label is not None:
            if target.shape[1] != 1:
                raise AssertionError(
                    f"target: found {target.shape[1]} channels with an ignore label, wanted 1"
                )
            mask = differs(target, self.ignore_label)
            of_dice = torch.where(mask, target, 0)
        dice = cross_entropy = 0
        if self.weight_dice != 0:
            dice = self.dc(net_output, of_dice, loss_mask=mask)
        if self.weight_ce != 0 and (mask is None or bool(mask.any())):
            cross_entropy = self.ce(net_output, labels)
        return self.weight_ce * cross_entropy + self.weight_dice * dice

    def _counts_the_same(self, ce: RobustCrossEntropyLoss, net_output: Tensor) -> bool:
        """Whether both are asked for, of the same voxels."""
        if self.weight_dice == 0 or self.weight_ce == 0:
            return False
        if self.ignore_label is not None:
            return ce.ignore_index == self.ignore_label
        return not 0 <= ce.ignore_index < net_output.shape[1]

    def _is_usual(
        self, ce: RobustCrossEntropyLoss, dc: SoftDiceLoss | MemoryEfficientSoftDiceLoss
    ) -> bool:
        """Whether the engine's own terms can stand for them."""
        is_weighed = all(
            type(w) in (int, float) and 0 <= w < math.inf
            for w in (self.weight_ce, self.weight_dice)
        )
        smoothing = ce.label_smoothing
        return (
            is_weighed
            and is_plain(self.ignore_label)
            and ce.weight is None
            and type(smoothing) in (int, float)
            and 0 <= smoothing <= 1
            and dc.is_usual
        )

    def _weighted(
        self, dc: SoftDiceLoss | MemoryEfficientSoftDiceLoss, cross_entropy: CrossEntropy
    ) -> Terms:
        """The engine's own terms."""
        return _terms(
            float(self.weight_ce),
            float(self.weight_dice),
            cross_entropy,
            float(dc.smooth),
            "batch" if dc.batch_dice else "sample",
            bool(dc.do_bg),
        )

    def _of_terms(self, net_output: Tensor, target: Tensor, terms: Terms) -> Tensor:
        """The loss, of which Dice is one less than the engine's."""
        value = at_once(
            net_output,
            target,
            terms,
            wrong=RuntimeError,
            activation="softmax",
            target_kind="labels",
            ignore_index=self.ignore_label,
            option=_OPTION,
        )
        return value - self.weight_dice


class DC_and_CE_loss(_LabelLoss):
    """w_ce · cross-entropy + w_dice · Dice loss, under softmax.

    In main memory both come from one sweep over the voxels, if the Dice class is one of this
    package; otherwise one after the other. Cross-entropy is 0 where all voxels are ignored. Only
    Dice is exact under DDP; cross-entropy is that of each rank (quirk). A one-hot target works
    without `ignore_label`, but cross-entropy then takes its first channel for labels (quirk).

    Args:
        soft_dice_kwargs: arguments of the Dice loss.
        ce_kwargs: arguments of `RobustCrossEntropyLoss`.
        weight_ce: w_ce; with 0 it is left out.
        weight_dice: w_dice; with 0 it is left out.
        ignore_label: voxels of this label do not count.
        dice_class: this package's or any other; called with `apply_nonlin`.

    Shapes:
        `net_output`: logits (N, C, spatial…), float64, float32, float16 or bfloat16; `target`:
        labels (N, 1, spatial…) of any type that holds integers.

    Returns:
        A number of at least −w_dice, float32, or float64 of float64.

    Raises:
        RuntimeError: a label that names no class, shapes that do not fit.
        AssertionError: a one-hot target with `ignore_label`.

    Paper: Isensee et al., nnU-Net, https://doi.org/10.1038/s41592-020-01008-z.
    """

    def __init__(
        self,
        soft_dice_kwargs: Mapping[str, Any],
        ce_kwargs: Mapping[str, Any],
        weight_ce: float = 1,
        weight_dice: float = 1,
        ignore_label: int | None = None,
        dice_class: Any = SoftDiceLoss,
    ) -> None:
        super().__init__(weight_ce, weight_dice, ignore_label)
        ignored = {} if ignore_label is None else {"ignore_index": ignore_label}
        self.ce = RobustCrossEntropyLoss(**{**ce_kwargs, **ignored})
        self.dc = dice_class(apply_nonlin=softmax_helper_dim1, **soft_dice_kwargs)

    def forward(self, net_output: Tensor, target: Tensor) -> Any:
        """The loss; see `DC_and_CE_loss`."""
        ce, dc = self.ce, self.dc
        if (
            type(ce) is RobustCrossEntropyLoss
            and _is_own(dc)
            and is_softmax(dc.apply_nonlin)
            and self._counts_the_same(ce, net_output)
            and target.dim() == net_output.dim()
            and target.shape[1] == 1
            and ce.is_summed(net_output, target[:, 0])
        ):
            return self._at_once(ce, dc, net_output, target)
        return self._one_after_another(net_output, target, target[:, 0])

    def _at_once(
        self,
        ce: RobustCrossEntropyLoss,
        dc: SoftDiceLoss | MemoryEfficientSoftDiceLoss,
        net_output: Tensor,
        target: Tensor,
    ) -> Tensor:
        terms = None if is_intercepted() else self._terms(ce, dc)
        if terms is not None:
            return self._of_terms(net_output, target, terms)
        names = (*OVERLAP[:2], *ce.names())
        measured = measured_of(
            net_output, target, names, option=_OPTION, ignore_index=self.ignore_label
        )
        dice = dc.of_sums(measured[..., : len(OVERLAP)])
        of_ce = measured[..., len(OVERLAP) - 1 :]
        if self.ignore_label is not None:
            some = of_ce[..., 0].sum() > 0
            of_ce = torch.where(some, of_ce, 1.0)
            cross_entropy = torch.where(some, ce.of_sums(of_ce), 0.0)
        else:
            cross_entropy = ce.of_sums(of_ce)
        loss = self.weight_ce * cross_entropy + self.weight_dice * dice
        return loss.to(loss_dtype(net_output))

    def _terms(
        self, ce: RobustCrossEntropyLoss, dc: SoftDiceLoss | MemoryEfficientSoftDiceLoss
    ) -> Terms | None:
        """The engine's own terms that are the same but for the 1 that Dice is taken from; None
        where there are none."""
        if not (self._is_usual(ce, dc) and ce.reduction == "mean"):
            return None
        return self._weighted(dc, CrossEntropy(label_smoothing=ce.label_smoothing))


@lru_cache(maxsize=256)
def _terms(
    weight_ce: float,
    weight_dice: float,
    cross_entropy: CrossEntropy,
    smooth: float,
    pool: Pool,
    background: bool,
) -> Terms:
    dice = Dice(smoothing=smooth, pool=pool, absent="formula", background=background)
    return (weight_dice, dice), (weight_ce, cross_entropy)


class DC_and_topk_loss(_LabelLoss):
    """w_ce · `TopKLoss` + w_dice · `SoftDiceLoss`, under softmax.

    The arguments, shapes, errors and quirks are those of `DC_and_CE_loss` and of `TopKLoss`, which
    `ce_kwargs` belong to. In main memory both come from one objective, if cross-entropy has no
    `weight`; otherwise one after the other. `dice_loss.torch.DiceCELoss(top_k=0.1)` is the same
    without the quirks.
    """

    def __init__(
        self,
        soft_dice_kwargs: Mapping[str, Any],
        ce_kwargs: Mapping[str, Any],
        weight_ce: float = 1,
        weight_dice: float = 1,
        ignore_label: int | None = None,
    ) -> None:
        super().__init__(weight_ce, weight_dice, ignore_label)
        ignored = {} if ignore_label is None else {"ignore_index": ignore_label}
        self.ce = TopKLoss(**{**ce_kwargs, **ignored})
        self.dc = SoftDiceLoss(apply_nonlin=softmax_helper_dim1, **soft_dice_kwargs)

    def forward(self, net_output: Tensor, target: Tensor) -> Any:
        """The loss; see `DC_and_topk_loss`."""
        terms = None if is_intercepted() else self._terms(net_output, target)
        if terms is not None:
            return self._of_terms(net_output, target, terms)
        return self._one_after_another(net_output, target, target)

    def _terms(self, net_output: Tensor, target: Tensor) -> Terms | None:
        """The engine's own terms that are the same; None where there are none."""
        ce, dc = self.ce, self.dc
        if not (
            type(ce) is TopKLoss
            and _is_own(dc)
            and is_softmax(dc.apply_nonlin)
            and self._counts_the_same(ce, net_output)
            and self._is_usual(ce, dc)
            and ce.is_of_engine(net_output, target)
        ):
            return None
        if self.ignore_label is not None:
            # The mean is over as many voxels, ignored ones among them if need be.
            counted = int(differs(target, self.ignore_label).sum())
            if counted < ce.taken_of(target):
                return None
        return self._weighted(dc, ce.term(target))


class DC_and_BCE_loss(nn.Module):
    """w_ce · binary cross-entropy + w_dice · Dice loss, under sigmoid: for overlapping regions.

    In main memory both come from one sweep over the voxels, if the Dice class is one of this
    package and binary cross-entropy has no `weight` and at most one `pos_weight` for each class,
    of shape (C, 1, …); otherwise one after the other.

    Quirk: with `use_ignore_label`, cross-entropy is the sum over the classes, not their mean.

    Args:
        bce_kwargs: arguments of `torch.nn.BCEWithLogitsLoss`.
        soft_dice_kwargs: arguments of the Dice loss.
        weight_ce: w_ce.
        weight_dice: w_dice.
        use_ignore_label: whether the last channel of the target is 1 in voxels that do not count.
        dice_class: this package's or any other; called with `apply_nonlin`.

    Shapes:
        `net_output`: logits (N, C, spatial…), float64, float32, float16 or bfloat16; `target`
        (N, C, spatial…), or (N, C + 1, spatial…) with `use_ignore_label`, of any type, in [0, 1].

    Returns:
        A number of at least −w_dice, float32, or float64 of float64.

    Raises:
        ValueError: a target of another shape.
        RuntimeError: a target out of range.

    Paper: Isensee et al., nnU-Net, https://doi.org/10.1038/s41592-020-01008-z.
    """

    ce: nn.Module
    dc: nn.Module

    def __init__(
        self,
        bce_kwargs: Mapping[str, Any],
        soft_dice_kwargs: Mapping[str, Any],
        weight_ce: float = 1,
        weight_dice: float = 1,
        use_ignore_label: bool = False,
        dice_class: Any = MemoryEfficientSoftDiceLoss,
    ) -> None:
        super().__init__()
        self.weight_dice = weight_dice
        self.weight_ce = weight_ce
        self.use_ignore_label = use_ignore_label
        unreduced = {"reduction": "none"} if use_ignore_label else {}
        self.ce = nn.BCEWithLogitsLoss(**{**bce_kwargs, **unreduced})
        self.dc = dice_class(apply_nonlin=torch.sigmoid, **soft_dice_kwargs)

    def forward(self, net_output: Tensor, target: Tensor) -> Tensor:
        """The loss; see `DC_and_BCE_loss`."""
        mask = None
        if self.use_ignore_label:
            ignored = target[:, -1:]
            mask = ~ignored if ignored.dtype is torch.bool else ignored != 1
            target = target[:, :-1]
        positive_weight = self._positive_weight(net_output, target)
        dc = self.dc
        if positive_weight is None or not _is_own(dc):
            return self._one_after_another(net_output, target, mask)
        names = (*OVERLAP, "positive", "negative")
        measured = measured_of(net_output, target, names, activation="sigmoid", **counted(mask))
        dice = dc.of_sums(measured[..., : len(OVERLAP)])
        positive, negative = measured[..., len(OVERLAP) :].sum(0).unbind(-1)
        cross_entropy = (positive_weight * positive + negative).sum()
        if mask is not None:
            cross_entropy = cross_entropy / mask.sum().clamp_min(1)
        elif self.ce.reduction == "mean":
            cross_entropy = cross_entropy / net_output.numel()
        loss = self.weight_ce * cross_entropy + self.weight_dice * dice
        return loss.to(loss_dtype(net_output))

    def _positive_weight(self, net_output: Tensor, target: Tensor) -> Tensor | None:
        """What positives count in each class, if one sweep has all that is asked for."""
        ce, dc = self.ce, self.dc
        if not (
            type(ce) is nn.BCEWithLogitsLoss
            and ce.weight is None
            and (ce.reduction in ("mean", "sum") or self.use_ignore_label)
            and _is_own(dc)
            and is_sigmoid(dc.apply_nonlin)
            and net_output.device.type == "cpu"
            and target.shape == net_output.shape
        ):
            return None
        return per_class_factor(ce.pos_weight, net_output)

    def _one_after_another(self, net_output: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        dice = self.dc(net_output, target, loss_mask=mask)
        if mask is None:
            cross_entropy = self.ce(net_output, target.float())
        else:
            # Whatever the logits hold in ignored voxels stays there.
            logits = torch.where(mask, net_output, 0)
            losses = torch.where(mask, self.ce(logits, target.float()), 0.0)
            cross_entropy = losses.sum() / mask.sum().clamp_min(1)
        loss: Tensor = self.weight_ce * cross_entropy + self.weight_dice * dice
        return loss


def _is_own(dc: object) -> TypeGuard[SoftDiceLoss | MemoryEfficientSoftDiceLoss]:
    """Whether it is a Dice loss of this package, and no subclass with a formula of its own."""
    return type(dc) in (SoftDiceLoss, MemoryEfficientSoftDiceLoss)
