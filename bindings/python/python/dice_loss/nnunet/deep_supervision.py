"""A loss at several resolutions, as nnU-Net weighs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

__all__ = ["DeepSupervisionWrapper"]


class DeepSupervisionWrapper(nn.Module):
    """The weighted sum of a loss at every output of a network: Σ_l w_l loss(input_l, target_l, …).

    Call it with lists or tuples, one of the outputs, one of their targets and so on. An output of
    weight 0 is not looked at. Quirk: where the lists are of several lengths, the shortest decides,
    and weights beyond it are not used. Not kept: in nnU-Net the default `weight_factors=None` is a
    TypeError; here every output weighs 1, as is documented there.

    Args:
        loss: what is called with an entry of each list.
        weight_factors: w, one for each output, one of which is not 0.

    Raises:
        AssertionError: weights that are all 0, or a call with what is neither list nor tuple.
        IndexError: fewer weights than outputs.
    """

    def __init__(
        self, loss: Callable[..., Tensor], weight_factors: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        if weight_factors is not None and not any(weight != 0 for weight in weight_factors):
            raise AssertionError(
                f"weight_factors: found {list(weight_factors)}, wanted one that is not 0"
            )
        self.weight_factors = None if weight_factors is None else tuple(weight_factors)
        self.loss = loss

    def forward(self, *args: Sequence[Any]) -> Any:
        """The loss; see `DeepSupervisionWrapper`."""
        found = [type(arg).__name__ for arg in args]
        if not all(isinstance(arg, tuple | list) for arg in args):
            raise AssertionError(f"arguments: found {', '.join(found)}, wanted lists or tuples")
        weights = self.weight_factors
        total: Any = 0
        for level, inputs in enumerate(zip(*args, strict=False)):
            weight = 1 if weights is None else weights[level]
            if weight != 0:
                total = total + weight * self.loss(*inputs)
        return total
