"""Measures dice-loss beside Keras' own losses, on the backend that Keras has.

    KERAS_BACKEND=tensorflow python bench/keras_losses.py

Loss and gradient by the logits, as a training step has them, in the ways that `fit` takes on a CPU:
on TensorFlow as a graph, by default, and compiled by XLA; on JAX compiled; on torch eager, by
default, and compiled. Keras gets the logits and a one-hot target or a mask; for Dice their softmax
or sigmoid. Contenders take turns, step by step, so that what else the machine does hits all.
Writes what it measured into a CSV, the rest of the rows are left.
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
#: How a step is run, the way that `fit` takes by default first.
MODES = {"tensorflow": ("graph", "compiled"), "jax": ("compiled",), "torch": ("eager", "compiled")}
#: What tells one row from another.
KEY = ("backend", "case", "labels", "loss_name", "contender", "mode")
COLUMNS = [
    *KEY, "step_ms", "low_ms", "high_ms", "ratio_to_keras",
    "repeats", "loss", "loss_difference", "gradient_difference",
    "keras", "backend_version", "dice_loss", "python", "cpu", "threads", "load", "date", "command",
]  # fmt: skip
Step = Callable[[], tuple[float, Any]]
Loss = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """Logits (N, spatial…, C)."""

    name: str
    shape: tuple[int, ...]

    def tensors(self, kind: str) -> tuple[Any, Any, Any]:
        """Logits, labels, and the same one-hot; of one class a mask twice."""
        generator = np.random.default_rng(1)
        logits = generator.uniform(-3, 3, self.shape).astype("float32")
        classes, voxels = self.shape[-1], int(np.prod(self.shape[:-1]))
        labels = generator.integers(0, max(classes, 2), voxels + 1)
        if kind == "regions":
            # In runs of 60 voxels on average.
            labels = labels[np.cumsum(generator.random(voxels) < 1 / 60)]
        labels = labels[:voxels].reshape(self.shape[:-1]).astype("int32")
        if classes == 1:
            mask = labels[..., None].astype("float32")
            return logits, mask, mask
        return logits, labels, np.eye(classes, dtype="float32")[labels]


#: Few classes first, as most people have them.
FULL = (
    Case("8×512²×2", (8, 512, 512, 2)),
    Case("8×512²×1", (8, 512, 512, 1)),
    Case("8×32²×1", (8, 32, 32, 1)),
    Case("2×32²×2", (2, 32, 32, 2)),
    Case("8×256²×4", (8, 256, 256, 4)),
    Case("1×96³×14", (1, 96, 96, 96, 14)),
    Case("8×256²×21", (8, 256, 256, 21)),
)
QUICK = (Case("quick 2×16²×3", (2, 16, 16, 3)), Case("quick 2×16²×1", (2, 16, 16, 1)))


def contests(case: Case, logits: Any, labels: Any, one_hot: Any) -> dict[str, dict[str, Loss]]:
    """Losses that are the same number, Keras' own first."""
    one = case.shape[-1] == 1
    activate = ops.sigmoid if one else ops.softmax
    axis = tuple(range(1, len(case.shape) - 1))
    with_logits: dict[str, Any] = {
        "from_logits": True,
        "activation": "sigmoid" if one else "softmax",
    }
    # A ratio for each image and class, empty against empty a loss of 1, as Keras has it.
    alike: dict[str, Any] = {"absent": "formula", "smoothing": (0.0, keras.config.epsilon())}
    dice = ours.Dice(**with_logits, **alike)
    plain = ours.Dice(**with_logits, **alike, native=False)
    entropy = (ours.BCE if one else ours.CrossEntropy)(from_logits=True)
    name = "BinaryCrossentropy" if one else "CategoricalCrossentropy"
    theirs = getattr(keras.losses, name)(from_logits=True)
    return {
        "Dice": {
            "keras.losses.Dice": lambda x: keras.losses.Dice(axis=axis)(one_hot, activate(x)),
            "builtin.Dice": lambda x: ours.builtin.Dice(axis=axis)(one_hot, activate(x)),
            "Dice": lambda x: dice(labels, x),
            "Dice, native=False": lambda x: plain(labels, x),
        },
        "cross-entropy": {
            f"keras.losses.{name}": lambda x: theirs(one_hot, x),
            type(entropy).__name__: lambda x: entropy(labels, x),
        },
    }


def step_of(loss: Loss, logits: Any, mode: str) -> Step:
    """One step; waits for its end."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=mode == "compiled")  # type: ignore[untyped-decorator]
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

        function = torch.compile(loss) if mode == "compiled" else loss
        x = logits.detach().requires_grad_()

        def run() -> tuple[float, Any]:
            x.grad = None
            value = function(x)
            value.backward()
            return float(value.detach()), x.grad

    return run


def measured(case: Case, kind: str, modes: list[str], seconds: float) -> list[dict[str, Any]]:
    tensors = [ops.convert_to_tensor(x) for x in case.tensors(kind)]
    rows = []
    for loss_name, losses in contests(case, *tensors).items():
        steps = {
            (name, mode): step_of(loss, tensors[0], mode)
            for mode in modes
            for name, loss in losses.items()
        }
        for row in measured_in_turn(steps, seconds):
            rows.append({"case": case.name, "labels": kind, "loss_name": loss_name, **row})
    return rows


def measured_in_turn(steps: dict[tuple[str, str], Step], seconds: float) -> list[dict[str, Any]]:
    """So many seconds, at least 3 rounds and at most 50; the first contender of a mode is Keras."""
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
    theirs = next(iter(steps))[0]
    wanted, slopes = next(iter(found.values()))
    rows = []
    for (name, mode), spent in times.items():
        value, gradient = found[name, mode]
        ordered = sorted(spent)
        fifth = len(ordered) // 5
        rows.append(
            {
                "backend": BACKEND,
                "contender": name,
                "mode": mode,
                "step_ms": statistics.median(spent),
                "low_ms": ordered[fifth],
                "high_ms": ordered[-1 - fifth],
                "ratio_to_keras": statistics.median(times[theirs, mode]) / statistics.median(spent),
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
    add("--only", default="", help="cases whose name contains this")
    add("--mode", choices=MODES[BACKEND], help="one way to run a step (default: all)")
    add("--seconds", type=float, default=2.0, help="at most, for a loss of a case (default: 2)")
    add("--out", type=Path, default=HERE / "results/keras.csv")
    chosen = parser.parse_args()
    about = machine(dice_loss.get_num_threads())
    modes = [chosen.mode] if chosen.mode else [*MODES[BACKEND]]
    rows = []
    for case in QUICK if chosen.quick else FULL:
        for kind in ("random", "regions") if chosen.only in case.name else ():
            for row in measured(case, kind, modes, chosen.seconds):
                rows.append({**row, **about})
                print(
                    f"{BACKEND:<11}{case.name:<14}{kind:<8}{row['mode']:<9}{row['contender']:<38}"
                    f"{row['step_ms']:8.2f} ms  {row['ratio_to_keras']:5.2f} × as fast as Keras",
                    flush=True,
                )
    plain = [
        {key: f"{value:.5g}" if isinstance(value, float) else value for key, value in r.items()}
        for r in rows
    ]
    write(chosen.out, plain)


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """In place of the rows that were there of the same measurements."""
    new = {tuple(row[column] for column in KEY) for row in rows}
    others = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            others = [
                row
                for row in csv.DictReader(file)
                if tuple(row.get(column) for column in KEY) not in new
            ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*others, *rows])


if __name__ == "__main__":
    main()
