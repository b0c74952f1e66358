"""The example of docs/migrate/nnunet.md runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from beside_nnunet import near, theirs, value_and_gradient

PAGE = Path(__file__).parents[4] / "docs" / "migrate" / "nnunet.md"


@pytest.mark.skipif(not PAGE.exists(), reason="needs the repository")
def test_the_example_runs():
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    scope = {}
    exec(compile(example, PAGE.name, "exec"), scope)
    x, target = scope["net_output"], scope["target"]
    assert x.grad[(target == 3).expand_as(x)].eq(0).all()
    # The same call of nnU-Net's.
    dice = {"batch_dice": True, "smooth": 1e-5, "do_bg": False, "ddp": False}
    other = theirs.DC_and_CE_loss(
        dice, {}, ignore_label=3, dice_class=theirs.MemoryEfficientSoftDiceLoss
    )
    _, wanted = value_and_gradient(other, x.detach(), target)
    near(x.grad, wanted)
