"""What compilers are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def constant_in_graphs(function: Function) -> Function:
    """Of plain data only: torch's compiler calls it once and keeps the result."""
    # All that torch.compiler.assume_constant_result does, beside importing the whole compiler.
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function
