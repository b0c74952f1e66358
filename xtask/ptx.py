"""From CUDA C++ to PTX: what `cargo xtask emit` runs.

Reads the kernels that `dice-loss-gpu`'s example `emit` prints, one JSON object a line.
NVRTC, its headers and ptxas come from NVIDIA's wheels. NVRTC is an old one, since a driver takes
PTX of its own age or older; ptxas is a new one, since it must know the newest devices.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

#: The oldest device: Turing.
BASELINE = "compute_75"
#: Turing, Ampere, Ada, Hopper, Blackwell: what the PTX is assembled for.
DEVICES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
#: What a kernel may need on any of them. 256 units of 80 registers: three
#: cubes a multiprocessor. A few bytes are spilled around a call.
REGISTERS = 80
SPILLED_BYTES = 64

PACKED, MANIFEST = "kernels.bin", "manifest.json"
#: What the launcher has to know of a kernel.
DESCRIBED = ("name", "units", "shared", "numbers")


def main() -> None:
    """Writes the PTX and its manifest, or compares and assembles what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", type=Path, help="what `emit` printed")
    parser.add_argument("folder", type=Path, help="where PTX and manifest are")
    parser.add_argument("--check", action="store_true", help="write nothing; compare and assemble")
    arguments = parser.parse_args()
    kernels = [json.loads(line) for line in arguments.kernels.read_text().splitlines()]
    compiler = Compiler()
    for kernel in kernels:
        kernel["ptx"] = compiler.ptx(kernel)
    if arguments.check:
        wrong = [*stale(kernels, arguments.folder), *over_budget(kernels)]
    else:
        write(kernels, arguments.folder)
        wrong = []
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        raise SystemExit("error: run `cargo xtask emit`, and commit what it writes")
    size = sum(len(kernel["ptx"]) for kernel in kernels) >> 10
    print(f"{len(kernels)} kernels, {size} KiB of PTX")


def write(kernels: list[dict[str, Any]], folder: Path) -> None:
    """All PTX in one file, each compressed by itself, and where each lies in it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, packed = [], b""
    for kernel in kernels:
        one = zlib.compress(kernel["ptx"].encode(), 9)
        row = {key: kernel[key] for key in DESCRIBED}
        rows.append(row | {"start": len(packed), "bytes": len(one)})
        packed += one
    (folder / PACKED).write_bytes(packed)
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    (folder / MANIFEST).write_text(f"[\n{lines}\n]\n")


def stale(kernels: list[dict[str, Any]], folder: Path) -> list[str]:
    """What differs from what is committed."""
    packed = (folder / PACKED).read_bytes()
    found = {}
    for row in json.loads((folder / MANIFEST).read_text()):
        one = packed[row["start"] : row["start"] + row["bytes"]]
        found[row["name"]] = {key: row[key] for key in DESCRIBED} | {
            "ptx": zlib.decompress(one).decode()
        }
    wanted = {
        kernel["name"]: {key: kernel[key] for key in (*DESCRIBED, "ptx")} for kernel in kernels
    }
    names = sorted(found.keys() | wanted.keys())
    return [f"{name}: out of date" for name in names if found.get(name) != wanted.get(name)]


def over_budget(kernels: list[dict[str, Any]]) -> list[str]:
    """Kernels that ptxas does not take, or that need too much on some device."""
    assembler = Assembler()
    jobs = [(kernel["name"], kernel["ptx"], device) for kernel in kernels for device in DEVICES]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda job: assembler.resources(Path(folder), *job), jobs))
    worst = max((registers for registers, _, _ in found), default=0)
    print(f"assembled for {', '.join(DEVICES)}: at most {worst} registers of {REGISTERS}")
    return [
        f"{name} on {device}: {error or f'{registers} registers, {spilled} bytes spilled'}"
        for (name, _, device), (registers, spilled, error) in zip(jobs, found, strict=True)
        if error or registers > REGISTERS or spilled > SPILLED_BYTES
    ]


def package(name: str) -> Path:
    """The folder of one of NVIDIA's wheels."""
    spec = importlib.util.find_spec(f"nvidia.{name}")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"error: found no nvidia.{name}, wanted NVIDIA's wheel of it")
    return Path(next(iter(spec.submodule_search_locations)))


def without_constants_of_headers(ptx: str) -> str:
    """Which nothing reads, and whose names depend on more than the kernel."""
    lines = ptx.splitlines(keepends=True)
    kept = [line for line in lines if not re.match(r"\.global .*_INTERNAL_\w*nv6target", line)]
    text = "".join(kept)
    if "_INTERNAL_" in text:
        raise SystemExit("error: found a name that NVRTC made, wanted PTX that stays the same")
    return text


class Compiler:
    """NVRTC."""

    def __init__(self) -> None:
        folder = package("cuda_nvrtc") / "lib"
        # The library looks for this one by name, where it would not be found.
        for pattern in ("libnvrtc-builtins.so*", "libnvrtc.so*"):
            (path,) = sorted(folder.glob(pattern))[:1]
            self._library = ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
        headers = package("cuda_runtime") / "include"
        options = (f"--gpu-architecture={BASELINE}", "--std=c++17", f"--include-path={headers}")
        self._options = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))

    def ptx(self, kernel: dict[str, Any]) -> str:
        """The PTX of a source."""
        program = ctypes.c_void_p()
        name, source = kernel["name"].encode(), kernel["code"].encode()
        self._call("CreateProgram", ctypes.byref(program), source, name, 0, None, None)
        try:
            try:
                self._call("CompileProgram", program, len(self._options), self._options)
            except RuntimeError as error:
                log = self._text("ProgramLog", program)
                raise SystemExit(f"error: {kernel['name']}: {error}\n{log}") from None
            return without_constants_of_headers(self._text("PTX", program))
        finally:
            self._call("DestroyProgram", ctypes.byref(program))

    def _text(self, what: str, program: ctypes.c_void_p) -> str:
        size = ctypes.c_size_t()
        self._call(f"Get{what}Size", program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        self._call(f"Get{what}", program, buffer)
        return buffer.value.decode()

    def _call(self, name: str, *arguments: Any) -> None:
        code = self._library[f"nvrtc{name}"](*arguments)
        if code != 0:
            raise RuntimeError(f"NVRTC's {name} answered {code}")


class Assembler:
    """ptxas."""

    def __init__(self) -> None:
        self._program = package("cuda_nvcc") / "bin" / "ptxas"

    def resources(
        self, folder: Path, name: str, ptx: str, device: str
    ) -> tuple[int, int, str | None]:
        """Registers, bytes spilled, and what went wrong."""
        source = folder / f"{device}-{name}"
        source.write_text(ptx)
        command = [self._program, "-v", f"--gpu-name={device}", "-o", "/dev/null", source]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return 0, 0, done.stderr.strip()
        registers = re.search(r"Used (\d+) registers", done.stderr)
        spilled = re.findall(r"(\d+) bytes spill", done.stderr)
        if registers is None or not spilled:
            return 0, 0, f"found no numbers in {done.stderr!r}"
        return int(registers[1]), sum(map(int, spilled)), None


if __name__ == "__main__":
    main()
