"""What a loss tells for logging."""

from __future__ import annotations

import pytest
import torch
from batches import BATCHES, LOSSES, built, labels_of, logits_of
from dice_loss.torch import DiceCELoss, DiceLoss, FocalLoss, LossDetails, _route, functional


@pytest.mark.parametrize("kind", ["labels", "counted", "partial"])
@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name][2][0] == "softmax"])
def test_the_loss_stays_the_same(name, kind, monkeypatch):
    batch = BATCHES[kind]("softmax")
    loss = built(name, "softmax", batch)
    x = batch.logits.clone().requires_grad_()
    value, details = loss(x, batch.target, details=True, **batch.masks)
    plain = loss(x, batch.target, **batch.masks)
    torch.testing.assert_close(value, plain, rtol=1e-14, atol=0.0)
    found = torch.autograd.grad(value, x)
    torch.testing.assert_close(found, torch.autograd.grad(plain, x), rtol=1e-12, atol=1e-16)
    monkeypatch.setattr(_route, "chosen", _route.Plain)
    _, wanted = loss(batch.logits, batch.target, details=True, **batch.masks)
    assert details.instances is wanted.instances is None
    for one, other in zip(details[:-1], wanted[:-1], strict=True):
        assert not one.requires_grad
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14, equal_nan=True)


def test_terms_add_up():
    x, labels = logits_of("softmax"), labels_of()
    value, details = DiceCELoss(dice_weight=0.3, cross_entropy_weight=0.7)(x, labels, details=True)
    dice, cross_entropy = DiceLoss()(x, labels), torch.nn.functional.cross_entropy(x, labels)
    torch.testing.assert_close(details.terms, torch.stack([dice, cross_entropy]))
    torch.testing.assert_close(value, 0.3 * dice + 0.7 * cross_entropy)
    by_class = [torch.nn.functional.cross_entropy(x, labels, ignore_index=-1)]
    for k in range(3):
        chosen = labels == k
        by_class.append(torch.nn.functional.cross_entropy(x.movedim(1, -1)[chosen], labels[chosen]))
    torch.testing.assert_close(details.per_class[1], torch.stack(by_class[1:]))


def test_hard_counts_of_a_softmax():
    x, labels = logits_of("softmax"), labels_of()
    _, details = DiceLoss()(x, labels, details=True)
    predicted = x.argmax(1)
    for k in range(3):
        there, said = labels == k, predicted == k
        counts = [(there & said).sum(), (~there & said).sum(), (there & ~said).sum()]
        assert details.counts[k].tolist() == [float(count) for count in counts]
        hard = 2 * counts[0] / (2 * counts[0] + counts[1] + counts[2])
        torch.testing.assert_close(details.hard_dice[k].item(), hard.item())
        true, false_positive, false_negative = counts
        iou = true / (true + false_positive + false_negative)
        torch.testing.assert_close(details.hard_iou[k].item(), iou.item())
        precision, recall = true / (true + false_positive), true / (true + false_negative)
        torch.testing.assert_close(details.precision[k].item(), precision.item())
        torch.testing.assert_close(details.recall[k].item(), recall.item())


def test_hard_counts_of_a_sigmoid():
    batch = BATCHES["multilabel"]("sigmoid")
    _, details = DiceLoss(activation="sigmoid")(batch.logits, batch.target, details=True)
    said = batch.logits >= 0
    wanted = (said & batch.target).sum((0, 2, 3)).double()
    torch.testing.assert_close(details.counts[:, 0], wanted)


def test_soft_dice_is_a_mean_over_the_samples_that_have_the_class():
    x, labels = logits_of("softmax"), labels_of()
    _, details = DiceLoss(smoothing=0.0)(x, labels, details=True)
    per_sample = 1 - DiceLoss(smoothing=0.0, reduction="none")(x, labels)
    assert not (labels[0] == 2).any()
    wanted = torch.stack([per_sample[:, 0].mean(), per_sample[:, 1].mean(), per_sample[1, 2]])
    torch.testing.assert_close(details.soft_dice, wanted)


@pytest.mark.parametrize("loss", [DiceLoss(reduction="none"), FocalLoss(reduction="none")])
def test_without_reduction(loss):
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    value, details = loss(x, labels, details=True)
    torch.testing.assert_close(value, loss(x, labels))
    _, wanted = DiceLoss()(x, labels, details=True)
    torch.testing.assert_close(details.counts, wanted.counts)
    torch.testing.assert_close(details.soft_dice, wanted.soft_dice)
    value.sum().backward()


def test_functions_have_details_too():
    x, labels = logits_of("softmax"), labels_of()
    value, details = functional.dice_loss(x, labels, details=True)
    assert isinstance(details, LossDetails)
    torch.testing.assert_close(value, DiceLoss()(x, labels))
