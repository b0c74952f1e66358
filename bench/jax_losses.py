"""Measures dice-loss in JAX beside optax and plain `jax.numpy`: the compiled value and gradient.

Every loss of a case computes the same number from the same arrays, and takes its turn in every
round, so that whatever else the machine does meets all of them. Writes a CSV and prints the ratios.
See README.md for the columns.
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
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dice_loss
import jax
import jax.numpy as jnp
import numpy as np
import optax
from dice_loss.jax import dice, dice_binary_cross_entropy, dice_cross_entropy
from jax import Array

HERE = Path(__file__).resolve().parent
MEBIBYTE = 2**20
OURS = "dice-loss"
COLUMNS = [
    "case", "labels", "loss_name", "layout", "dtype", "library", "version",
    "step_ms", "step_low_ms", "step_high_ms", "ratio", "repeats", "temporary_mib", "logits_mib",
    "loss", "loss_difference", "gradient_difference",
    "jax", "python", "cpu", "threads", "load", "date", "command",
]  # fmt: skip

Row = dict[str, Any]
Loss = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Case:
    """Samples, classes, and the spatial axes."""

    name: str
    samples: int
    classes: int
    spatial: tuple[int, ...]

    def logits(self, channels_last: bool, dtype: str) -> Array:
        shape = (self.samples, self.classes, *self.spatial)
        values = np.random.default_rng(1).uniform(-3, 3, size=shape).astype(np.float32)
        values = np.moveaxis(values, 1, -1) if channels_last else values
        return jnp.asarray(values, dtype=dtype)

    def labels(self, kind: str) -> Array:
        """Of each voxel at random, or of regions: in runs of 60 voxels on average."""
        generator, shape = np.random.default_rng(2), (self.samples, *self.spatial)
        voxels = int(np.prod(shape))
        names = generator.integers(0, max(self.classes, 2), voxels + 1)
        if kind == "regions":
            names = names[np.cumsum(generator.random(voxels) < 1 / 60)]
        return jnp.asarray(names[:voxels].reshape(shape), dtype=jnp.int32)


#: Few classes first, as most people have them.
FULL = (
    Case("8×2×512²", 8, 2, (512, 512)),
    Case("8×1×512²", 8, 1, (512, 512)),
    Case("8×1×32²", 8, 1, (32, 32)),
    Case("2×2×32²", 2, 2, (32, 32)),
    Case("8×4×256²", 8, 4, (256, 256)),
    Case("2×2×96³", 2, 2, (96, 96, 96)),
    Case("2×14×96³", 2, 14, (96, 96, 96)),
    Case("8×21×512²", 8, 21, (512, 512)),
)
#: Labels and element types.
WAYS = (("random", "float32"), ("regions", "float32"), ("regions", "bfloat16"))
QUICK = (
    Case("quick 2×3×16³", 2, 3, (16, 16, 16)),
    Case("quick 2×1×16²", 2, 1, (16, 16)),
)


def target_of(logits: Array, labels: Array, axis: int) -> Array:
    """One-hot; of one class the mask."""
    if logits.shape[axis] == 1:
        return jnp.expand_dims(labels, axis).astype(jnp.float32)
    return jax.nn.one_hot(labels, logits.shape[axis], axis=axis)


def plain_dice(logits: Array, labels: Array, *, axis: int, smoothing: float) -> Array:
    """What one writes without a library."""
    x, g = logits.astype(jnp.float32), target_of(logits, labels, axis)
    p = jax.nn.sigmoid(x) if logits.shape[axis] == 1 else jax.nn.softmax(x, axis)
    space = tuple(range(2, p.ndim)) if axis == 1 else tuple(range(1, p.ndim - 1))
    overlap, sizes = (p * g).sum(space), p.sum(space) + g.sum(space)
    return 1 - ((2 * overlap + smoothing) / (sizes + smoothing)).mean()


def plain_dice_cross_entropy(logits: Array, labels: Array) -> Array:
    """By one-hot labels: a gather by labels takes longer."""
    g = jax.nn.one_hot(labels, logits.shape[1], axis=1)
    log_p = jax.nn.log_softmax(logits.astype(jnp.float32), 1)
    return plain_dice(logits, labels, axis=1, smoothing=1e-5) - (g * log_p).sum(1).mean()


def plain_dice_binary_cross_entropy(logits: Array, labels: Array) -> Array:
    """The sum of softplus and a product, which does not overflow."""
    x, g = logits.astype(jnp.float32), target_of(logits, labels, 1)
    entropy = (jax.nn.softplus(x) - g * x).mean()
    return plain_dice(logits, labels, axis=1, smoothing=1e-5) + entropy


def optax_dice(logits: Array, labels: Array) -> Array:
    """Its smoothing of 1 stands beside half of the sizes: 2 as the others write it."""
    losses: Array = optax.losses.dice_loss(logits, target_of(logits, labels, -1))
    return losses.mean()


@dataclass(frozen=True)
class Contest:
    """Losses that are the same number."""

    name: str
    channels_last: bool
    losses: dict[str, Loss]


def contests(case: Case) -> tuple[Contest, Contest]:
    """By softmax, or of one class by sigmoid."""
    one = case.classes == 1
    activation = "sigmoid" if one else "softmax"
    both = dice_binary_cross_entropy if one else dice_cross_entropy
    plain = plain_dice_binary_cross_entropy if one else plain_dice_cross_entropy
    alike: dict[str, Any] = {"absent": "formula", "activation": activation}
    return (
        Contest(
            f"{activation} Dice + {'BCE' if one else 'CE'}",
            False,
            {OURS: partial(both, **alike), "jax.numpy": plain},
        ),
        Contest(
            f"{activation} Dice",
            True,
            {
                OURS: partial(dice, **alike, smoothing=2.0, channel_axis=-1),
                "optax": optax_dice,
                "jax.numpy": partial(plain_dice, axis=-1, smoothing=2.0),
            },
        ),
    )


PACKAGES = {OURS: "dice-loss", "jax.numpy": "jax", "optax": "optax"}


def rows(case: Case, kind: str, contest: Contest, dtype: str, seconds: float) -> list[Row]:
    """Of every loss: so many seconds of rounds in all, from 3 to 50."""
    logits, labels = case.logits(contest.channels_last, dtype), case.labels(kind)
    steps: dict[str, Any] = {
        name: jax.jit(jax.value_and_grad(loss)).lower(logits, labels).compile()
        for name, loss in contest.losses.items()
    }
    results = {name: jax.block_until_ready(step(logits, labels)) for name, step in steps.items()}
    differences = {name: apart(found, results[OURS]) for name, found in results.items()}
    del results
    times = rounds(steps, logits, labels, seconds)
    ours = statistics.median(times[OURS])
    return [
        {
            "case": case.name,
            "labels": kind,
            "loss_name": contest.name,
            "layout": "channels last" if contest.channels_last else "channels first",
            "dtype": dtype,
            "library": name,
            "version": version(PACKAGES[name]),
            **spread(times[name]),
            "ratio": statistics.median(times[name]) / ours,
            "repeats": len(times[name]),
            "temporary_mib": steps[name].memory_analysis().temp_size_in_bytes / MEBIBYTE,
            "logits_mib": logits.nbytes / MEBIBYTE,
            **differences[name],
        }
        for name in contest.losses
    ]


def rounds(
    steps: dict[str, Any], logits: Array, labels: Array, seconds: float
) -> dict[str, list[float]]:
    """The seconds of each step; the gradient before is gone when the next is made."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    start = time.perf_counter()
    count = 0
    while count < 3 or (count < 50 and time.perf_counter() - start < seconds):
        for name, step in steps.items():
            before = time.perf_counter()
            jax.block_until_ready(step(logits, labels))
            times[name].append(time.perf_counter() - before)
        count += 1
    return times


def apart(found: tuple[Array, Array], wanted: tuple[Array, Array]) -> Row:
    """Of the loss, relative; and the largest of the gradient, relative to its largest."""
    gradients = [np.asarray(gradient, dtype=np.float32) for _, gradient in (found, wanted)]
    return {
        "loss": float(found[0]),
        "loss_difference": abs(float(found[0]) - float(wanted[0])) / abs(float(wanted[0])),
        "gradient_difference": float(
            np.abs(gradients[0] - gradients[1]).max() / np.abs(gradients[1]).max()
        ),
    }


def spread(seconds: list[float]) -> Row:
    """The median, and the limits of the middle three fifths, in milliseconds."""
    ordered = sorted(1e3 * value for value in seconds)
    fifth = len(ordered) // 5
    return {
        "step_ms": statistics.median(ordered),
        "step_low_ms": ordered[fifth],
        "step_high_ms": ordered[-1 - fifth],
    }


def machine() -> Row:
    """What the numbers depend on."""
    return {
        "jax": jax.__version__,
        "python": platform.python_version(),
        "cpu": processor(),
        "threads": dice_loss.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python", "bench/jax_losses.py", *sys.argv[1:]]),
    }


def processor() -> str:
    try:
        about = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    fields = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", about, re.MULTILINE))
    family, model = fields.get("cpu family", "?"), fields.get("model", "?")
    return f"{fields.get('model name', platform.machine())} (family {family}, model {model})"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="tiny shapes: to see that everything runs")
    add("--only", default="", help="cases whose name contains this")
    add("--seconds", type=float, default=2.0, help="at most, for 3 to 50 rounds (default: 2)")
    add("--out", type=Path, default=HERE / "results/jax.csv", help="the CSV, written anew")
    return parser.parse_args()


def main() -> None:
    chosen, about = options(), machine()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with chosen.out.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for case in QUICK if chosen.quick else FULL:
            for kind, dtype in WAYS if chosen.only in case.name else ():
                for contest in contests(case):
                    for row in rows(case, kind, contest, dtype, chosen.seconds):
                        print(
                            f"{case.name} {kind} {contest.name} {dtype} {row['library']}: "
                            f"{row['step_ms']:.2f} ms, {row['ratio']:.2f} × {OURS}",
                            flush=True,
                        )
                        plain = {
                            key: float(f"{value:.5g}") if isinstance(value, float) else value
                            for key, value in row.items()
                        }
                        table.writerow(plain | about)


if __name__ == "__main__":
    main()
