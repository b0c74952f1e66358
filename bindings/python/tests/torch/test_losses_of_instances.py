"""Losses of instances in torch, beside the engine's own and sums of terms."""

from __future__ import annotations

import copy

import pytest
import torch
from batches import labels_of, logits_of
from dice_loss import Objective
from dice_loss.terms import BinaryCrossEntropy, CrossEntropy, Dice, InstanceCrossEntropy
from dice_loss.torch import (
    BlobLoss,
    CCDiceCELoss,
    CCDiceLoss,
    DiceLoss,
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    SegmentationLoss,
)

SHAPE = (2, 3, 9, 11)
POOLS = pytest.mark.parametrize("pool", ["cell", "blob"])


def batch():
    labels = labels_of(SHAPE)
    labels[torch.rand(labels.shape, generator=torch.Generator().manual_seed(3)) < 0.6] = 0
    return logits_of("softmax", SHAPE).requires_grad_(), labels


def both(loss, x, *inputs, **counted):
    value = loss(x, *inputs, **counted)
    return value.detach(), torch.autograd.grad(value, x)[0]


def agree(found, wanted):
    torch.testing.assert_close(found[0], wanted[0], rtol=1e-12, atol=0.0)
    torch.testing.assert_close(found[1], wanted[1], rtol=0.0, atol=1e-13)


def engines(terms, x, labels, **settings):
    objective = Objective(terms, activation="softmax", background=False, **settings)
    value, gradient = objective.loss_and_gradient(x.detach().numpy(), labels.numpy())
    return torch.tensor(value, dtype=torch.float64), torch.tensor(gradient)


@POOLS
def test_values_and_gradients(pool):
    x, labels = batch()
    loss = DiceLoss(pool=pool, background=False)
    wanted = engines(Dice(), x, labels, pool=pool)
    agree(both(loss, x, labels), wanted)
    agree(both(torch.compile(loss, fullgraph=True, backend="aot_eager"), x, labels), wanted)
    # Handed in, and by plain torch, under a transform and for a second derivative.
    maps = loss.maps(x, labels)
    assert maps["instances"].max() > 1
    agree(both(loss, x, labels, maps=maps), wanted)
    slopes = torch.func.grad(lambda x: loss(x, labels))(x.detach())
    torch.testing.assert_close(slopes, wanted[1], rtol=0.0, atol=1e-13)
    value = loss(x, labels)
    (first,) = torch.autograd.grad(value, x, create_graph=True)
    torch.testing.assert_close(first.detach(), wanted[1], rtol=0.0, atol=1e-13)
    assert torch.autograd.gradcheck(lambda x: loss(x, labels, maps=maps), (x,))


@POOLS
def test_upstream_and_half_precision(pool):
    x, labels = batch()
    loss = DiceLoss(pool=pool, background=False)
    (three,) = torch.autograd.grad(3.0 * loss(x, labels), x)
    (one,) = torch.autograd.grad(loss(x, labels), x)
    torch.testing.assert_close(three, 3.0 * one, rtol=1e-13, atol=0.0)
    half = x.detach().to(torch.bfloat16).requires_grad_()
    (slopes,) = torch.autograd.grad(1024.0 * loss(half, labels), half)
    wide = half.detach().double().requires_grad_()
    (wanted,) = torch.autograd.grad(1024.0 * loss(wide, labels), wide)
    assert slopes.dtype is torch.bfloat16
    torch.testing.assert_close(slopes.double(), wanted, rtol=0.01, atol=1e-5)
    values = DiceLoss(pool=pool, background=False, reduction="none")(x, labels)
    assert values.shape == (2, 3)
    upstream = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)
    (slopes,) = torch.autograd.grad(values, x, upstream)
    of_each = [
        torch.autograd.grad(values_of(pool, x, labels)[i, j], x)[0]
        for i in range(2)
        for j in range(3)
    ]
    wanted = sum(u * slope for u, slope in zip(upstream.flatten(), of_each, strict=True))
    torch.testing.assert_close(slopes, wanted, rtol=0.0, atol=1e-13)


def values_of(pool, x, labels):
    return DiceLoss(pool=pool, background=False, reduction="none")(x, labels)


def test_the_named_losses_are_sums_of_terms():
    x, labels = batch()
    cells, blobs = InstanceCrossEntropy(), InstanceCrossEntropy(division="blobs")
    sums = [
        (CCDiceLoss(), [Dice(pool="cell")]),
        (CCDiceLoss(whole_weight=0.5), [Dice(pool="cell"), (0.5, Dice())]),
        (CCDiceCELoss(), [Dice(pool="cell"), cells]),
        (
            CCDiceCELoss(cross_entropy_weight=0.3, whole_weight=2.0),
            [Dice(pool="cell"), (0.3, cells), (2.0, Dice()), (0.6, CrossEntropy())],
        ),
        (BlobLoss(), [Dice(pool="blob"), blobs, (2.0, Dice()), (2.0, CrossEntropy())]),
        (BlobLoss(whole_weight=0.0, squared=True), [Dice(pool="blob", squared=True), blobs]),
    ]
    for loss, terms_of_it in sums:
        agree(both(loss, x, labels), engines(terms_of_it, x, labels))
    one = x[:, :1]
    binary = BlobLoss(activation="sigmoid")
    wanted = SegmentationLoss(
        [Dice(pool="blob"), blobs, (2.0, Dice()), (2.0, BinaryCrossEntropy())],
        activation="sigmoid",
    )
    assert binary(one, (labels > 0).long()) == wanted(one, (labels > 0).long())


def test_a_perfect_match_costs_nothing():
    _, labels = batch()
    sure = 60.0 * torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()
    for loss in (CCDiceLoss(), CCDiceCELoss(), BlobLoss()):
        assert loss(sure, labels) == pytest.approx(0.0, abs=1e-6)


@POOLS
def test_details(pool):
    x, labels = batch()
    loss = SegmentationLoss([Dice(pool=pool), CrossEntropy()], activation="softmax")
    value, details = loss(x, labels, details=True)
    assert value == loss(x, labels)
    assert details.terms[0] == pytest.approx(DiceLoss(pool=pool)(x, labels).item(), rel=1e-12)
    plain = DiceLoss()(x, labels, details=True)[1]
    torch.testing.assert_close(details.hard_dice, plain.hard_dice)
    torch.testing.assert_close(details.counts, plain.counts)


@POOLS
def test_details_of_each_instance(pool):
    x, labels = batch()
    loss = DiceLoss(pool=pool, background=False)
    numbers = loss.maps(x, labels)["instances"].long()
    ignored = torch.rand(labels.shape, generator=torch.Generator().manual_seed(4)) < 0.1
    wanted, hard, p = [], x.argmax(1), x.detach().softmax(1)
    for sample, label in [(sample, label) for sample in range(2) for label in (1, 2)]:
        of_class = numbers[sample, label]
        for number in range(1, max(int(of_class.max()), 1) + 1):
            cell = (
                of_class == number if of_class.max() > 1 else torch.ones_like(of_class, dtype=bool)
            )
            if pool == "blob" and of_class.max() > 1:
                cell = cell | (of_class == 0)
            cell = cell & ~ignored[sample]
            inside, said = cell & (labels[sample] == label), cell & (hard[sample] == label)
            if pool == "blob" and of_class.max() > 1:
                inside = inside & (of_class == number)
            q = p[sample, label]
            soft = 2 * q[inside].sum() / (q[cell].sum() + inside.sum())
            counts = [(inside & said).sum(), (said & ~inside).sum(), (inside & ~said).sum()]
            if inside.any():
                wanted.append(([sample, label, number], soft, torch.stack(counts)))
    target = torch.where(ignored, 255, labels)
    loss.ignore_index = 255
    maps = {"instances": numbers}
    for inputs in [x, x.detach()]:
        _, details = loss(inputs, target, maps=maps, details=True)
        found = details.instances
        places = torch.stack(found[:3], 1)
        assert places.tolist() == [place for place, _, _ in wanted]
        torch.testing.assert_close(found.soft_dice, torch.stack([soft for _, soft, _ in wanted]))
        counts = torch.stack([counts for _, _, counts in wanted]).double()
        torch.testing.assert_close(found.counts, counts)
        assert found.missed.tolist() == (counts[:, 0] == 0).tolist()
        assert 0 < found.missed.sum() < len(wanted)
        assert found.recall == (counts[:, 0] > 0).double().mean()
        dice = 2 * counts[:, 0] / (2 * counts[:, 0] + counts[:, 1] + counts[:, 2])
        torch.testing.assert_close(found.hard_dice, dice)
    assert DiceLoss()(x, labels, details=True)[1].instances is None


def test_numbers_below_zero_are_refused():
    x, labels = batch()
    with pytest.raises(ValueError, match=r"voxel \[0, 0\]: found -1, wanted 0 for"):
        CCDiceLoss()(x, labels, maps={"instances": torch.full(SHAPE, -1)})


@POOLS
def test_plain_torch_looks_at_the_numbers_that_are_there(pool):
    loss = DiceLoss(activation="sigmoid", pool=pool)
    x, labels = torch.zeros(1, 1, 4, dtype=torch.float64), torch.tensor([[1, 0, 1, 0]])

    def gradient(numbers):
        maps = {"instances": torch.tensor([[numbers]])}
        return torch.func.grad(lambda x: loss(x, labels, maps=maps))(x)

    torch.testing.assert_close(gradient([1, 0, 1 << 40, 0]), gradient([1, 0, 2, 0]))
    for wrong in (-3.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match=r"instances|map 'instances'"):
            gradient([1.0, 0.0, wrong, 0.0])
    numbers = torch.tensor([[[[1, 0, 2, 0]]]])
    with pytest.raises(ValueError, match="found numbers that vmap maps over, wanted the same for"):
        torch.func.vmap(lambda m: loss(x, labels, maps={"instances": m}))(numbers)


def test_options_of_the_formula_stay():
    for loss in (CCDiceLoss(), CCDiceCELoss(), BlobLoss()):
        for name in ("activation", "whole_weight", "squared", "pool"):
            with pytest.raises(AttributeError, match=f"{name}: found a change to 3, wanted"):
                setattr(loss, name, 3)
    assert BlobLoss().whole_weight == 2.0
    with pytest.raises(TypeError, match="CCDiceLoss: pool: found one, wanted none"):
        CCDiceLoss(pool="batch")
    with pytest.raises(TypeError, match="whole_weight: found '2', wanted a number"):
        BlobLoss(whole_weight="2")
    copied = copy.deepcopy(CCDiceCELoss())
    x, labels = batch()
    assert copied(x, labels) == CCDiceCELoss()(x, labels)
    for loss in (LovaszSoftmaxLoss(), LovaszHingeLoss()):
        with pytest.raises(AttributeError, match="reduction: found a change to 'sum', wanted"):
            loss.reduction = "sum"
