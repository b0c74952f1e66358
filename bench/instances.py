"""Measures the losses of instances: beside a loop of masked losses, and what they cost a step.

    python bench/instances.py

A step is the loss and its gradient by the logits. Lesions are balls of 1 to 3 voxels' radius on a
grid, or a single large one. Where instances are given they are made beforehand; what they cost to
make is timed apart. The loop takes the softmax once, and then Dice under a mask for each lesion.
Contenders of a group take turns, step by step. Writes a CSV and prints a table.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import torch
from dice_loss.torch import CCDiceCELoss, DiceCELoss, DiceLoss
from steps import Loss, about, measured, write
from torch import Tensor

HERE = Path(__file__).resolve().parent
#: The edge of a cube, how many lesions, and whether a loop over them is timed too.
FULL = [(192, 1, False), (192, 1000, False), (96, 1, True), (96, 125, True), (96, 1000, False)]
QUICK = [(16, 1, True), (16, 8, True)]
SMOOTHING = 1e-5


def labels_of(edge: int, lesions: int) -> Tensor:
    """(1, edge, edge, edge), 1 in the lesions."""
    generator = torch.Generator().manual_seed(lesions)
    axis = torch.arange(edge)
    labels = torch.zeros(1, edge, edge, edge, dtype=torch.int64)
    side = round(lesions ** (1 / 3))
    pitch = edge / side
    for number in range(lesions):
        place = [number // side**2, number // side % side, number % side]
        centre = [round((along + 0.5) * pitch) for along in place]
        largest = edge // 8 if lesions == 1 else min(3, int(pitch) // 2 - 1)
        radius = 1 + int(torch.randint(largest, (1,), generator=generator))
        z, y, x = (slice(max(0, at - radius), at + radius + 1) for at in centre)
        near = [(axis[cut] - at) ** 2 for cut, at in zip((z, y, x), centre, strict=True)]
        distances = near[0][:, None, None] + near[1][:, None] + near[2]
        labels[0, z, y, x][distances <= radius**2] = 1
    return labels


def loop(numbers: Tensor, labels: Tensor) -> Loss:
    """The same by one masked Dice for each cell."""
    masks = [numbers == n for n in range(1, int(numbers.max()) + 1)] or [torch.ones_like(labels[0])]
    inside = (labels[0] == 1).float()

    def loss(x: Tensor) -> Tensor:
        p = x.softmax(1)[0, 1]
        values = []
        for mask in masks:
            overlap = (p * inside * mask).sum()
            sizes = (p * mask).sum() + (inside * mask).sum()
            values.append(1 - (2 * overlap + SMOOTHING) / (sizes + SMOOTHING))
        return torch.stack(values).mean()

    return loss


def groups(labels: Tensor, x: Tensor, with_loop: bool) -> dict[str, dict[str, Loss]]:
    """Contenders by name, the one that the others are compared with first."""
    whole = DiceLoss(background=False)
    losses = {pool: DiceLoss(background=False, pool=pool) for pool in ("cell", "blob")}
    both, cells = DiceCELoss(background=False), CCDiceCELoss()
    maps = {pool: loss.maps(x.detach(), labels) for pool, loss in losses.items()}
    of_both = cells.maps(x.detach(), labels)
    found: dict[str, dict[str, Loss]] = {
        "Dice": {
            "whole": partial(whole, target=labels),
            "cells, given": partial(losses["cell"], target=labels, maps=maps["cell"]),
            "blobs, given": partial(losses["blob"], target=labels, maps=maps["blob"]),
            "cells, made": partial(losses["cell"], target=labels),
            "blobs, made": partial(losses["blob"], target=labels),
        },
        "Dice + CE": {
            "whole": partial(both, target=labels),
            "cells, given": partial(cells, target=labels, maps=of_both),
            "cells, made": partial(cells, target=labels),
        },
    }
    if with_loop:
        found["Dice of cells"] = {
            "a loop of masked losses": loop(maps["cell"]["instances"][0, 1], labels),
            "cells, given": found["Dice"]["cells, given"],
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="tiny shapes: to see that everything runs")
    add("--seconds", type=float, default=8.0, help="at most, for a group (default: 8)")
    add("--threads", type=int, default=2)
    add("--out", type=Path, default=HERE / "results/instances.csv")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    told = about(chosen.threads)
    rows: list[dict[str, Any]] = []
    for edge, lesions, with_loop in QUICK if chosen.quick else FULL:
        labels = labels_of(edge, lesions)
        logits = torch.randn(1, 2, *labels.shape[1:], generator=torch.Generator().manual_seed(1))
        logits += 3 * torch.nn.functional.one_hot(labels, 2).movedim(-1, 1)
        x = logits.requires_grad_()
        for group, contenders in groups(labels, x, with_loop).items():
            for row in measured(contenders, x, chosen.seconds):
                case = f"1×2×{edge}³"
                rows.append({"case": case, "lesions": lesions, "group": group, **row, **told})
                print(
                    f"{case:<10}{lesions:>6}  {group:<16}{row['contender']:<26}"
                    f"{row['step_ms']:10.2f} ms  {1 / row['ratio_to_first']:7.3f} × the first",
                    flush=True,
                )
    write(rows, chosen.out)


if __name__ == "__main__":
    main()
