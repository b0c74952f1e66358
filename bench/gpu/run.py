"""All that wants a GPU: are the kernels right, and how fast are they?

    python bench/gpu/run.py                     checks, compute-sanitizer, times
    python bench/gpu/run.py --wheels folder     installs the peers from wheels first, no network
    python bench/gpu/run.py --device cpu --quick    the same on a machine without a GPU

Wants torch 2.6 or newer with CUDA, and dice-loss. Ends with 1 if a check failed. Times go to
results/GPU.csv beside this file.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ("monai", "segmentation-models-pytorch", "nnunetv2")
COLUMNS = (
    "case", "loss", "dtype", "library", "version", "mode", "forward_ms", "backward_ms", "step_ms",
    "step_low_ms", "step_high_ms", "extra_mib", "loss_value", "device", "torch", "note",
)  # fmt: skip


def main() -> None:
    """Does what the command line says."""
    arguments = parse()
    if arguments.wheels is not None:
        install(arguments.wheels)
    failed = 0
    if not arguments.only or arguments.only == "checks":
        failed += check(arguments.device, arguments.quick)
    if not arguments.only or arguments.only == "sanitizer":
        failed += sanitize(arguments.device)
    if not arguments.only or arguments.only == "times":
        measure(arguments)
    raise SystemExit(1 if failed else 0)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda:0", help="cuda:N, or cpu")
    parser.add_argument("--quick", action="store_true", help="tiny shapes")
    parser.add_argument("--only", choices=("checks", "sanitizer", "times"))
    parser.add_argument("--repeats", type=int, default=20, help="steps of each time")
    parser.add_argument("--eager", action="store_true", help="no times of compiled losses")
    parser.add_argument("--wheels", type=Path, help="a folder with the peers and what they want")
    parser.add_argument("--out", type=Path, help="the table; results/GPU.csv by default")
    arguments = parser.parse_args()
    if arguments.device.startswith("cuda"):
        import torch

        if not torch.cuda.is_available():
            parser.error(f"found no CUDA device, wanted {arguments.device}; see --device cpu")
    return arguments


def install(wheels: Path) -> None:
    """The peers, without touching the torch that is there."""
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", str(wheels)]
    for peer in PEERS:
        done = subprocess.run([*pip, peer], check=False)
        if done.returncode != 0:
            print(f"{peer}: not installed; left out")


def check(device: str, quick: bool) -> int:
    """How many checks failed."""
    import checks

    shapes = checks.SHAPES[:1] if quick else checks.SHAPES
    found = [*checks.variants(device, shapes), *checks.repeats(device), *checks.autocast(device)]
    if device.startswith("cuda"):
        for more in (checks.kernels_run, checks.graph, checks.streams, checks.compiled):
            found += more(device)
    else:
        print("no GPU: CUDA graphs, streams, torch.compile and labels out of range are not checked")
    wrong = [(name, trouble) for name, trouble in found if trouble is not None]
    for name, trouble in wrong:
        print(f"FAILED {name}: {trouble}")
    print(f"{len(found) - len(wrong)} of {len(found)} checks passed")
    return len(wrong)


def sanitize(device: str) -> int:
    """compute-sanitizer on the small checks: memory, races, uninitialised memory, barriers."""
    program = shutil.which("compute-sanitizer")
    if program is None or not device.startswith("cuda"):
        print("compute-sanitizer: not there; left out")
        return 0
    failed = 0
    for tool in ("memcheck", "racecheck", "initcheck", "synccheck"):
        command = [program, "--tool", tool, "--error-exitcode", "9", sys.executable, __file__]
        command += ["--quick", "--only", "checks", "--device", device]
        passed = subprocess.run(command, check=False).returncode == 0
        print(f"compute-sanitizer {tool}: {'passed' if passed else 'FAILED'}")
        failed += not passed
    return failed


def measure(arguments: argparse.Namespace) -> None:
    """Writes the table, row by row, and prints it."""
    import timing

    device, out = arguments.device, arguments.out
    if out is None:
        name = re.sub(r"\W+", "-", timing.named(device)).strip("-").lower()
        out = HERE / "results" / f"{name}.csv"
    cases = timing.QUICK if arguments.quick else timing.FULL
    modes = ("eager",) if arguments.eager else ("eager", "compiled")
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for row in timing.rows(device, cases, arguments.repeats, modes):
            table.writerow(row)
            file.flush()
            time = f"{row['step_ms']:.3f} ms" if "step_ms" in row else row["note"]
            print(f"{row['case']:16} {row['dtype']:9} {row['mode']:9} {row['library']:10} {time}")
    print(f"written: {out}")


if __name__ == "__main__":
    main()
