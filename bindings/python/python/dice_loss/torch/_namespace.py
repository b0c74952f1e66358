"""Torch, as the plain losses want it; see `dice_loss._plain.namespace`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid as log_sigmoid

from .._plain import values
from ._tracing import constant, is_intercepted, values_of

__all__ = [
    "abs",
    "any",
    "arange",
    "argmax",
    "cast",
    "concatenate",
    "constant",
    "descending",
    "distinct",
    "einsum",
    "equal",
    "exp",
    "expand_dims",
    "gather",
    "is_float64",
    "is_number",
    "labels",
    "log",
    "log1p",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "lowest",
    "maximum",
    "min",
    "minimum",
    "ones_like",
    "reshape",
    "running",
    "settled",
    "sigmoid",
    "slack",
    "softmax",
    "sqrt",
    "stack",
    "stop_gradient",
    "sum",
    "sum_dtype",
    "swapaxes",
    "total",
    "where",
    "wide",
    "zeros_like",
]

abs = torch.abs
exp = torch.exp
expand_dims = torch.unsqueeze
log = torch.log
log1p = torch.log1p
log_softmax = torch.log_softmax
ones_like = torch.ones_like
reshape = torch.reshape
sigmoid = torch.sigmoid
softmax = torch.softmax
sqrt = torch.sqrt
swapaxes = torch.swapaxes
zeros_like = torch.zeros_like


def sum_dtype(device: torch.device) -> torch.dtype:
    """What sums are kept in: float64, where the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


def total(x: Tensor, axis: int) -> Tensor:
    return x.sum(axis, dtype=sum_dtype(x.device))


def wide(x: Tensor) -> Tensor:
    return x.to(sum_dtype(x.device))


def settled(x: Tensor) -> Tensor:
    return x


def running(x: Tensor) -> Tensor:
    return x.cumsum(-1)


def descending(x: Tensor) -> Tensor:
    return x.argsort(dim=-1, descending=True, stable=True)


def gather(x: Tensor, places: Tensor) -> Tensor:
    return x.gather(-1, places)


def arange(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, device=like.device)


def cast(x: Tensor, like: Tensor) -> Tensor:
    return x.to(like.dtype)


def equal(x: Tensor, y: Tensor) -> Tensor:
    return x == y


def is_number(x: Tensor, number: int) -> Tensor:
    if not values.holds(_name(x), number):
        return torch.zeros_like(x, dtype=torch.bool)
    if x.dtype in _UNSIGNED:
        # Torch has hardly an operation for these.
        number -= 1 << 64 if x.dtype is torch.uint64 and number >= 1 << 63 else 0
        x = x.view(torch.int64) if x.dtype is torch.uint64 else x.to(torch.int64)
    return x == number


def labels(x: Tensor) -> Tensor:
    if x.dtype is torch.uint64:
        x = x.view(torch.int64)
        return torch.where(x < 0, -1, x)
    if not x.is_floating_point():
        return x.to(torch.int64)
    # No float beyond is a class, nor is what is not a number.
    is_whole = (x == x.floor()) & (x.abs() < 1 << 62)
    return torch.where(is_whole, x, -1.0).to(torch.int64)


def slack(x: Tensor) -> float:
    return values.slack(_name(x))


def _name(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")


_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)


def is_float64(x: Tensor) -> bool:
    return x.dtype is torch.float64


def lowest(like: Tensor) -> float:
    return float(torch.finfo(like.dtype).min)


def distinct(x: Tensor) -> Sequence[float]:
    if is_intercepted():
        raise ValueError(
            "instances: found numbers that are traced, wanted ones that can be looked at: in a "
            "compiled graph only logits in main memory have losses of instances"
        )
    try:
        numbers = values_of(x)
    except ValueError:
        raise ValueError(
            "instances: found numbers that vmap maps over, wanted the same for all: close over "
            "them, or call the loss for each"
        ) from None
    found: list[float] = numbers.unique().tolist()
    return found


def argmax(x: Tensor, axis: int) -> Tensor:
    return x.argmax(axis, keepdim=True)


def concatenate(tensors: Sequence[Tensor], axis: int) -> Tensor:
    return torch.cat(list(tensors), axis)


def stack(tensors: Sequence[Tensor], axis: int) -> Tensor:
    return torch.stack(list(tensors), axis)


def where(condition: Tensor, x: Tensor | float, y: Tensor | float) -> Tensor:
    return torch.where(condition, x, y)


def sum(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return x.sum() if axis is None else x.sum(axis, keepdim=keepdims)


def any(x: Tensor, axis: int | None = None) -> Tensor:
    return x.any() if axis is None else x.any(axis)


def min(x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    return x.amin(axis, keepdim=keepdims)


def maximum(x: Tensor, y: float) -> Tensor:
    return x.clamp(min=y)


def minimum(x: Tensor, y: float) -> Tensor:
    return x.clamp(max=y)


def logsumexp(x: Tensor, axis: int) -> Tensor:
    return torch.logsumexp(x, axis, keepdim=True)


def einsum(subscripts: str, x: Tensor, y: Tensor) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        return torch.einsum(subscripts, x, y)


def stop_gradient(x: Tensor) -> Tensor:
    return x.detach()
