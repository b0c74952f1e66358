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
KEY = ("case", "labels", "dtype", "target", "layout", "option", "memory")
OTHERS = [word for name in PACKAGES for word in ("--library", name)]

for package in ("torch", "matplotlib", "nibabel"):
    pytest.importorskip(package, reason="bench/requirements.txt")


def run(tmp_path, *options):
    table, picture = tmp_path / "peers.csv", tmp_path / "peers.png"
    command = [sys.executable, str(BENCH / "peers.py"), "--quick", "--seconds", "0"]
    command += ["--threads", "1", "--out", str(table), "--plot", str(picture), *options]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


#: A unit in the last place of each type, and of float32 what sums of thousands of voxels lose.
LOSS = {"float32": 1e-5, "float16": 1e-3, "bfloat16": 1e-2}
GRADIENT = {"float32": 1e-5, "float16": 2e-3, "bfloat16": 2e-2}


def check(row):
    assert float(row["step_low_ms"]) <= float(row["step_ms"]) <= float(row["step_high_ms"])
    assert int(row["repeats"]) == 3
    # On such shapes every library has to be right to the precision of the type.
    assert float(row["loss_difference"]) < LOSS[row["dtype"]]
    assert float(row["gradient_difference"]) < GRADIENT[row["dtype"]]
    assert row["note"] == "" and row["cpu"] and row["torch"] and row["version"]


@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=pytest.mark.long)])
def test_every_library_computes_the_same_loss(tmp_path, dtype):
    rows = run(tmp_path, "--dtype", dtype, *OTHERS)
    assert len(rows) == 8, "two cases, four libraries"
    for row in rows:
        if find_spec(PACKAGES[row["library"]]) is None:
            assert row["note"].endswith("is not installed")
            continue
        check(row)
        # All of them keep tensors for the backward pass.
        assert float(row["kept_mib"]) > 0.1 * float(row["voxels"]) / 2**20


def test_dice_loss_is_measured_in_every_way(tmp_path):
    rows = run(tmp_path, "--library", "dice-loss")
    assert (tmp_path / "peers.png").read_bytes().startswith(b"\x89PNG")
    assert len({tuple(row[key] for key in KEY) for row in rows}) == len(rows) == 15 + 3 + 14
    for row in rows:
        check(row)
        # Beside sums it keeps nothing for the backward pass.
        assert float(row["kept_mib"]) < 0.1 * float(row["voxels"]) / 2**20
    found = {key: {row[key] for row in rows} for key in KEY}
    assert found["labels"] == {"regions", "random", "noise", "CT"}
    assert found["dtype"] == {"float32", "bfloat16", "float16"}
    assert found["target"] == {"int64", "float32", "uint8"}
    assert found["layout"] == {"channels first", "channels last"}
    assert found["memory"] == {"shared", "fresh", "small pages", "held"}


@pytest.mark.long
@needs_compiler
@needs_headers
def test_a_compiled_loss_is_measured(tmp_path):
    choice = ("--only", "3×16", "--dtype", "float32", "--mode", "compiled")
    rows = run(tmp_path, *choice, "--library", "dice-loss", "--library", "torch")
    assert [(row["library"], row["mode"]) for row in rows] == [
        ("dice-loss", "compiled"),
        ("torch", "compiled"),
    ]
    for row in rows:
        check(row)


def test_small_steps_are_measured():
    pytest.importorskip("monai", reason="bench/requirements.txt")
    command = [sys.executable, str(BENCH / "small.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("| ")]
    groups = [name.strip(" *") for name, *_ in rows if name.strip().startswith("**")]
    assert groups[:4] == [
        "construct",
        "step, 1×2×16²",
        "forward without gradient, 1×2×16²",
        "details, step, 2×2×32²",
    ]
    assert "monai.DiceCELoss, step, 2×2×32²" in groups
    numbers = [(float(time), float(ratio)) for _, time, ratio in rows[1:] if time.strip()]
    assert len(numbers) == len(rows) - len(groups) - 1 and min(min(numbers)) > 0


def test_a_run_can_keep_what_it_does_not_measure(tmp_path):
    choice = ("--library", "dice-loss", "--dtype", "float16")
    before = run(tmp_path, "--only", "3×16", *choice)
    after = run(tmp_path, "--only", "1×64", *choice, "--keep")
    assert after[: len(before)] == before
    assert {row["case"] for row in after} == {"quick 2×3×16³", "quick 2×1×64²"}


def test_ranked_losses_are_the_same_beside_the_peers(tmp_path):
    pytest.importorskip("segmentation_models_pytorch", reason="needs segmentation-models-pytorch")
    pytest.importorskip("nnunetv2", reason="needs nnU-Net")
    table = tmp_path / "ranked.csv"
    command = [sys.executable, str(BENCH / "ranked.py"), "--quick", "--seconds", "0"]
    done = subprocess.run([*command, "--out", str(table)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    for theirs, ours in zip(rows[::2], rows[1::2], strict=True):
        assert float(ours["loss"]) == pytest.approx(float(theirs["loss"]), rel=1e-5)
        # SMP subtracts Jaccard losses that follow each other, in float32.
        assert float(ours["gradient_difference"]) < 1e-3


def test_skeletons_are_the_same_beside_monai(tmp_path):
    pytest.importorskip("monai.losses", reason="needs monai")
    table = tmp_path / "skeleton.csv"
    command = [sys.executable, str(BENCH / "skeleton.py"), "--quick", "--seconds", "0"]
    done = subprocess.run([*command, "--out", str(table)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    for theirs, ours in zip(rows[::2], rows[1::2], strict=True):
        assert float(ours["loss"]) == pytest.approx(float(theirs["loss"]), rel=1e-4)
        assert float(ours["gradient_difference"]) < 1e-3


def test_losses_with_distances_are_the_same_beside_monai(tmp_path):
    pytest.importorskip("monai.losses", reason="needs monai")
    table = tmp_path / "maps.csv"
    command = [sys.executable, str(BENCH / "maps.py"), "--quick", "--seconds", "0"]
    done = subprocess.run([*command, "--out", str(table)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 11
    for theirs, ours in (rows[:2], rows[2:4]):
        assert float(ours["loss"]) == pytest.approx(float(theirs["loss"]), rel=1e-4)
        assert float(ours["gradient_difference"]) < 1e-5
    by_name = {row["contender"]: row for row in rows[4:]}
    for name in ("boundary", "skeleton", "hausdorff"):
        assert by_name[f"{name}, given"]["loss"] == by_name[f"{name}, made"]["loss"]


def test_losses_of_instances_are_the_same_as_by_a_loop(tmp_path):
    table = tmp_path / "instances.csv"
    command = [sys.executable, str(BENCH / "instances.py"), "--quick", "--seconds", "0"]
    done = subprocess.run([*command, "--out", str(table)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["lesions"] for row in rows} == {"1", "8"}
    beside = [row for row in rows if row["group"] == "Dice of cells"]
    assert len(beside) == 4
    for theirs, ours in (beside[:2], beside[2:]):
        assert float(ours["loss"]) == pytest.approx(float(theirs["loss"]), rel=1e-4)
        assert float(ours["gradient_difference"]) < 1e-4
    of_whole = {(row["lesions"], row["group"], row["contender"]): row["loss"] for row in rows}
    for lesions in ("1", "8"):
        for pool in ("cells", "blobs"):
            made = of_whole[lesions, "Dice", f"{pool}, made"]
            assert of_whole[lesions, "Dice", f"{pool}, given"] == made
