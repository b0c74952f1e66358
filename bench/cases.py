"""What is measured: the shapes of the engine's own benchmark, and two more."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

#: Voxels of one class in a row, on average: segmentations are made of regions.
RUN = 60


@dataclass(frozen=True)
class Case:
    """Logits of one shape, with softmax over several classes or the sigmoid of one."""

    name: str
    shape: tuple[int, ...]
    dtypes: tuple[str, ...] = ("float32", "bfloat16")
    modes: tuple[str, ...] = ("eager", "compiled")

    @property
    def classes(self) -> int:
        return self.shape[1]

    @property
    def voxels(self) -> int:
        return self.shape[0] * math.prod(self.shape[2:])

    @property
    def loss(self) -> str:
        return "sigmoid Dice + BCE" if self.classes == 1 else "softmax Dice + CE"

    def logits(self, dtype: torch.dtype) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        return torch.rand(self.shape, generator=generator).mul_(6).sub_(3).to(dtype)

    def target(self) -> Tensor:
        """Labels (N, spatial…) in int64; of one class a mask like the logits, in float32."""
        generator = torch.Generator().manual_seed(2)
        regions = (torch.rand(self.voxels, generator=generator) < 1 / RUN).cumsum(0)
        names = torch.randint(max(self.classes, 2), (self.voxels + 1,), generator=generator)
        labels = names[regions].reshape(self.shape[0], *self.shape[2:])
        return labels.unsqueeze(1).float() if self.classes == 1 else labels


FULL = (
    Case("8×21×512²", (8, 21, 512, 512)),
    Case("2×14×96³", (2, 14, 96, 96, 96)),
    Case("1×105×96³", (1, 105, 96, 96, 96)),
    Case("8×1×1024²", (8, 1, 1024, 1024)),
    Case("2×2×96³", (2, 2, 96, 96, 96)),
    # As TotalSegmentator's classes in one patch of nnU-Net; the smaller ones tell the rest.
    Case("1×118×128³", (1, 118, 128, 128, 128), ("float32",), ("eager",)),
)

QUICK = (
    Case("quick 2×3×16³", (2, 3, 16, 16, 16)),
    Case("quick 2×1×64²", (2, 1, 64, 64)),
)
