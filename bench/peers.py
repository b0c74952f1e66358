"""Measures dice-loss beside MONAI, segmentation_models_pytorch, nnU-Net and plain torch.

Dice + cross-entropy (binary for one class), eager and compiled, on the same tensors, one process
for each case and type of logits. Writes a CSV and a picture of it, and prints the table that
docs/performance.md shows. See README.md for what is measured.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chart
import torch
from cases import FULL, QUICK, Case
from contenders import CONTENDERS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LIBRARIES = [contender.name for contender in CONTENDERS]
TIMES = [
    f"{part}{limit}_ms"
    for part in ("step", "forward", "backward")
    for limit in ("", "_low", "_high")
]
COLUMNS = [
    "case", "loss_name", "classes", "voxels", "dtype", "library", "version", "mode",
    *TIMES, "repeats", "peak_mib", "kept_mib", "logits_mib",
    "loss", "loss_difference", "gradient_difference", "note",
    "torch", "python", "cpu", "threads", "load", "date", "command",
]  # fmt: skip

Row = dict[str, Any]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--case", default="", help="only cases whose name contains this, as in '96³' or '2×14'")
    add("--dtype", choices=["float32", "bfloat16"], help="only this type of logits")
    add("--mode", choices=["eager", "compiled"], help="only this way of running")
    add("--library", action="append", choices=LIBRARIES, help="only this one; may be repeated")
    add("--quick", action="store_true", help="tiny shapes, eager: to see that everything runs")
    add("--threads", type=int, default=torch.get_num_threads(), help="as torch has it, by default")
    add("--seconds", type=float, default=2.0, help="at most, for 3 to 20 repeats (default: 2)")
    add("--out", type=Path, default=HERE / "results/peers.csv", help="the CSV, written anew")
    add("--plot", type=Path, default=ROOT / "docs/bench-peers.png", help="the picture")
    return parser.parse_args()


def measured(case: Case, dtype: str, chosen: argparse.Namespace) -> Iterator[Row]:
    """What one process finds out, row by row; what it did not live to tell is said too."""
    modes = [chosen.mode] if chosen.mode else ["eager"] if chosen.quick else case.modes
    command = [sys.executable, "-W", "ignore", str(HERE / "measuring.py"), case.name, dtype]
    command += ["--threads", str(chosen.threads), "--seconds", str(chosen.seconds)]
    command += ["--modes", *modes, "--libraries", *(chosen.library or LIBRARIES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode != 0:
        note = f"failed: the process ended with status {process.returncode}"
        yield {"case": case.name, "dtype": dtype, "note": note}


def machine(threads: int) -> Row:
    """What the numbers depend on."""
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cpu": processor(),
        "threads": threads,
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python", "bench/peers.py", *sys.argv[1:]]),
    }


def processor() -> str:
    try:
        about = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    fields = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", about, re.MULTILINE))
    family, model = fields.get("cpu family", "?"), fields.get("model", "?")
    return f"{fields.get('model name', platform.machine())} (family {family}, model {model})"


def shortened(row: Row) -> Row:
    """Floats to five digits: more are noise."""
    return {
        key: float(f"{value:.5g}") if isinstance(value, float) else value
        for key, value in row.items()
    }


def progress(row: Row) -> str:
    who = " ".join(str(row.get(key, "")) for key in ("case", "dtype", "library", "mode"))
    if "step_ms" not in row:
        return f"{who}: {row['note']}"
    memory = "unknown" if row["peak_mib"] is None else f"{row['peak_mib']:.0f} MiB"
    note = f" ({row['note']})" if row.get("note") else ""
    return f"{who}: {row['step_ms']:.2f} ms a step, {memory}{note}"


def main() -> None:
    chosen = options()
    cases = [case for case in (QUICK if chosen.quick else FULL) if chosen.case in case.name]
    if not cases:
        names = ", ".join(case.name for case in (QUICK if chosen.quick else FULL))
        sys.exit(f"--case: found {chosen.case!r}, wanted a part of one of {names}")
    about, start, complete = machine(chosen.threads), time.monotonic(), True
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with chosen.out.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for case in cases:
            for dtype in case.dtypes:
                if chosen.dtype not in (None, dtype):
                    continue
                for row in measured(case, dtype, chosen):
                    complete &= not str(row.get("note", "")).startswith("failed")
                    print(progress(row), flush=True)
                    table.writerow(shortened(row | about))
                    file.flush()
    print(f"\n{time.monotonic() - start:.0f} s; {chosen.out}\n")
    rows = chart.read(chosen.out)
    print(chart.table(rows))
    chart.draw(rows, chosen.plot)
    if not complete:
        sys.exit("some of it failed, see above")


if __name__ == "__main__":
    main()
