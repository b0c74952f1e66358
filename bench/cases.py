"""What is measured: shapes of logits, and ways to give dice-loss a tensor of that shape."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

DATA = Path(__file__).resolve().parents[1] / "crates/dice-loss-cli/data"
#: Voxels of one class in a row, on average: segmentations are made of regions.
RUN = 60
#: The slice of the CT at which a batch of images begins: bones, lungs and soft tissue from here on.
SLICE = 10
#: The label of voxels that do not count.
IGNORED = 255
#: Bytes of an element of logits.
DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}
#: Where a gradient comes from: as it is, amid all else that a process does; and in a process of its
#: own: as it is, with huge pages forbidden, and from what the process has held since the last step.
MEMORY = ("shared", "fresh", "small pages", "held")


@dataclass(frozen=True)
class Variant:
    """What dice-loss is given, and how."""

    labels: str = "regions"
    dtype: str = "float32"
    target: str = "int64"
    layout: str = "channels first"
    option: str = "none"
    memory: str = "shared"

    def differences(self, plain: Variant) -> str:
        """What is not as in the plain one, for people."""
        here, there = asdict(self), asdict(plain)
        return ", ".join(here[key] for key in here if here[key] != there[key]) or "plain"


@dataclass(frozen=True)
class Case:
    """Logits of one shape, with softmax over several classes or the sigmoid of one.

    `eager` and `compiled` are the types of logits in which the peers are measured, `memory` says
    whether dice-loss is also measured with each of MEMORY.
    """

    name: str
    shape: tuple[int, ...]
    eager: tuple[str, ...] = ("float32",)
    compiled: tuple[str, ...] = ()
    memory: bool = False

    @property
    def classes(self) -> int:
        return self.shape[1]

    @property
    def space(self) -> tuple[int, ...]:
        return self.shape[2:]

    @property
    def voxels(self) -> int:
        return self.shape[0] * math.prod(self.space)

    @property
    def loss(self) -> str:
        return "sigmoid Dice + BCE" if self.classes == 1 else "softmax Dice + CE"

    @property
    def plain(self) -> Variant:
        """What the other variants are compared with; of one class the target is a mask."""
        return Variant(target="float32" if self.classes == 1 else "int64")

    @property
    def peers(self) -> Variant:
        """What the peers are given, too."""
        return replace(self.plain, labels="random")

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The types of logits in which the peers are measured, one way or the other."""
        return tuple(dict.fromkeys(self.eager + self.compiled))

    def ways(self, dtype: str) -> list[str]:
        """In which of the ways to run a loss the peers are measured with this type of logits."""
        ways = {"eager": self.eager, "compiled": self.compiled}
        return [way for way, dtypes in ways.items() if dtype in dtypes]

    def variants(self) -> list[Variant]:
        """The plain one, and those that differ from it in one thing or are what peers get."""
        plain = self.plain
        targets = {"int64", "float32", "uint8"} - {plain.target}
        options = ("mask", "weight", "ignore_index", "class_valid", "details")
        return [
            plain,
            *(replace(self.peers, dtype=dtype) for dtype in self.dtypes),
            *(replace(plain, labels=labels) for labels in ("noise", "CT")),
            *(replace(plain, dtype=dtype) for dtype in ("bfloat16", "float16")),
            *(replace(plain, target=target) for target in sorted(targets)),
            *(replace(plain, layout=layout) for layout in ("channels last",) if self.classes > 1),
            *(replace(plain, option=option) for option in options),
        ]

    def logits(self, dtype: str, layout: str) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        logits = torch.rand(self.shape, generator=generator).mul_(6).sub_(3)
        if layout == "channels last":
            kinds = {4: torch.channels_last, 5: torch.channels_last_3d}
            logits = logits.contiguous(memory_format=kinds[logits.ndim])
        return logits.to(getattr(torch, dtype))

    def target(self, variant: Variant) -> Tensor:
        """Labels (N, spatial…) as int64 and uint8, (N, 1, spatial…) as float32, as MONAI has them.

        Of one class always the latter shape.
        """
        labels = self.labels(variant.labels)
        if variant.option == "ignore_index":
            labels = torch.where(self.counted(), labels, IGNORED)
        labels = labels.to(getattr(torch, variant.target))
        return labels.unsqueeze(1) if self.classes == 1 or labels.is_floating_point() else labels

    def labels(self, kind: str) -> Tensor:
        """Label maps (N, spatial…), of one class of 0 and 1."""
        generator = torch.Generator().manual_seed(2)
        shape, most = (self.shape[0], *self.space), max(self.classes, 2)
        if kind == "CT":
            return chest(shape).clamp(max=most - 1)
        drawn = torch.randint(most, shape, generator=generator)
        if kind == "random":
            return drawn
        names = torch.randint(most, (self.voxels + 1,), generator=generator)
        runs = names[self.runs(generator)].reshape(shape)
        if kind == "noise":
            return torch.where(torch.rand(shape, generator=generator) < 0.05, drawn, runs)
        return runs

    def runs(self, generator: torch.Generator) -> Tensor:
        """For each voxel the number of its run."""
        return (torch.rand(self.voxels, generator=generator) < 1 / RUN).cumsum(0)

    def counted(self) -> Tensor:
        """(N, spatial…), true for nine runs in ten."""
        generator = torch.Generator().manual_seed(3)
        runs = self.runs(generator)
        counted = torch.rand(self.voxels + 1, generator=generator) < 0.9
        return counted[runs].reshape(self.shape[0], *self.space)

    def extra(self, option: str) -> dict[str, Tensor]:
        """What else the loss is called with."""
        generator = torch.Generator().manual_seed(4)
        if option == "mask":
            return {"mask": self.counted()}
        if option == "weight":
            shape = (self.shape[0], *self.space)
            return {"voxel_weight": torch.rand(shape, generator=generator) + 0.5}
        if option == "class_valid":
            valid = torch.ones(self.shape[:2], dtype=torch.bool)
            valid[0, -1] = False
            return {"class_valid": valid}
        return {}


@cache
def chest(shape: tuple[int, ...]) -> Tensor:
    """The embedded CT's labels, tiled and cropped to (N, Y, X) or (N, Z, Y, X)."""
    from nibabel.nifti1 import Nifti1Image

    image = Nifti1Image.from_filename(DATA / "chest-ct-labels.nii.gz")
    volume = torch.from_numpy(image.get_fdata().T.astype("int64"))
    size = shape if len(shape) == 3 else shape[1:]
    if len(shape) == 3:
        volume = volume.roll(-SLICE, 0)
    times = [-(-wanted // there) for wanted, there in zip(size, volume.shape, strict=True)]
    tiled = volume.repeat(*times)[tuple(slice(wanted) for wanted in size)]
    return tiled.expand(shape).contiguous()


BOTH = ("float32", "bfloat16")
SINGLE = ("float32",)

#: Few classes first, as most people have them.
FULL = (
    Case("8×2×512²", (8, 2, 512, 512), BOTH, SINGLE, memory=True),
    Case("2×2×96³", (2, 2, 96, 96, 96)),
    Case("2×2×32²", (2, 2, 32, 32)),
    Case("8×1×1024²", (8, 1, 1024, 1024), BOTH, BOTH),
    Case("8×3×512²", (8, 3, 512, 512)),
    Case("8×4×512²", (8, 4, 512, 512)),
    Case("8×8×512²", (8, 8, 512, 512)),
    Case("2×14×96³", (2, 14, 96, 96, 96), SINGLE, SINGLE, memory=True),
    Case("8×21×512²", (8, 21, 512, 512), SINGLE, SINGLE, memory=True),
    Case("1×105×96³", (1, 105, 96, 96, 96)),
)

QUICK = (
    Case("quick 2×3×16³", (2, 3, 16, 16, 16), BOTH, SINGLE, memory=True),
    Case("quick 2×1×64²", (2, 1, 64, 64), BOTH),
)
