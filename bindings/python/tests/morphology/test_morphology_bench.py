"""The benchmark of the morphology runs, and all contenders find the same."""

import csv
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[4] / "bench"


def test_every_contender_finds_the_same(tmp_path):
    table = tmp_path / "morphology.csv"
    command = [sys.executable, str(BENCH / "morphology.py"), "--quick", "--seconds", "0"]
    command += ["--classes", "1", "3", "--out", str(table)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # For 1 class and for 3: three and two contenders for distances, five for components.
    assert len(rows) == 2 * (3 + 3 + 2 + 5 + 2 + 2 + 2)
    for row in rows:
        assert float(row["least_ms"]) <= float(row["low_ms"])
        assert float(row["processor_ms"]) > 0
        assert float(row["low_ms"]) <= float(row["ms"]) <= float(row["high_ms"])
        assert row["cpu"] and row["version"] and row["repeats"] == "1"
        # scikit-image loses a component as a whole, one voxel of 24³.
        bound = 100 if row["task"] == "skeleton" else 1e-5
        assert row["difference"] == "" or float(row["difference"]) < bound
