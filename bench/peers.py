"""Measures dice-loss beside MONAI, segmentation_models_pytorch, nnU-Net and plain torch.

Dice + cross-entropy (binary for one class), eager and compiled, on the same tensors, one process
for each case; and dice-loss alone with other labels, types and options. Writes a CSV and a picture
of it, and prints the tables that the documents show. See README.md for what is measured.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import chart
import tables
import torch
from cases import DTYPES, FULL, MEMORY, QUICK, Case, Variant
from contenders import CONTENDERS, OURS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LIBRARIES = [contender.name for contender in CONTENDERS]
#: What a row is found by.
KEY = ["case", "library", "mode", *(field.name for field in dataclasses.fields(Variant))]
TIMES = [
    f"{part}{limit}_ms"
    for part in ("step", "forward", "backward")
    for limit in ("", "_low", "_high")
]
COLUMNS = [
    "case", "loss_name", "classes", "voxels", "library", "version", "mode", *KEY[3:],
    *TIMES, "repeats", "peak_mib", "kept_mib", "logits_mib",
    "loss", "loss_difference", "gradient_difference", "note",
    "torch", "python", "cpu", "threads", "pages", "load", "date", "command",
]  # fmt: skip

Row = dict[str, Any]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", default="", help="only cases whose name contains this, as in '96³' or '2×14'")
    add("--dtype", choices=DTYPES, help="only this type of logits")
    add("--mode", choices=["eager", "compiled"], help="only this way of running")
    add("--library", action="append", choices=LIBRARIES, help="only this one; may be repeated")
    add("--quick", action="store_true", help="tiny shapes, eager: to see that everything runs")
    add("--threads", type=int, default=torch.get_num_threads(), help="as torch has it, by default")
    add("--seconds", type=float, default=0.6, help="for the 3 to 40 steps of each (default: 0.6)")
    add("--out", type=Path, default=HERE / "results/peers.csv", help="the CSV, written anew")
    add("--keep", action="store_true", help="leave in the CSV what this run does not measure")
    add("--plot", type=Path, default=ROOT / "docs/bench-peers.png", help="the picture")
    return parser.parse_args()


def measured(case: Case, memory: str, chosen: argparse.Namespace) -> Iterator[Row]:
    """What one process finds out, row by row; what it did not live to tell is said too."""
    modes = [chosen.mode] if chosen.mode else ["eager"] if chosen.quick else ["eager", "compiled"]
    dtypes = [chosen.dtype] if chosen.dtype else [*DTYPES]
    command = [sys.executable, "-W", "ignore", str(HERE / "measuring.py"), case.name]
    command += ["--memory", memory, "--dtypes", *dtypes, "--modes", *modes]
    command += ["--threads", str(chosen.threads), "--seconds", str(chosen.seconds)]
    command += ["--libraries", *(chosen.library or LIBRARIES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode != 0:
        note = f"failed: the process ended with status {process.returncode}"
        yield {"case": case.name, "memory": memory, "note": note}


def machine(threads: int) -> Row:
    """What the numbers depend on."""
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cpu": processor(),
        "threads": threads,
        "pages": huge_pages(),
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python", "bench/peers.py", *sys.argv[1:]]),
    }


def huge_pages() -> str:
    """Whether the system backs memory with huge pages: always, madvise or never."""
    try:
        about = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    except OSError:
        return "unknown"
    return about[about.index("[") + 1 : about.index("]")]


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
    who = ", ".join(str(row.get(key, "")) for key in KEY)
    if "step_ms" not in row:
        return f"{who}: {row['note']}"
    memory = "unknown" if row["peak_mib"] is None else f"{row['peak_mib']:.0f} MiB"
    note = f" ({row['note']})" if row.get("note") else ""
    return f"{who}: {row['step_ms']:.2f} ms a step, {memory}{note}"


def main() -> None:
    chosen = options()
    cases = [case for case in (QUICK if chosen.quick else FULL) if chosen.only in case.name]
    if not cases:
        names = ", ".join(case.name for case in (QUICK if chosen.quick else FULL))
        sys.exit(f"--only: found {chosen.only!r}, wanted a part of one of {names}")
    start = time.monotonic()
    found: dict[tuple[str, ...], Row] = {}
    if chosen.keep and chosen.out.exists():
        found = {key_of(row): row for row in tables.read(chosen.out)}
    complete = measure(cases, chosen, found)
    print(f"\n{time.monotonic() - start:.0f} s; {chosen.out}\n")
    rows = tables.read(chosen.out)
    print("\n\n".join(tables.of(rows).values()))
    chart.draw(rows, chosen.plot)
    if not complete:
        sys.exit("some of it failed, see above")


def measure(
    cases: Sequence[Case], chosen: argparse.Namespace, found: dict[tuple[str, ...], Row]
) -> bool:
    """Adds all rows to `found`, and writes them down one by one. Whether none failed."""
    about, complete = machine(chosen.threads), True
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    write(chosen.out, found.values())
    for case in cases:
        alone = case.memory and OURS.name in (chosen.library or LIBRARIES)
        for memory in MEMORY if alone and chosen.mode != "compiled" else MEMORY[:1]:
            for row in measured(case, memory, chosen):
                complete &= not str(row.get("note", "")).startswith("failed")
                print(progress(row), flush=True)
                found[key_of(row)] = shortened(row | about)
                write(chosen.out, found.values())
    return complete


def key_of(row: Row) -> tuple[str, ...]:
    return tuple(str(row.get(key, "")) for key in KEY)


def write(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
