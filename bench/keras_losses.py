"""Measures dice-loss beside keras.losses.Dice, compiled, on the backend that Keras has.

    KERAS_BACKEND=tensorflow python bench/keras_losses.py

Loss and gradient by the logits in one compiled function, as a training step has them. Keras gets
the softmax of the logits and a one-hot target, or the sigmoid and a mask. Contenders take turns,
step by step, so that what else the machine does hits all of them. Writes the rows of this backend
into a CSV, those of others are left.
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
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dice_loss
import keras
import numpy as np
from dice_loss import keras as ours
from keras import ops

HERE = Path(__file__).resolve().parent
BACKEND = keras.backend.backend()
COLUMNS = [
    "backend", "case", "contender", "mode", "step_ms", "low_ms", "high_ms", "ratio_to_keras",
    "repeats", "loss", "loss_difference", "gradient_difference",
    "keras", "backend_version", "dice_loss", "python", "cpu", "threads", "load", "date", "command",
]  # fmt: skip
Step = Callable[[], tuple[float, Any]]


@dataclass(frozen=True)
class Case:
    """Logits (N, spatial…, C)."""

    name: str
    shape: tuple[int, ...]

    def tensors(self) -> tuple[Any, Any, Any]:
        """Logits, labels, and the same one-hot; of one class a mask twice."""
        generator = np.random.default_rng(1)
        logits = generator.uniform(-3, 3, self.shape).astype("float32")
        classes, voxels = self.shape[-1], int(np.prod(self.shape[:-1]))
        regions = np.cumsum(generator.random(voxels) < 1 / 60)
        names = generator.integers(0, max(classes, 2), voxels + 1)
        labels = names[regions].reshape(self.shape[:-1]).astype("int32")
        if classes == 1:
            mask = labels[..., None].astype("float32")
            return logits, mask, mask
        return logits, labels, np.eye(classes, dtype="float32")[labels]


FULL = (Case("8×256²×21", (8, 256, 256, 21)), Case("1×96³×14", (1, 96, 96, 96, 14)),
        Case("8×512²×1", (8, 512, 512, 1)))  # fmt: skip
QUICK = (Case("quick 2×16²×3", (2, 16, 16, 3)), Case("quick 2×16²×1", (2, 16, 16, 1)))


def contenders(case: Case) -> dict[tuple[str, str], Step]:
    """Name and mode, and what computes the loss and its gradient."""
    logits, labels, one_hot = map(ops.convert_to_tensor, case.tensors())
    one = case.shape[-1] == 1
    activate = ops.sigmoid if one else ops.softmax
    axis = tuple(range(1, len(case.shape) - 1))
    # A ratio for each image and class, empty against empty a loss of 1, as Keras has it.
    alike: dict[str, Any] = {
        "from_logits": True,
        "activation": "sigmoid" if one else "softmax",
        "absent": "formula",
        "smoothing": (0.0, keras.config.epsilon()),
    }
    dice = ours.Dice(**alike)
    losses: dict[str, Callable[[Any], Any]] = {
        "keras.losses.Dice": lambda x: keras.losses.Dice(axis=axis)(one_hot, activate(x)),
        "builtin.Dice": lambda x: ours.builtin.Dice(axis=axis)(one_hot, activate(x)),
        "Dice": lambda x: dice(labels, x),
    }
    steps = {(name, "compiled"): compiled(loss, logits) for name, loss in losses.items()}
    if BACKEND == "tensorflow":
        native = ours.Dice(**alike, native=True)
        steps["Dice, native=True", "graph"] = compiled(lambda x: native(labels, x), logits, False)
    return steps


def compiled(loss: Callable[[Any], Any], logits: Any, jit: bool = True) -> Step:
    """One step; waits for its end."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=jit)
        def step(x: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = loss(x)
            return value, tape.gradient(value, x)

        def run() -> tuple[float, Any]:
            value, gradient = step(logits)
            return float(value), gradient
    elif BACKEND == "jax":
        import jax

        both = jax.jit(jax.value_and_grad(loss))

        def run() -> tuple[float, Any]:
            value, gradient = jax.block_until_ready(both(logits))
            return float(value), gradient
    else:
        import torch

        function = torch.compile(loss)
        x = logits.detach().requires_grad_()

        def run() -> tuple[float, Any]:
            x.grad = None
            value = function(x)
            value.backward()
            return float(value.detach()), x.grad

    return run


def measured(case: Case, seconds: float) -> list[dict[str, Any]]:
    steps = contenders(case)
    found = {}
    for key, step in steps.items():
        value, gradient = step()
        found[key] = value, ops.convert_to_numpy(gradient)
    times: dict[tuple[str, str], list[float]] = {key: [] for key in steps}
    start = time.perf_counter()
    while (done := min(map(len, times.values()))) < 3 or (
        time.perf_counter() - start < seconds and done < 50
    ):
        for key, step in steps.items():
            before = time.perf_counter()
            step()
            times[key].append(1e3 * (time.perf_counter() - before))
    theirs = next(iter(steps))
    wanted, slopes = found[theirs]
    rows = []
    for (name, mode), spent in times.items():
        value, gradient = found[name, mode]
        ordered = sorted(spent)
        fifth = len(ordered) // 5
        rows.append(
            {
                "backend": BACKEND,
                "case": case.name,
                "contender": name,
                "mode": mode,
                "step_ms": statistics.median(spent),
                "low_ms": ordered[fifth],
                "high_ms": ordered[-1 - fifth],
                "ratio_to_keras": statistics.median(times[theirs]) / statistics.median(spent),
                "repeats": len(spent),
                "loss": value,
                "loss_difference": abs(value - wanted) / wanted,
                "gradient_difference": np.abs(gradient - slopes).max() / np.abs(slopes).max(),
            }
        )
    return rows


def machine(threads: int) -> dict[str, Any]:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else []
    package = {"tensorflow": "tensorflow-cpu"}.get(BACKEND, BACKEND)
    return {
        "keras": keras.__version__,
        "backend_version": version(package),
        "dice_loss": dice_loss.__version__,
        "python": platform.python_version(),
        "cpu": names[0] if names else platform.processor(),
        "threads": threads,
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.date.today().isoformat(),
        "command": f"KERAS_BACKEND={BACKEND} python bench/keras_losses.py {' '.join(sys.argv[1:])}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="tiny shapes: to see that everything runs")
    add("--seconds", type=float, default=15.0, help="at most, for a case (default: 15)")
    add("--out", type=Path, default=HERE / "results/keras.csv")
    chosen = parser.parse_args()
    about = machine(dice_loss.get_num_threads())
    rows = []
    for case in QUICK if chosen.quick else FULL:
        for row in measured(case, chosen.seconds):
            rows.append({**row, **about})
            print(
                f"{BACKEND:<11}{row['case']:<14}{row['contender']:<19}{row['step_ms']:8.2f} ms"
                f"  {row['ratio_to_keras']:5.2f} × as fast as Keras",
                flush=True,
            )
    others = []
    if chosen.out.exists():
        with chosen.out.open(newline="", encoding="utf-8") as file:
            others = [row for row in csv.DictReader(file) if row["backend"] != BACKEND]
    with chosen.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        plain = [
            {key: f"{value:.5g}" if isinstance(value, float) else value for key, value in r.items()}
            for r in rows
        ]
        writer.writerows([*others, *plain])


if __name__ == "__main__":
    main()
