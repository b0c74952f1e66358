"""The example of docs/migrate/smp.md runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from beside_smp import near, theirs

PAGE = Path(__file__).parents[4] / "docs" / "migrate" / "smp.md"


@pytest.mark.skipif(not PAGE.exists(), reason="needs the repository")
def test_the_example_runs():
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    scope = {}
    exec(compile(example, PAGE.name, "exec"), scope)
    x, labels = scope["logits"], scope["labels"]
    assert x.grad[:, :, :8].eq(0).all()
    # The same call of SMP's.
    weights = [0.5, 1.0, 1.0, 2.0]
    dice = theirs.DiceLoss("multiclass", ignore_index=255, class_weights=weights)
    focal = theirs.FocalLoss("multiclass", ignore_index=255)
    other = x.detach().requires_grad_()
    (dice(other, labels) + focal(other, labels)).backward()
    near(x.grad, other.grad, "gradient")
