"""What a step of nnU-Net's trainers knows beside outputs and targets, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .terms import split

__all__ = ["Handing", "hard_counts"]


class Handing(nn.Module):
    """A loss of outputs and targets, which is handed `beside` after them.

    `beside` has lists, each with an entry for every output, and is set anew in each step.
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss
        self.beside: list[Sequence[Any]] = []

    def forward(self, outputs: Any, targets: Any) -> Tensor:
        """Of all outputs, or of the one."""
        several = isinstance(outputs, list | tuple)
        beside = self.beside if several else [of_each[0] for of_each in self.beside]
        loss: Tensor = self.loss(outputs, targets, *beside)
        return loss


def hard_counts(
    output: Tensor,
    target: Tensor,
    class_valid: Tensor,
    *,
    regions: bool,
    ignore_label: int | None,
) -> dict[str, Any]:
    """The counts of nnU-Net's online validation, of the classes annotated in each sample."""
    truth, mask = split(target, regions and ignore_label is not None)
    if regions:
        predicted, truth = output > 0, truth > 0
    else:
        if ignore_label is not None:
            mask = truth != ignore_label
        classes = torch.arange(output.shape[1], device=output.device)
        classes = classes.view(-1, *[1] * (output.dim() - 2))
        predicted, truth = output.argmax(1, keepdim=True) == classes, truth == classes
    counted = class_valid.view(*class_valid.shape, *[1] * (output.dim() - 2))
    if mask is not None:
        counted = counted & mask
    found = {
        "tp_hard": predicted & truth,
        "fp_hard": predicted & ~truth,
        "fn_hard": ~predicted & truth,
    }
    axes = [0, *range(2, output.dim())]
    # nnU-Net has none of the background.
    first = 0 if regions else 1
    return {
        name: (is_so & counted).sum(axes)[first:].cpu().numpy() for name, is_so in found.items()
    }
