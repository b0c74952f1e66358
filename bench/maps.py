"""Measures the losses that see distances beside MONAI's, and what a map costs a step.

    python bench/maps.py

A step is the loss and its gradient by the logits, distances included wherever the loss makes them.
Contenders of a group compute the same number and take turns, step by step. Labels are blobs: random
fields smoothed over eleven voxels, the class with the largest. Writes a CSV and prints a table.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import dice_loss.monai
import torch
from dice_loss.terms import Boundary, CrossEntropy, Dice, HausdorffDT, SkeletonRecall
from dice_loss.torch import SegmentationLoss
from monai import losses as monai_losses
from steps import Loss, about, measured, write
from torch import Tensor

HERE = Path(__file__).resolve().parent
FULL = {"4×3×256²": (4, 3, 256, 256), "1×3×96³": (1, 3, 96, 96, 96)}
QUICK = {"quick 2×3×16²": (2, 3, 16, 16)}
DICE_CE = (Dice(background=False, pool="batch"), CrossEntropy())


def labels_of(shape: tuple[int, ...]) -> Tensor:
    """(N, spatial…)."""
    fields = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    smooth = {2: torch.nn.functional.avg_pool2d, 3: torch.nn.functional.avg_pool3d}
    side = 11
    for _ in range(2):
        fields = smooth[len(shape) - 2](fields, side, stride=1, padding=side // 2)
    return fields.argmax(1)


def groups(labels: Tensor, logits: Tensor) -> dict[str, dict[str, Loss]]:
    """Contenders by name, the one that the others are compared with first."""
    channel, given = labels.unsqueeze(1), {"softmax": True, "to_onehot_y": True}

    def beside_monai(name: str) -> dict[str, Loss]:
        theirs = getattr(monai_losses, name)(**given)
        ours = getattr(dice_loss.monai, name)(**given)
        return {f"monai {name}": lambda x: theirs(x, channel), name: lambda x: ours(x, channel)}

    usual = SegmentationLoss(DICE_CE, activation="softmax")
    with_maps: dict[str, Loss] = {"Dice + CE": lambda x: usual(x, labels)}
    for term in (Boundary(), SkeletonRecall(), HausdorffDT()):
        loss = SegmentationLoss([*DICE_CE, (0.1, term)], activation="softmax")
        maps = loss.maps(logits, labels)
        (name,) = maps
        with_maps[f"{name}, given"] = partial(loss, target=labels, maps=maps)
        with_maps[f"{name}, made"] = partial(loss, target=labels)
    return {
        "Hausdorff": beside_monai("HausdorffDTLoss"),
        "boundary": beside_monai("BoundaryLoss"),
        "Dice + CE with a map": with_maps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="tiny shapes: to see that everything runs")
    add("--seconds", type=float, default=8.0, help="at most, for a group (default: 8)")
    add("--threads", type=int, default=2)
    add("--out", type=Path, default=HERE / "results/maps.csv")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    told = about(chosen.threads, monai="monai")
    rows = []
    for case, shape in (QUICK if chosen.quick else FULL).items():
        labels = labels_of(shape)
        logits = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        # Nearly right, as most of a training is: a prediction has borders.
        logits += 3 * torch.nn.functional.one_hot(labels, shape[1]).movedim(-1, 1)
        x = logits.requires_grad_()
        for group, contenders in groups(labels, logits.detach()).items():
            for row in measured(contenders, x, chosen.seconds):
                rows.append({"case": case, "group": group, **row, **told})
                print(
                    f"{case:<14}{group:<22}{row['contender']:<24}{row['step_ms']:9.2f} ms  "
                    f"{row['ratio_to_first']:6.2f} × as fast",
                    flush=True,
                )
    write(rows, chosen.out)


if __name__ == "__main__":
    main()
