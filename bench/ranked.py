"""Measures the Lovász losses beside SMP's, and top-k cross-entropy beside nnU-Net's.

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

import dice_loss.nnunet
import dice_loss.smp
import torch
from steps import Loss, about, measured, write
from torch import Tensor

with warnings.catch_warnings():
    # What SMP's own imports are warned of is no part of this.
    warnings.simplefilter("ignore")
    from nnunetv2.training.loss import compound_losses, robust_ce_loss
    from segmentation_models_pytorch import losses as smp_losses

HERE = Path(__file__).resolve().parent
#: SMP's mode, and the shape of the logits.
Case = tuple[str, tuple[int, ...]]
LOVASZ: dict[str, Case] = {
    "4×21×256²": ("multiclass", (4, 21, 256, 256)),
    "2×4×512²": ("multiclass", (2, 4, 512, 512)),
    "8×1×512²": ("binary", (8, 1, 512, 512)),
}
TOP_K: dict[str, Case] = {
    "2×4×512²": ("multiclass", (2, 4, 512, 512)),
    "4×21×256²": ("multiclass", (4, 21, 256, 256)),
    "2×3×96³": ("multiclass", (2, 3, 96, 96, 96)),
}
QUICK: dict[str, dict[str, Case]] = {
    "lovasz": {
        "quick 2×3×16²": ("multiclass", (2, 3, 16, 16)),
        "quick 2×1×16²": ("binary", (2, 1, 16, 16)),
    },
    "top-k": {"quick 2×3×16²": ("multiclass", (2, 3, 16, 16))},
}
FULL: dict[str, dict[str, Case]] = {"lovasz": LOVASZ, "top-k": TOP_K}
DICE = {"batch_dice": True, "smooth": 1e-5, "do_bg": False, "ddp": False}


def labels_of(mode: str, shape: tuple[int, ...]) -> Tensor:
    """(N, spatial…), or (N, 1, spatial…) of one mask."""
    samples, classes, *spatial = shape
    fields = torch.randn(
        samples, max(2, classes), *spatial, generator=torch.Generator().manual_seed(0)
    )
    side = 11
    pool = torch.nn.functional.avg_pool2d
    if len(spatial) == 3:
        pool = torch.nn.functional.avg_pool3d
    for _ in range(2):
        fields = pool(fields, side, stride=1, padding=side // 2)
    return fields.argmax(1, keepdim=mode == "binary")


def logits_of(mode: str, shape: tuple[int, ...], labels: Tensor, nearly_right: bool) -> Tensor:
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    if not nearly_right:
        return logits
    if mode == "binary":
        return logits + 4.0 * labels - 2.0
    return logits + 5.0 * torch.nn.functional.one_hot(labels, shape[1]).movedim(-1, 1)


def contenders_of(losses: str, mode: str, labels: Tensor) -> dict[str, dict[str, Loss]]:
    """By what is measured."""
    if losses == "lovasz":
        theirs, ours = smp_losses.LovaszLoss(mode), dice_loss.smp.LovaszLoss(mode)
        pair: dict[str, Loss] = {
            "SMP": partial(theirs, y_true=labels),
            "dice-loss": partial(ours, y_true=labels),
        }
        return {"Lovász": pair}
    target = labels.unsqueeze(1)
    with warnings.catch_warnings():
        # Of the old names of reduction="none", by torch.
        warnings.simplefilter("ignore")
        top_k = robust_ce_loss.TopKLoss(k=10), dice_loss.nnunet.TopKLoss(k=10)
        both = (
            compound_losses.DC_and_topk_loss(DICE, {"k": 10}),
            dice_loss.nnunet.DC_and_topk_loss(DICE, {"k": 10}),
        )
    return {
        name: {
            "nnU-Net": partial(lambda x, loss: loss(x, target), loss=theirs),
            "dice-loss": partial(lambda x, loss: loss(x, target), loss=ours),
        }
        for name, (theirs, ours) in {"top-k": top_k, "Dice + top-k": both}.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--losses", nargs="+", choices=[*FULL], default=[*FULL], help="which (default: all)")
    add("--quick", action="store_true", help="tiny shapes: to see that everything runs")
    add("--seconds", type=float, default=8.0, help="at most, for a group (default: 8)")
    add("--threads", type=int, default=2)
    add("--out", type=Path, default=HERE / "results/ranked.csv")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    told = about(chosen.threads, smp="segmentation-models-pytorch", nnunet="nnunetv2")
    rows = []
    every = QUICK if chosen.quick else FULL
    cases = [(losses, *case) for losses in chosen.losses for case in every[losses].items()]
    for losses, case, (mode, shape) in cases:
        labels = labels_of(mode, shape)
        for nearly_right in (False, True):
            x = logits_of(mode, shape, labels, nearly_right).requires_grad_()
            logits = "nearly right" if nearly_right else "noise"
            for loss, contenders in contenders_of(losses, mode, labels).items():
                said = {"of": loss, "case": case, "mode": mode, "logits": logits}
                for row in measured(contenders, x, chosen.seconds):
                    rows.append({**said, **row, **told})
                    print(
                        f"{loss:<14}{case:<14}{logits:<14}{row['contender']:<12}"
                        f"{row['step_ms']:9.2f} ms  {row['ratio_to_first']:6.2f} × as fast",
                        flush=True,
                    )
    write(rows, chosen.out)


if __name__ == "__main__":
    main()
