"""What PyTorch's modules and functions say of arguments of other libraries."""

from __future__ import annotations

import inspect
import pickle

import pytest
import torch
from dice_loss import torch as ours
from dice_loss.torch import functional

LOSSES = [
    name
    for name in ours.__all__
    if isinstance(getattr(ours, name), type) and name.endswith("Loss") and "Deep" not in name
]
LABELS = torch.zeros(1, 4, dtype=torch.long)


def told(call, *args, **options):
    with pytest.raises(TypeError) as raised:
        call(*args, **options)
    return str(raised.value)


@pytest.mark.parametrize("name", LOSSES)
def test_every_module_tells(name):
    loss = getattr(ours, name)
    options = {"terms": []} if name == "SegmentationLoss" else {}
    found = told(loss, include_background=False, ignore_label=3, **options)
    assert found == (
        f"{name}: found include_background=False, wanted background=False; "
        "found ignore_label=3, wanted ignore_index=3"
    )
    # And where it is called.
    made = loss(ours.losses.terms.Dice(), activation="softmax") if options else loss()
    found = told(made, torch.zeros(1, 2, 4), LABELS, loss_mask=None, background=False)
    assert found == (
        f"{name}.forward: found loss_mask=None, wanted mask=None; "
        "found 'background', wanted it where it is made"
    )


@pytest.mark.parametrize("name", functional.__all__)
def test_every_function_tells(name):
    found = told(getattr(functional, name), input=None, target=LABELS, do_bg=True)
    assert found == (
        f"{name}: found input=None, wanted logits=None; found do_bg=True, wanted background=True"
    )


def test_what_belongs_to_the_call():
    assert told(ours.DiceLoss, mask=LABELS) == (
        "DiceLoss: found 'mask', wanted it where the loss is called"
    )
    assert told(ours.BCELoss, weight=LABELS) == (
        "BCELoss: found 'weight', wanted class_weights=… (MONAI, nnU-Net RobustCrossEntropyLoss, "
        "torch CrossEntropyLoss, kornia) or voxel_weight=… where the loss is called "
        "(SMP SoftBCEWithLogitsLoss, torch BCEWithLogitsLoss)"
    )


def test_deep_supervision():
    found = told(ours.DeepSupervisionLoss, ours.DiceLoss(), weight_mode="two")
    assert found == "DeepSupervisionLoss: found weight_mode='two', wanted weights='two'"


def test_losses_derived_from_ours():
    class Mine(ours.DiceLoss):
        def __init__(self, colour, **options):
            super().__init__(**options)
            self.colour = colour

    assert Mine("red", background=False).background is False
    assert told(Mine, "red", batch=True) == "Mine: found batch=True, wanted pool='batch'"
    assert "missing 1 required positional argument: 'colour'" in told(Mine)


def test_nothing_else_changes():
    loss = ours.DiceLoss(smoothing=1.0)
    assert repr(pickle.loads(pickle.dumps(loss))) == repr(loss)
    assert pickle.loads(pickle.dumps(functional.dice_loss)) is functional.dice_loss
    assert "smoothing" in inspect.signature(ours.DiceLoss).parameters
    assert [*inspect.signature(loss.forward).parameters][:2] == ["logits", "target"]


def test_in_a_graph():
    x, module = torch.randn(1, 2, 4, requires_grad=True), ours.DiceLoss()

    def loss(x):
        return functional.dice_loss(x, LABELS, background=False) + module(x, LABELS)

    torch.testing.assert_close(torch.compile(loss, fullgraph=True, backend="eager")(x), loss(x))
