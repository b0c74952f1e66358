"""The Python examples of the documents run, each by itself."""

from __future__ import annotations

import ast
import re
import runpy
from importlib.util import find_spec
from pathlib import Path

import keras_backend
import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: What an example may need beside the package and NumPy.
PEERS = (
    "jax",
    "monai",
    "nibabel",
    "nnunetv2",
    "optax",
    "segmentation_models_pytorch",
    "torch",
)
NEED_TORCH = ("dice_loss.monai", "dice_loss.nnunet", "dice_loss.smp", "dice_loss.torch")


def examples():
    """Where each is, and the lines before it left empty, so that an error names the right one."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for block in re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            line = text.count("\n", 0, block.start(1))
            name = f"{document.relative_to(ROOT).as_posix()}:{line + 1}"
            yield pytest.param(line * "\n" + block[1], id=name)


def imported(source):
    """Names of all modules."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def lacking(source):
    """Peers that are imported and not installed."""
    modules = [*imported(source)]
    if any(module.startswith(NEED_TORCH) for module in modules):
        modules.append("torch")
    if any(module.startswith(("keras", "dice_loss.keras")) for module in modules) and (
        reason := keras_backend.lacking()
    ):
        return [f"Keras: {reason}"]
    needed = {module.split(".")[0] for module in modules} & {*PEERS}
    # A folder of tests with a peer's name is a package too, but without an origin.
    return sorted(peer for peer in needed if not (spec := find_spec(peer)) or not spec.origin)


def test_documents_have_examples():
    found = {parameter.id.rsplit(":", 1)[0] for parameter in examples()}
    assert found >= {"README.md", "docs/choosing-a-loss.md", "docs/distributed.md"}


# What Keras itself is warned of is not tested here.
@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("source", [*examples()])
def test_example_runs(source, tmp_path):
    if missing := lacking(source):
        pytest.skip(f"needs {', '.join(missing)}")
    # A file, which processes that the example starts can import.
    script = tmp_path / "example.py"
    script.write_text(source, encoding="utf-8")
    runpy.run_path(str(script), run_name="__main__")
