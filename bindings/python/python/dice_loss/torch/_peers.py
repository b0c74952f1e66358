"""What the drop-in modules share: sums, with the exceptions of the library that they stand for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from .. import _spec
from .._spec import Reduction
from ..terms import Activation, Term
from . import _direct, _native, _plan
from . import _namespace as xp
from ._measure import measure
from ._plan import Plan
from ._target import prepare

__all__ = [
    "at_once",
    "by_class",
    "differs",
    "direct",
    "is_plain",
    "per_class_factor",
    "said",
    "sums",
    "wide",
]


#: What the engine says of a label that may mean "unknown".
_HINT = re.compile(r", (or )?ignore_index=-?\d+ (if|where) it means unknown")


def sums(
    logits: Tensor,
    target: Tensor,
    names: Sequence[str],
    *,
    wrong: type[Exception],
    option: str | None = "ignore_index",
    **settings: Any,
) -> Tensor:
    """`measure`, (N, C, k), that raises `wrong` for values and shapes that do not fit, in words of
    `option`: what the library calls its label to ignore, None if it has none.

    What is a number to torch is one here: True is 1, and 0.5 a label that no integer is.
    """
    ignored = settings.get("ignore_index")
    if not is_plain(ignored):
        settings |= _ignoring(target, ignored, settings.get("mask"))
    if type(settings.get("gamma")) not in (type(None), float):
        settings["gamma"] = _exponents(settings["gamma"])
    try:
        return measure(logits, target, names, **settings)
    except ValueError as error:
        raise wrong(said(error, option)) from None


def at_once(
    logits: Tensor,
    target: Tensor,
    weighted: tuple[tuple[float, Term], ...],
    *,
    wrong: type[Exception],
    activation: Activation,
    target_kind: str | None,
    ignore_index: int | None,
    mask: Tensor | None = None,
    option: str | None = "ignore_index",
    reduction: Reduction = "mean",
) -> Tensor:
    """The loss of terms that mean the same as a library's formula, without the many small
    operations that evaluate the formula of sums."""
    plan = _planned(weighted, activation, target_kind, ignore_index, reduction)
    try:
        # In main memory it makes its maps itself.
        is_far = bool(plan.maps) and not logits.is_cpu
        maps = _plan.maps(plan, logits, target, mask) if is_far else None
        return _plan.loss(plan, logits, target, mask, maps=maps)
    except ValueError as error:
        raise wrong(said(error, option)) from None


def direct(
    logits: Tensor,
    target: Tensor,
    spec: str,
    *,
    wrong: type[Exception],
    target_kind: str | None,
    ignore_index: int | None,
    mask: Tensor | None = None,
    option: str | None = "ignore_index",
) -> Tensor:
    """A loss beside the objective."""
    settings = _native.settings_of(ignore_index, None, ())
    try:
        voxels = prepare(
            logits, target, target_kind=target_kind, ignore_index=ignore_index, mask=mask
        )
        return _direct.loss(logits, voxels, spec, settings)
    except ValueError as error:
        raise wrong(said(error, option)) from None


def said(error: ValueError, option: str | None) -> str:
    """What is wrong, in words of a library that calls its label to ignore `option`."""
    text = str(error)
    return _HINT.sub("", text) if option is None else text.replace("ignore_index", option)


@lru_cache(maxsize=256)
def _planned(
    weighted: tuple[tuple[float, Term], ...],
    activation: Activation,
    target_kind: str | None,
    ignore_index: int | None,
    reduction: Reduction,
) -> Plan:
    spec = _spec.spec(weighted, activation=activation, reduction=reduction)
    return _plan.planned(spec, ignore_index, None, target_kind)


def _ignoring(target: Tensor, ignore_index: Any, mask: Tensor | None) -> dict[str, Any]:
    """How `measure` leaves out what equals a number of any kind."""
    number = ignore_index.item() if getattr(ignore_index, "size", None) == 1 else ignore_index
    if isinstance(number, Tensor) and number.numel() == 1:
        number = number.item()
    if (isinstance(number, float) and number.is_integer()) or isinstance(number, bool):
        number = int(number)
    if isinstance(number, int):
        return {"ignore_index": number if _is_label(number) else None}
    if isinstance(number, float):
        counted = target != number
        return {"ignore_index": None, "mask": counted if mask is None else counted & (mask != 0)}
    return {"ignore_index": ignore_index}


def is_plain(ignore_index: Any) -> bool:
    """Whether it is a label that the engine can be told as it is, or none."""
    return ignore_index is None or (type(ignore_index) is int and _is_label(ignore_index))


def _is_label(number: int) -> bool:
    """Whether a label can be that: none is larger than 64 bits can tell."""
    return -(1 << 63) <= number < 1 << 63


def _exponents(gamma: Any) -> Any:
    """One number where that is what there is, in a tensor or array or as a truth value."""
    if getattr(gamma, "shape", None) == (1,):
        return float(gamma.item())
    return float(gamma) if isinstance(gamma, bool) else gamma


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
