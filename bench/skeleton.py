"""Measures soft clDice beside MONAI's.

    python bench/skeleton.py

A step is the loss and its gradient by the logits. Contenders compute the same number and take
turns, step by step. Labels are tubes: where a smooth random field is near 0. Logits are nearly
right, as most of a training is. Writes a CSV and prints a table.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import dice_loss.monai
import torch
from steps import Loss, about, measured, write
from torch import Tensor

with warnings.catch_warnings():
    # What MONAI's own imports are warned of is no part of this.
    warnings.simplefilter("ignore")
    from monai import losses as monai_losses

HERE = Path(__file__).resolve().parent
FULL = {"2×2×256²": (2, 2, 256, 256), "1×2×48³": (1, 2, 48, 48, 48)}
QUICK = {"quick 2×2×16²": (2, 2, 16, 16), "quick 1×1×8³": (1, 1, 8, 8, 8)}
ITERATIONS = (3, 10)


def labels_of(shape: tuple[int, ...]) -> Tensor:
    """(N, 1, spatial…)."""
    spatial = shape[2:]
    pool = torch.nn.functional.avg_pool2d if len(spatial) == 2 else torch.nn.functional.avg_pool3d
    field = torch.randn(shape[0], 1, *spatial, generator=torch.Generator().manual_seed(0))
    for _ in range(3):
        field = pool(field, 7, stride=1, padding=3)
    return (field.abs() < 0.3 * field.std()).long()


def logits_of(shape: tuple[int, ...], labels: Tensor) -> Tensor:
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    logits[:, -1:] += 5.0 * labels - 2.5
    return logits


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="tiny shapes: to see that everything runs")
    add("--seconds", type=float, default=8.0, help="at most, for a group (default: 8)")
    add("--threads", type=int, default=2)
    add("--out", type=Path, default=HERE / "results/skeleton.csv")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    told = about(chosen.threads, monai="monai")
    rows = []
    for case, shape in (QUICK if chosen.quick else FULL).items():
        labels = labels_of(shape)
        several = shape[1] > 1
        options: dict[str, Any] = {
            "softmax": several,
            "to_onehot_y": several,
            "sigmoid": not several,
        }
        x = logits_of(shape, labels).requires_grad_()
        for iterations in ITERATIONS:
            # MONAI's pools take no integers.
            contenders: dict[str, Loss] = {
                "MONAI": partial(
                    monai_losses.SoftclDiceLoss(iter_=iterations, **options), target=labels.float()
                ),
                "dice-loss": partial(
                    dice_loss.monai.SoftclDiceLoss(iter_=iterations, **options), target=labels
                ),
            }
            for row in measured(contenders, x, chosen.seconds):
                rows.append({"case": case, "iterations": iterations, **row, **told})
                print(
                    f"{case:<12}{iterations:>3} iterations  {row['contender']:<12}"
                    f"{row['step_ms']:9.2f} ms  {row['ratio_to_first']:6.2f} × as fast",
                    flush=True,
                )
    write(rows, chosen.out)


if __name__ == "__main__":
    main()
