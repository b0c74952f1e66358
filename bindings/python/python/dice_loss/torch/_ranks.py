"""Sums over the ranks of a process group, with their gradients."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, Union

import torch
import torch.distributed as dist
from torch import Tensor

ProcessGroup: TypeAlias = Union["dist.ProcessGroup", Literal["world"]]
"""A group of ranks, or the default one."""


class _AllReduceSum(torch.autograd.Function):
    """The sum over all ranks. Its adjoint is the sum of the gradients of all ranks."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Any) -> Tensor:
        ctx.group = group
        total = tensor.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _AllReduceSum.apply(gradient, ctx.group), None


class SumOfGradients(torch.autograd.Function):
    """Nothing forwards; backwards the sum of the gradients of all ranks."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Any) -> Tensor:
        ctx.group = group
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _AllReduceSum.apply(gradient, ctx.group), None


def of_all_ranks(
    moments: Tensor, valid: Tensor | None, group: ProcessGroup, by_sample: bool
) -> tuple[Tensor, Tensor | None]:
    """The moments (N, K, C) of all ranks: added up in one row or, if by sample, one after another.

    With them, which classes were annotated.
    """
    ranks = resolved(group)
    if by_sample:
        return _one_after_another(moments, valid, ranks)
    total = _AllReduceSum.apply(moments.sum(0, keepdim=True), ranks)
    if valid is not None:
        valid = valid.to(torch.uint8)
        valid = valid.amax(0, keepdim=True) if valid.shape[0] else valid.new_zeros(total.shape[::2])
        dist.all_reduce(valid, op=dist.ReduceOp.MAX, group=ranks)
    return total, valid


def _one_after_another(
    moments: Tensor, valid: Tensor | None, group: Any
) -> tuple[Tensor, Tensor | None]:
    sizes = torch.zeros(dist.get_world_size(group), dtype=torch.int64, device=moments.device)
    rank = dist.get_rank(group)
    sizes[rank] = moments.shape[0]
    dist.all_reduce(sizes, group=group)
    before, after = int(sizes[:rank].sum()), int(sizes[rank + 1 :].sum())
    everyone = _AllReduceSum.apply(padded(moments, before, after), group)
    if valid is not None:
        valid = padded(valid.to(torch.uint8), before, after)
        dist.all_reduce(valid, group=group)
    return everyone, valid


def padded(rows: Tensor, before: int, after: int) -> Tensor:
    """With so many rows of zeros before and after."""
    above, below = (rows.new_zeros((count, *rows.shape[1:])) for count in (before, after))
    return torch.cat([above, rows, below])


def resolved(group: ProcessGroup) -> Any:
    if not isinstance(group, str):
        return group
    if group != "world":
        raise ValueError(f"process_group: found {group!r}, wanted a group, 'world' or None")
    if not (dist.is_available() and dist.is_initialized()):
        raise RuntimeError(
            "process_group: found 'world' before torch.distributed.init_process_group, "
            "wanted an initialised default group"
        )
    return dist.group.WORLD


def rows_of_lower_ranks(own: int, device: torch.device, group: Any) -> int:
    sizes = torch.zeros(dist.get_world_size(group), dtype=torch.int64, device=device)
    rank = dist.get_rank(group)
    sizes[rank] = own
    dist.all_reduce(sizes, group=group)
    return int(sizes[:rank].sum())
