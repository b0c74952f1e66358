"""Steps of contenders that take turns, and the table of what they took."""

from __future__ import annotations

import csv
import datetime
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Loss = Callable[[Tensor], Tensor]


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


def about(threads: int, **peers: str) -> dict[str, Any]:
    """Machine, versions and command: what every row says. Peers by their column, with what they are
    distributed as."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else []
    return {
        "torch": torch.__version__,
        **{peer: version(package) for peer, package in peers.items()},
        "dice_loss": version("dice-loss"),
        "python": platform.python_version(),
        "cpu": names[0] if names else platform.processor(),
        "threads": threads,
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python", f"bench/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }


def write(rows: list[dict[str, Any]], table: Path) -> None:
    """As CSV, floats in five digits."""
    plain = [
        {key: f"{value:.5g}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(plain[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(plain)
