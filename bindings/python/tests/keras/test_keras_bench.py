"""The benchmark beside Keras runs: tiny shapes, on this backend."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from backends import BACKEND

BENCH = Path(__file__).resolve().parents[4] / "bench"


@pytest.mark.skipif(BACKEND == "torch", reason="torch compiles for minutes, and wants a compiler")
def test_both_compute_the_same_loss(tmp_path):
    table = tmp_path / "keras.csv"
    command = [sys.executable, str(BENCH / "keras_losses.py"), "--quick", "--seconds", "0"]
    environment = os.environ | {"KERAS_BACKEND": BACKEND}
    done = subprocess.run(
        [*command, "--out", str(table)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # Two cases, random labels and regions, four Dice losses and two of cross-entropy.
    assert len(rows) == 2 * 2 * 6 * (2 if BACKEND == "tensorflow" else 1)
    assert {row["loss_name"] for row in rows} == {"Dice", "cross-entropy"}
    for row in rows:
        assert row["backend"] == BACKEND and row["cpu"] and row["backend_version"]
        assert float(row["low_ms"]) <= float(row["step_ms"]) <= float(row["high_ms"])
        assert float(row["loss_difference"]) < 1e-5
        assert float(row["gradient_difference"]) < 1e-4
