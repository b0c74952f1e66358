"""A loss at several resolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.loss import _Loss

from ..torch.deep_supervision import _resized


class DeepSupervisionLoss(_Loss):
    """The weighted sum of a loss at every output of a network: Σ_l w_l loss(input_l, target_l).

    The target is resized to each output by nearest neighbour. A single tensor instead of a list is
    given to the loss as it is.

    Quirk: a `weight_mode` that is not known weighs every output 1. Quirk: fewer `weights` than
    outputs are not used at all, but `weight_mode` is. Quirk: `"exp"` does not go below 1/16.

    Args:
        loss: a loss that takes (input, target).
        weight_mode: `"exp"`, max(2⁻ˡ, 1/16); `"two"`, 1 for the first and ½ for all others;
            `"same"`, 1 for all.
        weights: one for each output, instead of a mode.

    Raises:
        ValueError: no input.
    """

    def __init__(
        self, loss: nn.Module, weight_mode: str = "exp", weights: list[float] | None = None
    ) -> None:
        super().__init__()
        self.loss = loss
        self.weight_mode = weight_mode
        self.weights = weights

    def forward(self, input: Tensor | Sequence[Tensor] | None, target: Tensor) -> Tensor:
        """The loss; see `DeepSupervisionLoss`."""
        if input is None:
            raise ValueError("input: found None, wanted a tensor, or a list of them")
        if isinstance(input, Tensor):
            loss: Tensor = self.loss(input, target)
            return loss
        total = torch.tensor(0.0, device=target.device)
        for weight, output in zip(self._weights(len(input)), input, strict=True):
            total = total + weight * self.loss(output, _resized(target, output, "target"))
        return total

    def _weights(self, outputs: int) -> list[float]:
        if self.weights is not None and len(self.weights) >= outputs:
            return list(self.weights[:outputs])
        if self.weight_mode == "two":
            return [1.0, *(0.5,) * (outputs - 1)][:outputs]
        if self.weight_mode == "exp":
            return [max(0.5**level, 0.0625) for level in range(outputs)]
        return [1.0] * outputs
