"""The benchmark beside optax runs, and compares losses that are the same."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[4] / "bench"

pytest.importorskip("optax", reason="bench/requirements-jax.txt")


def test_every_library_computes_the_same_loss(tmp_path):
    table = tmp_path / "jax.csv"
    command = [sys.executable, str(BENCH / "jax_losses.py"), "--quick", "--seconds", "0"]
    done = subprocess.run([*command, "--out", str(table)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    of_contests = ["dice-loss", "jax.numpy", "dice-loss", "optax", "jax.numpy"]
    # Two cases, each with random labels, with regions, and with these in bfloat16.
    assert [row["library"] for row in rows] == of_contests * 6
    assert [row["labels"] for row in rows[::5]] == ["random", "regions", "regions"] * 2
    for row in rows:
        # In bfloat16 optax rounds probabilities too, to three digits.
        precision = 1e-5 if row["dtype"] == "float32" else 5e-2
        assert float(row["loss_difference"]) < precision
        assert float(row["gradient_difference"]) < precision
        assert float(row["step_low_ms"]) <= float(row["step_ms"]) <= float(row["step_high_ms"])
        assert row["cpu"] and row["jax"] and row["version"] and int(row["repeats"]) == 3
        if row["library"] == "dice-loss":
            assert float(row["temporary_mib"]) < 0.01
