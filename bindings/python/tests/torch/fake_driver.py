"""Builds a CUDA driver for machines without one, from the kernels' CUDA C++.

Its `libcuda.so` runs each launch on the CPU, on addresses in main memory. So everything between a
loss and its kernels runs without a device, but for what only a device has: memory of its own, and
units that really run at once. PyTorch looks for `libcuda.so.1`, and does not find it.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cpp import COMPILER

HERE = Path(__file__).parent / "cuda"
FLOATS = ("f32", "f16", "bf16")


def build(sources: Path, folder: Path) -> Path:
    """Compiles what `cargo xtask emit` left in `sources`."""
    kernels = [json.loads(line) for line in sources.read_text().splitlines()]
    units = [HERE / "driver.cpp"]
    for float_type in FLOATS:
        path = folder / f"{float_type}.cpp"
        path.write_text(
            _translated([k for k in kernels if _float(k["name"]) == float_type], float_type)
        )
        units.append(path)

    def compiled(unit: Path) -> Path:
        target = folder / f"{unit.stem}.o"
        options = ["-std=c++20", "-O1", "-ffp-contract=off", "-fPIC", "-w", f"-I{HERE}"]
        subprocess.run([COMPILER, *options, "-c", unit, "-o", target], check=True)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, units))
    library = folder / "libcuda.so"
    link = [COMPILER, "-shared", "-Wl,-soname,libcuda.so", "-o", library, *objects]
    subprocess.run(link, check=True)
    return library


def load(library: Path) -> ctypes.CDLL:
    """Loads it before anything else looks for a driver, which then finds this one."""
    driver = ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    driver.fake_launches.restype = ctypes.c_char_p
    return driver


def _float(name: str) -> str:
    suffix = name.rsplit("_", 1)[1]
    return suffix if suffix in FLOATS else "f32"


def _translated(kernels: list[dict[str, Any]], float_type: str) -> str:
    """Each in a namespace of its own, since all define the same types."""
    parts = ['#include "device.hpp"']
    rows = []
    for kernel in kernels:
        source = re.sub(r"typedef (un)?signed [^;]*\bu?int\d+_t;", "", kernel["code"])
        source = re.sub(r"#include <cuda_\w+\.h>", "", source)
        source = re.sub(
            r"extern __shared__ \S+ char (\w+)\[\];", r"char* const \1 = shared_memory;", source
        )
        source = source.replace('extern "C"', "static").replace("__restrict__", "")
        name = kernel["name"]
        parts.append(f"namespace {name} {{\n{source}\n}}")
        run = f"run<{name}::{name}>"
        rows.append(f'{{"{name}", {kernel["units"]}, {kernel["shared"]}, {run}}}')
    table = ",\n".join([*rows, "{nullptr, 0, 0, nullptr}"])
    parts.append(f"extern const Kernel kernels_{float_type}[] = {{\n{table}\n}};\n")
    return "\n".join(parts)
