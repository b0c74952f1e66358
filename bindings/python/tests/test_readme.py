"""The examples of the README run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = {
    title: "\n".join(re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE))
    for title, section in re.findall(r"^## (\w+)\n(.*?)(?=^## )", README, re.DOTALL | re.MULTILINE)
}


def test_there_are_examples():
    assert list(EXAMPLES) == ["PyTorch", "NumPy"]
    assert all(EXAMPLES.values())


@pytest.mark.parametrize("title", EXAMPLES)
def test_examples_run(title, capsys):
    if title == "PyTorch":
        pytest.importorskip("torch.nn")
    exec(compile(EXAMPLES[title], f"README.md: {title}", "exec"), {})
    if title == "NumPy":
        assert "'dice'" in capsys.readouterr().out
