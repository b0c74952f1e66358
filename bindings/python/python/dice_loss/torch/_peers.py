"""What the drop-in modules share: sums, with the exceptions of the library that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import _namespace as xp
from ._measure import measure

__all__ = ["by_class", "differs", "per_class_factor", "sums", "wide"]


def sums(
    logits: Tensor, target: Tensor, names: Sequence[str], *, wrong: type[Exception], **settings: Any
) -> Tensor:
    """`measure`, (N, C, k), that raises `wrong` for values and shapes that do not fit."""
    try:
        return measure(logits, target, names, **settings)
    except ValueError as error:
        raise wrong(str(error)) from None


def by_class(tensor: Tensor) -> Tensor:
    """Each class of each sample as a sample of its own: (N, C, spatial…) as (N C, 1, V)."""
    return tensor.reshape(tensor.shape[0] * tensor.shape[1], 1, -1)


def per_class_factor(factor: Tensor | None, logits: Tensor) -> Tensor | None:
    """A factor that is broadcast to the logits as one number for each class, (C) or (1).

    None if it varies along another axis.
    """
    if factor is None:
        return torch.ones(1, device=logits.device)
    axes = (1,) * (logits.dim() - factor.dim()) + tuple(factor.shape)
    elsewhere = (*axes[:1], *axes[2:])
    if len(axes) != logits.dim() or axes[1] not in (1, logits.shape[1]):
        return None
    return factor.reshape(-1) if all(size == 1 for size in elsewhere) else None


def differs(tensor: Tensor, number: float) -> Tensor:
    """Where a tensor is not this number, which its type may not have."""
    if float(number).is_integer():
        return ~xp.is_number(tensor, int(number))
    return tensor != number


def wide(tensor: Tensor) -> Tensor:
    """In float32 at least."""
    return tensor if tensor.dtype is torch.float64 else tensor.float()
