"""Measures the losses that see distances beside MONAI's, and what a map costs a step.

    python bench/maps.py

A step is the loss and its gradient by the logits, distances included wherever the loss makes them.
Contenders of a group compute the same number and take turns, step by step. Labels are blobs: random
fields smoothed over eleven voxels, the class with the largest. Writes a CSV and prints a table.
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
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dice_loss.monai
import torch
from dice_loss.terms import Boundary, CrossEntropy, Dice, HausdorffDT, SkeletonRecall
from dice_loss.torch import SegmentationLoss
from monai import losses as monai_losses
from torch import Tensor

HERE = Path(__file__).resolve().parent
FULL = {"4×3×256²": (4, 3, 256, 256), "1×3×96³": (1, 3, 96, 96, 96)}
QUICK = {"quick 2×3×16²": (2, 3, 16, 16)}
DICE_CE = (Dice(background=False, pool="batch"), CrossEntropy())
Loss = Callable[[Tensor], Tensor]


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
    add("--out", type=Path, default=HERE / "results/maps.csv")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else []
    about = {
        "torch": torch.__version__,
        "monai": version("monai"),
        "dice_loss": version("dice-loss"),
        "python": platform.python_version(),
        "cpu": names[0] if names else platform.processor(),
        "threads": chosen.threads,
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.date.today().isoformat(),
        "command": f"python bench/maps.py {' '.join(sys.argv[1:])}".strip(),
    }
    rows = []
    for case, shape in (QUICK if chosen.quick else FULL).items():
        labels = labels_of(shape)
        logits = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        # Nearly right, as most of a training is: a prediction has borders.
        logits += 3 * torch.nn.functional.one_hot(labels, shape[1]).movedim(-1, 1)
        x = logits.requires_grad_()
        for group, contenders in groups(labels, logits.detach()).items():
            for row in measured(contenders, x, chosen.seconds):
                rows.append({"case": case, "group": group, **row, **about})
                print(
                    f"{case:<14}{group:<22}{row['contender']:<24}{row['step_ms']:9.2f} ms  "
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
