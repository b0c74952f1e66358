"""Measures the Lovász losses beside SMP's.

    python bench/ranked.py

A step is the loss and its gradient by the logits. Contenders compute the same number and take
turns, step by step. Labels are blobs: random fields smoothed over eleven voxels, the class with the
largest; logits are noise, so that every class has errors everywhere, or nearly right, as most of a
training is. Writes a CSV and prints a table.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from pathlib import Path

import dice_loss.smp
import torch
from steps import Loss, about, measured, write
from torch import Tensor

with warnings.catch_warnings():
    # What SMP's own imports are warned of is no part of this.
    warnings.simplefilter("ignore")
    from segmentation_models_pytorch import losses as smp_losses

HERE = Path(__file__).resolve().parent
FULL = {
    "4×21×256²": ("multiclass", (4, 21, 256, 256)),
    "2×4×512²": ("multiclass", (2, 4, 512, 512)),
    "8×1×512²": ("binary", (8, 1, 512, 512)),
}
QUICK = {
    "quick 2×3×16²": ("multiclass", (2, 3, 16, 16)),
    "quick 2×1×16²": ("binary", (2, 1, 16, 16)),
}


def labels_of(mode: str, shape: tuple[int, ...]) -> Tensor:
    """(N, spatial…), or (N, 1, spatial…) of one mask."""
    samples, classes, *spatial = shape
    fields = torch.randn(
        samples, max(2, classes), *spatial, generator=torch.Generator().manual_seed(0)
    )
    side = 11
    for _ in range(2):
        fields = torch.nn.functional.avg_pool2d(fields, side, stride=1, padding=side // 2)
    return fields.argmax(1, keepdim=mode == "binary")


def logits_of(mode: str, shape: tuple[int, ...], labels: Tensor, nearly_right: bool) -> Tensor:
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    if not nearly_right:
        return logits
    if mode == "binary":
        return logits + 4.0 * labels - 2.0
    return logits + 5.0 * torch.nn.functional.one_hot(labels, shape[1]).movedim(-1, 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="tiny shapes: to see that everything runs")
    add("--seconds", type=float, default=8.0, help="at most, for a group (default: 8)")
    add("--threads", type=int, default=2)
    add("--out", type=Path, default=HERE / "results/ranked.csv")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    told = about(chosen.threads, smp="segmentation-models-pytorch")
    rows = []
    for case, (mode, shape) in (QUICK if chosen.quick else FULL).items():
        labels = labels_of(mode, shape)
        for nearly_right in (False, True):
            x = logits_of(mode, shape, labels, nearly_right).requires_grad_()
            theirs, ours = smp_losses.LovaszLoss(mode), dice_loss.smp.LovaszLoss(mode)
            contenders: dict[str, Loss] = {
                "SMP": partial(theirs, y_true=labels),
                "dice-loss": partial(ours, y_true=labels),
            }
            logits = "nearly right" if nearly_right else "noise"
            for row in measured(contenders, x, chosen.seconds):
                rows.append({"case": case, "mode": mode, "logits": logits, **row, **told})
                print(
                    f"{case:<14}{logits:<14}{row['contender']:<12}{row['step_ms']:9.2f} ms  "
                    f"{row['ratio_to_first']:6.2f} × as fast",
                    flush=True,
                )
    write(rows, chosen.out)


if __name__ == "__main__":
    main()
