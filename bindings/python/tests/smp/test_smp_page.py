"""The example of docs/migrate/smp.md runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[4] / "docs" / "migrate" / "smp.md"


@pytest.mark.skipif(not PAGE.exists(), reason="needs the repository")
def test_the_example_runs():
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    scope = {}
    exec(compile(example, PAGE.name, "exec"), scope)
    assert scope["logits"].grad.isfinite().all() and scope["logits"].grad[:, :, :8].eq(0).all()
