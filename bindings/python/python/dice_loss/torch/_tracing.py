"""What tracers, transforms and modes are told, and asked."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.autograd import forward_ad

Function = TypeVar("Function", bound=Callable[..., Any])


def constant_in_graphs(function: Function) -> Function:
    """Of plain data only: a compiler calls it once and keeps the result."""
    return cast(Function, torch.compiler.assume_constant_result(function))  # type: ignore[no-untyped-call]


def classes_of(tensor: Tensor, axis: int = 1) -> int:
    """The number of classes: a plain number also where shapes are traced."""
    return operator.index(tensor.shape[axis])


def is_transformed() -> bool:
    """Whether a transform is at work that sees through tensor operations only."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def is_intercepted() -> bool:
    """Whether someone wants to see operators: a compiler, an exporter, a mode."""
    return (
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._get_tracing_state() is not None
    )
