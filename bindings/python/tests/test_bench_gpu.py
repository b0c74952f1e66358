"""The script for machines with a GPU runs on one without, as far as it goes."""

from __future__ import annotations

import csv
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "bench" / "gpu" / "run.py"

pytest.importorskip("torch", reason="bench/gpu wants torch")


def run(*options):
    command = [sys.executable, str(SCRIPT), "--device", "cpu", "--quick", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_checks():
    done = run("--only", "checks")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "128 of 128 checks passed"


def test_a_wrong_kernel_is_found(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import checks
    from dice_loss.torch import _ops

    def trouble():
        return [wrong for _, wrong in itertools.islice(checks.variants("cpu", ((1, 3, 40),)), 3)]

    right = _ops.fused
    assert trouble() == [None, None, None]
    monkeypatch.setattr(_ops, "fused", lambda *given: 1.001 * right(*given))
    assert all(wrong.startswith("loss off by 1.0e-03") for wrong in trouble())


def test_times(tmp_path):
    table = tmp_path / "times.csv"
    done = run("--only", "times", "--eager", "--repeats", "2", "--out", str(table))
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["library"] for row in rows} == {
        "copy",
        "dice-loss",
        "torch",
        "MONAI",
        "nnU-Net",
        "SMP",
    }
    for row in rows:
        assert row["note"].endswith("is not installed") or float(row["step_ms"]) > 0.0


def test_a_machine_without_a_gpu_is_said():
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False
    )
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        assert done.returncode == 2
        assert "found no CUDA device, wanted cuda:0" in done.stderr
