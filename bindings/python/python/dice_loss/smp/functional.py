"""The functions of `segmentation_models_pytorch.losses._functional`."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..torch._native import loss_dtype
from ..torch._peers import sums, wide
from ..torch._tracing import is_intercepted, is_transformed

__all__ = [
    "focal_loss_with_logits",
    "soft_dice_score",
    "soft_jaccard_score",
    "soft_tversky_score",
    "softmax_focal_loss_with_logits",
]

OVERLAP = ("prediction", "reference", "difference")
"""The sums that `soft_overlap` takes."""


def soft_tversky_score(
    output: Tensor,
    target: Tensor,
    alpha: float,
    beta: float,
    smooth: float = 0.0,
    eps: float = 1e-7,
    dims: int | tuple[int, ...] | None = None,
) -> Tensor:
    """The Tversky index of probabilities, in the form that is right for soft targets.

    (TP + s) / max(TP + α FP + β FN + s, ε) with TP = (Σp + Σg − Σ|p − g|) / 2, FP = Σp − TP and
    FN = Σg − TP.

    Args:
        output: probabilities p of any shape, of any floating point type.
        target: g in the same shape, in [0, 1].
        alpha: weight of the false positives.
        beta: weight of the false negatives.
        smooth: s.
        eps: ε, the least denominator.
        dims: the axes to sum over; all by default.

    Returns:
        The score, in [0, 1], in the shape of the other axes; float32, or float64 of float64.

    Raises:
        AssertionError: the shapes differ.
        RuntimeError: a target out of range.

    Paper: Wang et al., Dice semimetric losses, https://arxiv.org/abs/2303.16296.
    """
    _assert_same_shape(output, target)
    p, g, difference = _sums_over(output, target, dims).unbind(-1)
    score = score_of(soft_overlap(p, g, difference), p, g, alpha, beta, smooth, eps)
    return score.to(loss_dtype(output))


def soft_jaccard_score(
    output: Tensor,
    target: Tensor,
    smooth: float = 0.0,
    eps: float = 1e-7,
    dims: int | tuple[int, ...] | None = None,
) -> Tensor:
    """The Jaccard index: `soft_tversky_score` with α = β = 1."""
    return soft_tversky_score(output, target, 1.0, 1.0, smooth, eps, dims)


def soft_dice_score(
    output: Tensor,
    target: Tensor,
    smooth: float = 0.0,
    eps: float = 1e-7,
    dims: int | tuple[int, ...] | None = None,
) -> Tensor:
    """The Dice coefficient: `soft_tversky_score` with α = β = ½.

    The smoothing is added to half of the usual numerator and denominator.
    """
    return soft_tversky_score(output, target, 0.5, 0.5, smooth, eps, dims)


def focal_loss_with_logits(
    output: Tensor,
    target: Tensor,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    reduction: str = "mean",
    normalized: bool = False,
    reduced_threshold: float | None = None,
    eps: float = 1e-6,
) -> Tensor:
    """Focal loss under sigmoid, each element by itself.

    a (1 − p)^γ (−ln p), with ln p = t ln σ(x) + (1 − t) ln(1 − σ(x)) and a = α t + (1 − α)(1 − t).

    Args:
        output: logits x of any shape and floating point type.
        target: t in the same shape, of any type, in [0, 1].
        gamma: γ.
        alpha: weight of the positives, of which the negatives have the rest; None for 1 and 1.
        reduction: `"mean"`, `"sum"`, `"batchwise_mean"` (the sum over the first axis: a quirk), or
            any other word for none.
        normalized: whether to divide by max(Σ(1 − p)^γ, ε).
        reduced_threshold: θ of the reduced focal loss: the factor (1 − p)^γ becomes 1 where p < θ
            and ((1 − p)/θ)^γ elsewhere.
        eps: ε.

    Returns:
        The loss, at least 0; float32, or float64 of float64 logits. The mean and the sum of hard
        targets keep nothing but the logits and the target for the gradient.

    Raises:
        ValueError: the shapes differ.

    Papers: Lin et al., https://arxiv.org/abs/1708.02002; normalized,
    https://arxiv.org/abs/1909.07829; reduced, https://arxiv.org/abs/1903.01347.
    """
    target = target.to(output.device)
    if target.shape != output.shape:
        raise ValueError(
            f"target: found shape {tuple(target.shape)}, wanted {tuple(output.shape)}, that of the "
            "logits"
        )
    plain = not normalized and reduced_threshold is None
    if plain and is_summed(reduction, gamma) and output.numel() and is_hard(target):
        logits, labels = output.reshape(1, 1, -1), target.reshape(1, 1, -1)
        total = sigmoid_focal(logits, labels, gamma, alpha, reduction).squeeze()
        return total.to(loss_dtype(output))
    output = wide(output)
    target = target.to(output.dtype)
    loss = F.binary_cross_entropy_with_logits(output, target, reduction="none")
    share = 1.0 if alpha is None else alpha * target + (1 - alpha) * (1 - target)
    return _modulated(loss, gamma, share, reduction, normalized, reduced_threshold, eps)


def softmax_focal_loss_with_logits(
    output: Tensor,
    target: Tensor,
    gamma: float = 2.0,
    reduction: str = "mean",
    normalized: bool = False,
    reduced_threshold: float | None = None,
    eps: float = 1e-6,
) -> Tensor:
    """Focal loss under softmax: (1 − p)^γ (−ln p), of the probability p of each voxel's label.

    Args:
        output: logits (N, C, spatial…).
        target: labels (N, spatial…) of 0 to C − 1. Quirk: a label of −100 adds no loss but counts
            in the mean.
        gamma: γ.
        reduction: as in `focal_loss_with_logits`; unreduced it is (N, spatial…).
        normalized: whether to divide by max(Σ(1 − p)^γ, ε).
        reduced_threshold: as in `focal_loss_with_logits`.
        eps: ε.

    Raises:
        IndexError: a label that names no class.
        RuntimeError: shapes that do not fit.
    """
    plain = not normalized and reduced_threshold is None
    several = output.dim() > 1 and output.shape[1] > 1
    if plain and several and is_summed(reduction, gamma) and output.numel():
        _same_voxels(output, target)
        total = sums(
            output,
            target,
            ("focal",),
            wrong=IndexError,
            option=None,
            gamma=gamma,
            ignore_index=-100,
        ).sum()
        count = target.numel() if reduction == "mean" else 1
        return (total / count).to(loss_dtype(output))
    log_p = F.log_softmax(wide(output), dim=1)
    loss = F.nll_loss(log_p, target.long(), reduction="none")
    return _modulated(loss, gamma, 1.0, reduction, normalized, reduced_threshold, eps)


def to_tensor(values: Any, dtype: torch.dtype) -> Tensor | None:
    """As a tensor of a type; None for what SMP does not read, numbers, mappings and sets."""
    if not isinstance(values, Tensor | np.ndarray | list | tuple):
        return None
    return torch.as_tensor(np.asarray(values) if isinstance(values, list | tuple) else values).to(
        dtype
    )


def soft_overlap(p: Tensor, g: Tensor, difference: Tensor) -> Tensor:
    """The true positives of Σp, Σg and Σ|p − g|."""
    return (p + g - difference) / 2


def score_of(
    overlap: Tensor, p: Tensor, g: Tensor, alpha: float, beta: float, smooth: float, eps: float
) -> Tensor:
    """The Tversky index of the true positives, Σp and Σg."""
    counted = overlap + alpha * (p - overlap) + beta * (g - overlap)
    return (overlap + smooth) / (counted + smooth).clamp_min(eps)


def sigmoid_focal(
    logits: Tensor,
    target: Tensor,
    gamma: float,
    alpha: float | None,
    reduction: str,
    **settings: Any,
) -> Tensor:
    """Focal loss of hard targets, its sum or mean over batch and voxels: (C)."""
    names = ("focal", "focal_negative", "voxels")
    settings = {"wrong": ValueError, "activation": "sigmoid", "gamma": gamma, **settings}
    positive, negative, voxels = sums(logits, target, names, **settings).sum(0).unbind(-1)
    if alpha is not None:
        positive, negative = alpha * positive, (1 - alpha) * negative
    loss = positive + negative
    return loss / voxels if reduction == "mean" else loss


def is_summed(reduction: str | None, gamma: float | None) -> bool:
    """Whether a sum over voxels is all that is asked for, and one that the engine has."""
    return reduction in ("mean", "sum") and isinstance(gamma, int | float) and gamma >= 0


def is_hard(target: Tensor) -> bool:
    """Whether a target is known to hold whole numbers only."""
    if not target.is_floating_point():
        return True
    if target.requires_grad or target.device.type != "cpu" or is_intercepted() or is_transformed():
        return False
    return not bool(target.frac().any())


def _modulated(
    loss: Tensor,
    gamma: float,
    share: Tensor | float,
    reduction: str,
    normalized: bool,
    reduced_threshold: float | None,
    eps: float,
) -> Tensor:
    """Focal loss of log losses, element by element."""
    # The slope of the power is finite also where the prediction is perfect.
    missing = -torch.expm1(-loss).clamp_max(-torch.finfo(loss.dtype).tiny)
    if reduced_threshold is None:
        factor = missing.pow(gamma)
    else:
        easy = torch.exp(-loss) >= reduced_threshold
        factor = torch.where(easy, (missing / reduced_threshold).pow(gamma), 1.0)
    loss = factor * loss * share
    if normalized:
        loss = loss / factor.sum().clamp_min(eps)
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    return loss.sum(0) if reduction == "batchwise_mean" else loss


def _assert_same_shape(output: Tensor, target: Tensor) -> None:
    if output.shape != target.shape:
        raise AssertionError(
            f"target: found shape {tuple(target.shape)}, wanted {tuple(output.shape)}, that of the "
            "output"
        )


def _same_voxels(output: Tensor, target: Tensor) -> None:
    wanted = (output.shape[0], *output.shape[2:])
    if target.shape != wanted:
        raise RuntimeError(f"target: found shape {tuple(target.shape)}, wanted {wanted}")


def _sums_over(output: Tensor, target: Tensor, dims: int | tuple[int, ...] | None) -> Tensor:
    """The sums in `OVERLAP` over some axes, as one more axis behind the others."""
    if dims is not None and not isinstance(dims, list | tuple):
        dims = (operator.index(dims),)
    axes = sorted(axis % output.dim() for axis in dims or range(output.dim()))
    kept = [size for axis, size in enumerate(output.shape) if axis not in axes]
    output, target = (
        tensor.movedim(axes, list(range(-len(axes), 0))).reshape(math.prod(kept), 1, -1)
        for tensor in (output, target)
    )
    return sums(
        output,
        target,
        OVERLAP,
        wrong=RuntimeError,
        option=None,
        activation="probabilities",
        target_kind="dense",
    ).reshape(*kept, len(OVERLAP))
