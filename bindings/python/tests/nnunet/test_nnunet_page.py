"""The example of docs/migrate/nnunet.md runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[4] / "docs" / "migrate" / "nnunet.md"


@pytest.mark.skipif(not PAGE.exists(), reason="needs the repository")
def test_the_example_runs():
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    scope = {}
    exec(compile(example, PAGE.name, "exec"), scope)
    gradient, ignored = scope["net_output"].grad, scope["target"] == 3
    assert gradient.isfinite().all() and gradient[ignored.expand_as(gradient)].eq(0).all()
