"""The example programs run, shortened, and segment something."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
CLASSES = 8


def dice_of(name, *arguments):
    """Dice by class, as the program prints it."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    losses, scores = run.stdout.split("\n\n")
    assert re.search(r"^epoch +2 +loss \d+\.\d+$", losses, re.MULTILINE), losses
    found = dict(re.findall(r"^(\w[\w ]*?) {2,}(nan|\d\.\d+)$", scores, re.MULTILINE))
    assert len(found) == CLASSES, scores
    return {name: float(dice) for name, dice in found.items()}


def test_all_examples_are_tested():
    found = {path.name for path in EXAMPLES.glob("*.py")}
    assert found == {
        "draw_cells.py",
        "draw_maps.py",
        "train_lesions.py",
        "train_monai.py",
        "train_torch.py",
        "train_tubes.py",
    }


@pytest.mark.parametrize("name", ["draw_cells.py", "draw_maps.py"])
def test_pictures_are_drawn(name, tmp_path):
    for module in ("matplotlib", "nibabel"):
        pytest.importorskip(module)
    command = [sys.executable, str(EXAMPLES / name), str(tmp_path / "drawn.png")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    drawn = (tmp_path / "drawn.png").read_bytes()
    assert drawn.startswith(b"\x89PNG") and 20_000 < len(drawn) < 150_000


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("train_tubes.py", ["Dice + CE", "+ boundary", "+ skeleton recall"]),
        ("train_lesions.py", ["Dice + CE", "CC-DiceCE", "blob"]),
    ],
)
def test_losses_are_scored(name, losses):
    pytest.importorskip("torch.nn")
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    command += ["--iterations", "2", "--seeds", "1"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    _, *rows = (re.split(r" {2,}", line) for line in run.stdout.splitlines())
    assert [name for name, *_ in rows] == losses
    for _, *cells in rows:
        # Two of them are shares; distances and counts are not below 0.
        dice, share, number = (float(cell.split()[0]) for cell in cells)
        assert 0.0 <= dice <= 1.0 and 0.0 <= share <= 1.0 and not number < 0.0


@pytest.mark.parametrize("name", ["train_monai.py", "train_torch.py"])
def test_example_learns(name):
    for module in ("nibabel", "torch.nn") + ("monai.data",) * ("monai" in name):
        pytest.importorskip(module)
    dice = dice_of(name, "--epochs", "2")
    assert all(0.0 <= score <= 1.0 or math.isnan(score) for score in dice.values())
    # Two epochs are enough for the largest classes.
    assert dice["background"] > 0.6 and dice["tissue"] > 0.4, dice
