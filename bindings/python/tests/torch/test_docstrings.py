"""The examples in the docstrings run."""

from __future__ import annotations

import textwrap

import dice_loss.torch as package
import pytest
import torch
from batches import labels_of, logits_of
from dice_loss.terms import CrossEntropy, Dice
from dice_loss.torch import losses

DOCUMENTED = [
    package,
    package.SegmentationLoss,
    *(getattr(package, name) for name in losses.__all__),
    package.DeepSupervisionLoss,
    package.Accumulation,
    package.distributed,
    package.measure,
]


def examples(text):
    """The blocks after a double colon."""
    lines, blocks = text.splitlines(), []
    for start, line in enumerate(lines):
        if line.rstrip().endswith("::"):
            indent = len(line) - len(line.lstrip())
            block = []
            for follower in lines[start + 1 :]:
                if follower.strip() and len(follower) - len(follower.lstrip()) <= indent:
                    break
                block.append(follower)
            blocks.append(textwrap.dedent("\n".join(block)))
    return blocks


@pytest.mark.parametrize("documented", DOCUMENTED, ids=lambda item: item.__name__)
def test_examples_run(documented):
    blocks = examples(documented.__doc__)
    assert blocks
    model = torch.nn.Conv2d(3, 3, 1).double()
    image, labels = logits_of("softmax", seed=9), labels_of()
    names = {name: getattr(package, name) for name in package.__all__} | {
        "CrossEntropy": CrossEntropy,
        "Dice": Dice,
        # One process is enough to see that the lines are right.
        "DiceCELoss": lambda process_group=None, **options: package.DiceCELoss(**options),
        "DistributedDataParallel": lambda module: module,
        "torch": torch,
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "image": image,
        "labels": labels,
        "label": labels,
        "logits": model(image),
        "target": labels,
        "outputs": [model(image), model(image)[..., ::2, ::2]],
        "micro_batches": [(image[:1], labels[:1]), (image[1:], labels[1:])],
    }
    for block in blocks:
        exec(block, names)
    if "loss" in names:
        names["loss"].backward()
    assert model.weight.grad.any()
