"""Measures the Lovász losses beside SMP's.

    python bench/ranked.py

A step is the loss and its gradient by the logits. Contenders compute the same number and take
turns, step by step. Labels are blobs: random fields smoothed over eleven voxels, the class with the
largest; logits are noise, so that every class has errors everywhere, or nearly right, as most of a
training is. Writes a CSV and prints a table.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import os
import platform
import re
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dice_loss.smp
import torch
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
Loss = Callable[[Tensor], Tensor]


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


def step(loss: Loss, x: Tensor) -> float:
    """Milliseconds."""
    x.grad = None
    start = time.perf_counter()
    loss(x).backward()
    return 1e3 * (time.perf_counter() - start)


def measured(contenders: dict[str, Loss], x: Tensor, seconds: float) -> list[dict[str, Any]]:
    """So many seconds, at least 3 rounds and at most 30."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    found = {}
    for name, loss in contenders.items():
        step(loss, x)
        assert x.grad is not None
        found[name] = float(loss(x).detach()), x.grad.clone()
    start = time.perf_counter()
    while (done := min(map(len, times.values()))) < 3 or (
        time.perf_counter() - start < seconds and done < 30
    ):
        for name, loss in contenders.items():
            times[name].append(step(loss, x))
    first = next(iter(contenders))
    _, slopes = found[first]
    rows = []
    for name, spent in times.items():
        ordered, fifth = sorted(spent), len(spent) // 5
        rows.append(
            {
                "contender": name,
                "step_ms": statistics.median(spent),
                "low_ms": ordered[fifth],
                "high_ms": ordered[-1 - fifth],
                "ratio_to_first": statistics.median(times[first]) / statistics.median(spent),
                "repeats": len(spent),
                "loss": found[name][0],
                "gradient_difference": float(
                    (found[name][1] - slopes).abs().max() / slopes.abs().max()
                ),
            }
        )
    return rows


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
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else []
    about = {
        "torch": torch.__version__,
        "smp": version("segmentation-models-pytorch"),
        "dice_loss": version("dice-loss"),
        "python": platform.python_version(),
        "cpu": names[0] if names else platform.processor(),
        "threads": chosen.threads,
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.date.today().isoformat(),
        "command": f"python bench/ranked.py {' '.join(sys.argv[1:])}".strip(),
    }
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
                rows.append({"case": case, "mode": mode, "logits": logits, **row, **about})
                print(
                    f"{case:<14}{logits:<14}{row['contender']:<12}{row['step_ms']:9.2f} ms  "
                    f"{row['ratio_to_first']:6.2f} × as fast",
                    flush=True,
                )
    plain = [
        {key: f"{value:.5g}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]
    with chosen.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(plain[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(plain)


if __name__ == "__main__":
    main()
