"""Who is measured: the same loss as each library's users write it, on the same tensors.

Every builder takes the case and returns a function of logits and target. Which of two definitions
of Dice it follows is said at `Contender`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
import torch.nn.functional as F
from cases import IGNORED, Case
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]


def dice_loss(case: Case, option: str = "none", **settings: Any) -> Loss:
    """Ours, with what else it is given: see `Case.extra`."""
    from dice_loss.torch import DiceBCELoss, DiceCELoss

    settings = {"pool": "sample", "absent": "formula"} | settings
    if option == "ignore_index":
        settings["ignore_index"] = IGNORED
    loss = DiceBCELoss(**settings) if case.classes == 1 else DiceCELoss(**settings)
    if option == "details":
        return lambda logits, target: loss(logits, target, details=True)[0]
    extra = case.extra(option)
    return functools.partial(loss, **extra) if extra else loss


def torch_pieces(case: Case) -> Loss:
    """What one writes without a library."""

    def dice(p: Tensor, g: Tensor) -> Tensor:
        space = tuple(range(2, p.ndim))
        intersection = (p * g).sum(space)
        return 1 - ((2 * intersection + 1e-5) / (p.sum(space) + g.sum(space) + 1e-5)).mean()

    def exclusive(logits: Tensor, labels: Tensor) -> Tensor:
        onehot = F.one_hot(labels, case.classes).movedim(-1, 1).to(logits.dtype)
        return dice(logits.softmax(1), onehot) + F.cross_entropy(logits, labels)

    def binary(logits: Tensor, mask: Tensor) -> Tensor:
        mask = mask.to(logits.dtype)
        return dice(logits.sigmoid(), mask) + F.binary_cross_entropy_with_logits(logits, mask)

    return binary if case.classes == 1 else exclusive


def monai(case: Case) -> Loss:
    from monai.losses import DiceCELoss

    if case.classes == 1:
        return DiceCELoss(sigmoid=True)
    loss = DiceCELoss(softmax=True, to_onehot_y=True)
    return lambda logits, labels: loss(logits, labels.unsqueeze(1))


def smp(case: Case) -> Loss:
    """SMP has no compound loss; torch's cross-entropy is lighter than SMP's own, and usual."""
    from segmentation_models_pytorch.losses import DiceLoss

    dice: torch.nn.Module = DiceLoss("binary" if case.classes == 1 else "multiclass")
    one, several = torch.nn.BCEWithLogitsLoss(), torch.nn.CrossEntropyLoss()
    voxelwise: torch.nn.Module = one if case.classes == 1 else several
    return lambda logits, target: dice(logits, target) + voxelwise(logits, target)


def nnunet(case: Case) -> Loss:
    """Its loss is that of the others less 1, which is added to compare."""
    from nnunetv2.training.loss.compound_losses import DC_and_BCE_loss, DC_and_CE_loss
    from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss

    dice = {"batch_dice": False, "do_bg": True, "smooth": 1e-5, "ddp": False}
    if case.classes == 1:
        loss = DC_and_BCE_loss({}, dice, dice_class=MemoryEfficientSoftDiceLoss)
        return lambda logits, mask: loss(logits, mask) + 1
    loss = DC_and_CE_loss(dice, {}, dice_class=MemoryEfficientSoftDiceLoss)
    return lambda logits, labels: loss(logits, labels.unsqueeze(1)) + 1


@dataclass(frozen=True)
class Contender:
    """A library's loss, and what has to be known about it.

    `definition` says which of our own settings mean the same. `need` is the peak of memory beyond
    the inputs that a step takes at most, as multiples of the logits in float32: nothing is started
    that would not fit.
    """

    name: str
    package: str
    build: Callable[[Case], Loss]
    need: float
    definition: tuple[tuple[str, str], ...] = (("pool", "sample"), ("absent", "formula"))

    def version(self) -> str | None:
        """Of the installed package; None if there is none."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


OURS = Contender("dice-loss", "dice-loss", dice_loss, 1.1)
CONTENDERS = (
    OURS,
    Contender("torch", "torch", torch_pieces, 6),
    Contender("MONAI", "monai", monai, 6),
    Contender("nnU-Net", "nnunetv2", nnunet, 6),
    Contender(
        "SMP",
        "segmentation-models-pytorch",
        smp,
        7,
        definition=(("pool", "batch"), ("absent", "zero")),
    ),
)
