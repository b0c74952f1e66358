"""Measures what a loss costs beside its arithmetic: construction, and steps on tiny tensors.

Each line compares with the line above it that begins its group: PyTorch's own loss, the library
that a drop-in stands for, or the same call without details. Contenders take turns, and the fastest
of many rounds counts, so that what else the machine does hits none of them. Prints a table.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import dice_loss.monai
import dice_loss.nnunet
import dice_loss.smp
import torch
from dice_loss import terms
from dice_loss.torch import CrossEntropyLoss, DiceCELoss, DiceLoss, SegmentationLoss
from torch import Tensor, nn

Call = Callable[[], object]
#: Seconds that one round of one contender takes: less than a slice of the processor's time.
ROUND = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each contender")
    parser.add_argument("--quick", action="store_true", help="one round, to see that all runs")
    parser.add_argument("--only", default="", help="groups whose name contains this")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, Python {platform.python_version()}, one thread")
    print("\n| | µs | ratio |\n|---|---|---|")
    for name, contenders in groups().items():
        if chosen.only in name:
            rounds = 1 if chosen.quick else int(chosen.seconds / ROUND)
            print(table(name, contenders, rounds), flush=True)


def table(name: str, contenders: dict[str, Call], rounds: int) -> str:
    """The lines of a group."""
    seconds = fastest([*contenders.values()], rounds)
    lines = [f"| **{name}** | | |"]
    for contender, found in zip(contenders, seconds, strict=True):
        lines.append(f"| {contender} | {1e6 * found:.1f} | {found / seconds[0]:.2f} |")
    return "\n".join(lines)


def fastest(calls: list[Call], rounds: int) -> list[float]:
    """Seconds of one call of each, in its fastest round."""
    repeats = []
    for call in calls:
        call()
        repeats.append(max(1, int(ROUND / timed(call, 3))))
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for index, (call, repeat) in enumerate(zip(calls, repeats, strict=True)):
            best[index] = min(best[index], timed(call, repeat))
    return best


def timed(call: Call, repeat: int) -> float:
    """Seconds of one of so many calls."""
    start = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - start) / repeat


def groups() -> dict[str, dict[str, Call]]:
    """What is compared, each group with its measure first."""
    tiny, small = batch(1, 2, 16, 16), batch(2, 2, 32, 32)
    plain: dict[str, dict[str, Call]] = {
        "construct": {
            "nn.CrossEntropyLoss": nn.CrossEntropyLoss,
            "CrossEntropyLoss": CrossEntropyLoss,
            "DiceLoss": DiceLoss,
            "DiceCELoss": DiceCELoss,
            "DiceCELoss(background=False, pool='batch', ignore_index=255)": lambda: DiceCELoss(
                background=False, pool="batch", ignore_index=255
            ),
            "DiceCELoss(class_weights=[1, 2])": lambda: DiceCELoss(class_weights=[1, 2]),
            "SegmentationLoss of Dice and CrossEntropy": lambda: SegmentationLoss(
                [terms.Dice(), (0.5, terms.CrossEntropy())], activation="softmax"
            ),
        },
        "step, 1×2×16²": {
            "nn.CrossEntropyLoss": step(nn.CrossEntropyLoss(), *tiny),
            "CrossEntropyLoss": step(CrossEntropyLoss(), *tiny),
            "DiceLoss": step(DiceLoss(), *tiny),
            "DiceCELoss": step(DiceCELoss(), *tiny),
        },
        "forward without gradient, 1×2×16²": {
            "nn.CrossEntropyLoss": forward(nn.CrossEntropyLoss(), *tiny),
            "CrossEntropyLoss": forward(CrossEntropyLoss(), *tiny),
            "DiceLoss": forward(DiceLoss(), *tiny),
            "DiceCELoss": forward(DiceCELoss(), *tiny),
        },
        "details, step, 2×2×32²": {
            "DiceCELoss": step(DiceCELoss(), *small),
            "DiceCELoss, details=True": detailed_step(DiceCELoss(), *small),
        },
    }
    steps: dict[str, dict[str, Call]] = {}
    for shape, sizes in SHAPES.items():
        steps |= peers(shape, batch(*sizes))
    return plain | steps | peers_constructed()


#: Small, and middle: where neither overhead nor arithmetic is all.
SHAPES = {
    "2×2×32²": (2, 2, 32, 32),
    "8×2×128²": (8, 2, 128, 128),
    "2×3×48³": (2, 3, 48, 48, 48),
}


def peers(shape: str, tensors: tuple[Tensor, Tensor]) -> dict[str, dict[str, Call]]:
    """Steps of each library that is installed, beside its drop-in and the native loss."""
    logits, labels = tensors
    with_channel = (logits, labels.unsqueeze(1))
    found = {}
    if has("monai"):
        from monai import losses

        for name in ("DiceLoss", "DiceCELoss"):
            theirs, ours = getattr(losses, name), getattr(dice_loss.monai, name)
            options = {"softmax": True, "to_onehot_y": True}
            found[f"monai.{name}, step, {shape}"] = {
                "MONAI": step(theirs(**options), *with_channel),
                "drop-in": step(ours(**options), *with_channel),
                "native": step({"DiceLoss": DiceLoss, "DiceCELoss": DiceCELoss}[name](), *tensors),
            }
    if has("segmentation-models-pytorch"):
        from segmentation_models_pytorch.losses import DiceLoss as TheirDiceLoss

        found[f"smp.DiceLoss, step, {shape}"] = {
            "SMP": step(TheirDiceLoss("multiclass"), *tensors),
            "drop-in": step(dice_loss.smp.DiceLoss("multiclass"), *tensors),
            "native": step(DiceLoss(pool="batch"), *tensors),
        }
    if has("nnunetv2"):
        from nnunetv2.training.loss.compound_losses import DC_and_CE_loss
        from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss

        dice = {"batch_dice": False, "do_bg": True, "smooth": 1e-5, "ddp": False}
        theirs = DC_and_CE_loss(dice, {}, dice_class=MemoryEfficientSoftDiceLoss)
        ours = dice_loss.nnunet.DC_and_CE_loss(
            dice, {}, dice_class=dice_loss.nnunet.MemoryEfficientSoftDiceLoss
        )
        found[f"nnunet.DC_and_CE_loss, step, {shape}"] = {
            "nnU-Net": step(theirs, *with_channel),
            "drop-in": step(ours, *with_channel),
            "native": step(DiceCELoss(), *tensors),
        }
    return found


def peers_constructed() -> dict[str, dict[str, Call]]:
    """What constructing takes them."""
    found: dict[str, dict[str, Call]] = {}
    if has("monai"):
        from monai import losses

        found["monai.DiceCELoss, construct"] = {
            "MONAI": losses.DiceCELoss,
            "drop-in": dice_loss.monai.DiceCELoss,
        }
    if has("segmentation-models-pytorch"):
        from segmentation_models_pytorch.losses import DiceLoss as TheirDiceLoss

        found["smp.DiceLoss, construct"] = {
            "SMP": lambda: TheirDiceLoss("multiclass"),
            "drop-in": lambda: dice_loss.smp.DiceLoss("multiclass"),
        }
    return found


def has(package: str) -> bool:
    """Whether a library is installed."""
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def batch(*shape: int) -> tuple[Tensor, Tensor]:
    """Logits, and labels of each voxel at random."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(shape, generator=generator).requires_grad_()
    return logits, torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)


def step(loss: Callable[..., Tensor], logits: Tensor, target: Tensor) -> Call:
    """Forward and backward, with a fresh gradient."""

    def call() -> None:
        logits.grad = None
        loss(logits, target).backward()

    return call


def detailed_step(loss: Callable[..., tuple[Tensor, object]], *tensors: Tensor) -> Call:
    """A step that asks for the details too."""
    return step(lambda logits, target: loss(logits, target, details=True)[0], *tensors)


def forward(loss: Callable[..., Tensor], logits: Tensor, target: Tensor) -> Call:
    """Forward alone, as in validation."""

    def call() -> None:
        with torch.no_grad():
            loss(logits, target)

    return call


if __name__ == "__main__":
    main()
