"""What the drop-ins share: losses that the engine has whole, and errors in a library's words."""

import pytest
import torch
from dice_loss import monai, nnunet, smp, terms
from dice_loss.monai._voxels import Voxels
from dice_loss.torch import _peers
from dice_loss.torch import losses as native

DICE = {"smooth": 1e-5, "batch_dice": False, "do_bg": True, "ddp": False}


def batch(dtype=torch.float32):
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 3, 9, 7, generator=generator, dtype=torch.float64).to(dtype)
    return logits.requires_grad_(), torch.randint(3, (2, 9, 7), generator=generator)


def value_and_gradient(loss, logits, target):
    value = loss(logits, target)
    (gradient,) = torch.autograd.grad(value, logits)
    return value.detach(), gradient


def from_sums(monkeypatch):
    """Has every drop-in evaluate the library's formula of sums."""
    monkeypatch.setattr(Voxels, "is_plain", property(lambda voxels: False))
    monkeypatch.setattr(smp.DiceLoss, "_is_usual", lambda *_: False)
    monkeypatch.setattr(nnunet.DC_and_CE_loss, "_terms", lambda *_: None)


MONAI = {"softmax": True, "to_onehot_y": True}
#: Drop-ins that are the engine's own losses, whether their labels have a channel.
USUAL = {
    "monai.DiceLoss": (lambda: monai.DiceLoss(**MONAI), True),
    "monai.DiceLoss, batch, no background": (
        lambda: monai.DiceLoss(**MONAI, batch=True, include_background=False),
        True,
    ),
    "monai.DiceLoss, ignored": (lambda: monai.DiceLoss(**MONAI, ignore_index=2), True),
    "monai.DiceCELoss": (
        lambda: monai.DiceCELoss(**MONAI, lambda_dice=0.5, label_smoothing=0.1),
        True,
    ),
    "smp.DiceLoss": (lambda: smp.DiceLoss("multiclass", smooth=1.0), False),
    "smp.DiceLoss, ignored": (lambda: smp.DiceLoss("multiclass", ignore_index=1), False),
    "nnunet.DC_and_CE_loss": (lambda: nnunet.DC_and_CE_loss(DICE, {}), True),
    "nnunet.DC_and_CE_loss, batch, no background": (
        lambda: nnunet.DC_and_CE_loss(
            {**DICE, "batch_dice": True, "do_bg": False},
            {"label_smoothing": 0.1},
            weight_ce=0.5,
            weight_dice=2.0,
            dice_class=nnunet.MemoryEfficientSoftDiceLoss,
        ),
        True,
    ),
    "nnunet.DC_and_CE_loss, ignored": (
        lambda: nnunet.DC_and_CE_loss(DICE, {}, ignore_label=2),
        True,
    ),
}


@pytest.mark.parametrize("name", USUAL)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_engines_own_losses_are_the_formulas_of_the_library(name, dtype, monkeypatch):
    make, with_channel = USUAL[name]
    logits, labels = batch(dtype)
    target = labels.unsqueeze(1) if with_channel else labels
    asked = []
    real = _peers._plan.loss
    monkeypatch.setattr(_peers._plan, "loss", lambda *a, **k: asked.append(1) or real(*a, **k))
    found = value_and_gradient(make(), logits, target)
    assert asked == [1]
    from_sums(monkeypatch)
    wanted = value_and_gradient(make(), logits, target)
    assert asked == [1]
    # Sums are the same; the loss of them is rounded to the type of the logits, and nnU-Net's is
    # what is left of one that is larger by w_dice.
    rounding = torch.finfo(dtype).eps
    larger = 2.0 if name.startswith("nnunet") else 0.0
    torch.testing.assert_close(found[0], wanted[0], rtol=8 * rounding, atol=4 * rounding * larger)
    largest = wanted[1].abs().max().item()
    torch.testing.assert_close(found[1], wanted[1], rtol=0, atol=16 * rounding * largest)


def test_at_once_is_the_mean_of_terms_with_a_librarys_exceptions():
    logits, labels = batch(torch.float64)
    weighted = ((2.0, terms.Dice(absent="formula")), (0.5, terms.CrossEntropy()))
    options = {"activation": "softmax", "target_kind": "labels", "ignore_index": None}
    value = _peers.at_once(logits, labels, weighted, wrong=IndexError, **options)
    wanted = 2.0 * native.DiceLoss(absent="formula")(logits, labels)
    wanted = wanted + 0.5 * native.CrossEntropyLoss()(logits, labels)
    assert value.item() == pytest.approx(wanted.item(), rel=1e-14)
    mask = torch.ones(2, 9, 7, dtype=torch.bool)
    mask[:, 4:] = False
    value = _peers.at_once(logits, labels, weighted, wrong=IndexError, mask=mask, **options)
    wanted = 2.0 * native.DiceLoss(absent="formula")(logits, labels, mask=mask)
    wanted = wanted + 0.5 * native.CrossEntropyLoss()(logits, labels, mask=mask)
    assert value.item() == pytest.approx(wanted.item(), rel=1e-14)
    with pytest.raises(IndexError, match="found label 3, wanted 0 to 2"):
        _peers.at_once(logits, labels + 1, weighted, wrong=IndexError, **options)


#: Each with what it calls the label to ignore, or None.
TOLD = {
    "monai.DiceLoss": (lambda: monai.DiceLoss(**MONAI), True, "ignore_index"),
    "monai.TverskyLoss": (lambda: monai.TverskyLoss(**MONAI), True, "ignore_index"),
    "monai.FocalLoss": (
        lambda: monai.FocalLoss(use_softmax=True, to_onehot_y=True),
        True,
        "ignore_index",
    ),
    "monai.DiceCELoss": (lambda: monai.DiceCELoss(**MONAI), True, None),
    "monai.DiceFocalLoss": (lambda: monai.DiceFocalLoss(**MONAI), True, None),
    "monai.GeneralizedDiceLoss": (lambda: monai.GeneralizedDiceLoss(**MONAI), True, None),
    "smp.DiceLoss": (lambda: smp.DiceLoss("multiclass"), False, "ignore_index"),
    "smp.DiceLoss, ε": (lambda: smp.DiceLoss("multiclass", log_loss=True), False, "ignore_index"),
    "smp.SoftCrossEntropyLoss": (
        lambda: smp.SoftCrossEntropyLoss(ignore_index=None, smooth_factor=0.0),
        False,
        "ignore_index",
    ),
    "nnunet.DC_and_CE_loss": (lambda: nnunet.DC_and_CE_loss(DICE, {}), True, "ignore_label"),
    "nnunet.DC_and_CE_loss, sums": (
        lambda: nnunet.DC_and_CE_loss(DICE, {"weight": torch.ones(3)}),
        True,
        "ignore_label",
    ),
    "nnunet.SoftDiceLoss": (
        lambda: nnunet.SoftDiceLoss(apply_nonlin=nnunet.softmax_helper_dim1, ddp=False),
        True,
        None,
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_errors_name_the_option_of_the_library(name):
    make, with_channel, option = TOLD[name]
    logits, labels = batch()
    labels[1, 2, 3] = 255
    with pytest.raises((RuntimeError, IndexError, ValueError)) as failed:
        make()(logits, labels.unsqueeze(1) if with_channel else labels)
    hint = "" if option is None else f", or {option}=255 if it means unknown"
    text = str(failed.value)
    assert text.endswith(f"found label 255, wanted 0 to 2{hint}")


def test_of_a_mask_the_object_is_told_but_no_option_that_is_not_there():
    logits = torch.zeros(1, 1, 4, 4)
    target = torch.zeros(1, 1, 4, 4)
    target[0, 0, 1, 2] = 255.0
    with pytest.raises(ValueError, match="255") as failed:
        monai.DiceCELoss(sigmoid=True)(logits, target)
    text = str(failed.value)
    assert "1 in place of 255 where that marks the object" in text
    assert "ignore" not in text and "unknown" not in text
    with pytest.raises(ValueError, match="ignore_index=255 where it means unknown"):
        monai.DiceLoss(sigmoid=True)(logits, target)
