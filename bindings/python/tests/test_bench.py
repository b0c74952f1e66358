"""The benchmark against the peers runs: tiny shapes, every library that is installed."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from cpp import needs_compiler, needs_headers

BENCH = Path(__file__).resolve().parents[3] / "bench"
PACKAGES = {
    "torch": "torch",
    "MONAI": "monai",
    "nnU-Net": "nnunetv2",
    "SMP": "segmentation_models_pytorch",
}

for package in ("torch", "matplotlib"):
    pytest.importorskip(package, reason="bench/requirements.txt")


def run(tmp_path, *options):
    table, picture = tmp_path / "peers.csv", tmp_path / "peers.png"
    command = [sys.executable, str(BENCH / "peers.py"), "--quick", "--seconds", "0"]
    command += ["--threads", "1", "--out", str(table), "--plot", str(picture), *options]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def check(row):
    assert float(row["step_low_ms"]) <= float(row["step_ms"]) <= float(row["step_high_ms"])
    assert int(row["repeats"]) == 3
    # On such shapes every library has to be right to the precision of the type.
    assert float(row["loss_difference"]) < (1e-5 if row["dtype"] == "float32" else 1e-2)
    assert float(row["gradient_difference"]) < (1e-5 if row["dtype"] == "float32" else 2e-2)
    assert row["note"] == "" and row["cpu"] and row["torch"] and row["version"]


@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=pytest.mark.long)])
def test_every_library_computes_the_same_loss(tmp_path, dtype):
    rows = run(tmp_path, "--dtype", dtype)
    assert len(rows) == 10, "two cases, five libraries"
    for row in rows:
        package = PACKAGES.get(row["library"])
        if package is not None and find_spec(package) is None:
            assert row["note"].endswith("is not installed")
            continue
        check(row)
        # Beside sums, dice-loss keeps nothing for the backward pass; all others keep tensors.
        voxels = float(row["voxels"]) / 2**20
        assert (float(row["kept_mib"]) < 0.1 * voxels) == (row["library"] == "dice-loss")


@pytest.mark.long
@needs_compiler
@needs_headers
def test_a_compiled_loss_is_measured(tmp_path):
    choice = ("--case", "3×16", "--dtype", "float32", "--mode", "compiled")
    rows = run(tmp_path, *choice, "--library", "dice-loss", "--library", "torch")
    assert [(row["library"], row["mode"]) for row in rows] == [
        ("dice-loss", "compiled"),
        ("torch", "compiled"),
    ]
    for row in rows:
        check(row)
