"""What tracers, transforms and modes are told, and asked."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.autograd import forward_ad

from .._tracing import constant_in_graphs

__all__ = [
    "classes_of",
    "constant",
    "constant_in_graphs",
    "held",
    "is_at_hand",
    "is_intercepted",
    "is_transformed",
    "refuse_onnx",
]


def classes_of(tensor: Tensor, axis: int = 1) -> int:
    """The number of classes: a plain number also where shapes are traced."""
    return operator.index(tensor.shape[axis])


def constant(values: Sequence[float], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Numbers as a tensor on the device of another, and of its type if none is named.

    Copied there once, since every copy to another device waits for it.
    """
    if is_intercepted() or is_transformed():
        return like.new_tensor(values, dtype=dtype)
    return held(_cached_constant(tuple(values), dtype or like.dtype, like.device))


@lru_cache(maxsize=1024)
def _cached_constant(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype, device=device)


def held(tensor: Tensor) -> Tensor:
    """A cached tensor for use on the current stream.

    Once the cache forgets it, its memory is not given away before that stream has read it; and not
    at all if what reads it is being captured, to be run again later.
    """
    if tensor.is_cuda:
        tensor.record_stream(torch.cuda.current_stream(tensor.device))
        if torch.cuda.is_current_stream_capturing():
            _captured[id(tensor)] = tensor
    return tensor


_captured: dict[int, Tensor] = {}


def is_transformed() -> bool:
    """Whether a transform is at work that sees through tensor operations only."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def is_at_hand(tensor: Tensor) -> bool:
    """Whether its values can be read: without a wait for a device, and without anyone who traces or
    transforms, to whom it has none."""
    return tensor.is_cpu and not is_intercepted() and not is_transformed()


def values_of(tensor: Tensor) -> Tensor:
    """What a transform for derivatives has wrapped, of which nothing is derived."""
    functorch = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(tensor):
        if functorch.is_batchedtensor(tensor):
            raise ValueError(
                "maps: found none under vmap, wanted maps=loss.maps(logits, target), made ahead"
            )
        tensor = functorch.get_unwrapped(tensor)
    return tensor


def refuse_onnx() -> None:
    """ONNX has no operator for a loss; the exporter that traces would say so at length."""
    if torch._C._get_tracing_state() is not None and torch.onnx.is_in_onnx_export():
        raise RuntimeError("ONNX has no operator for a loss: export the network without it")


def is_intercepted() -> bool:
    """Whether someone wants to see operators: a compiler, an exporter, a mode."""
    return (
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._get_tracing_state() is not None
    )
