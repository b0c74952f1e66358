"""The package and the benchmarks are as ruff and mypy want them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
BENCH = PACKAGE.parents[1] / "bench"


def run(tool, *arguments, path="python"):
    if find_spec(tool) is None or find_spec("torch") is None:
        pytest.skip(f"{tool} is not installed, or torch is not")
    done = subprocess.run(
        [sys.executable, "-m", tool, *arguments],
        cwd=PACKAGE,
        env=os.environ | {"MYPYPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")])
def test_ruff(arguments):
    run("ruff", *arguments, ".", str(BENCH))


def test_types(tmp_path):
    run("mypy", "--cache-dir", str(tmp_path))
    # With what it knows of torch by now.
    files = map(str, [*BENCH.glob("*.py"), *BENCH.glob("gpu/*.py")])
    path = os.pathsep.join(["python", str(BENCH), str(BENCH / "gpu")])
    run("mypy", "--cache-dir", str(tmp_path), *files, path=path)
