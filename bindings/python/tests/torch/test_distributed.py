"""Batches that lie in several processes, or come in several pieces."""

from __future__ import annotations

import pytest
import ranks
import torch
from batches import labels_of, logits_of, uniform
from dice_loss.torch import Accumulation, DiceCELoss, DiceLoss


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Of both ranks."""
    folder = tmp_path_factory.mktemp("ranks")
    torch.multiprocessing.spawn(ranks.run, (str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def agree(found, wanted, relative=1e-12):
    """Value and gradient."""
    torch.testing.assert_close(found[0], wanted[0], rtol=relative, atol=0.0)
    scale = wanted[1].abs().max().item()
    torch.testing.assert_close(found[1], wanted[1], rtol=0.0, atol=relative * scale)


@pytest.mark.parametrize("name", ranks.LOSSES)
@pytest.mark.parametrize("rank", [0, 1])
def test_ranks_agree_with_one_process(results, name, rank):
    loss = ranks.LOSSES[name]()
    agree(results[rank][name], ranks.whole(loss))
    agree(results[rank][name, "masks"], ranks.whole(loss, **ranks.MASKS))


@pytest.mark.parametrize("name", ranks.LOSSES)
def test_losses_that_ranks_weigh_differently(results, name):
    """DDP takes the mean of the gradients of all ranks' losses."""
    value, gradient = ranks.whole(ranks.LOSSES[name]())
    wanted = value, gradient * sum(ranks.FACTORS) / 2
    for rank in range(2):
        agree(results[rank][name, "weighted ranks"], wanted)


@pytest.mark.parametrize("name", ["dice", "dice by sample", "dice + ce"])
def test_a_rank_without_samples(results, name):
    for rank in range(2):
        agree(results[rank][name, "empty"], ranks.whole(ranks.LOSSES[name]()))


@pytest.mark.parametrize("name", ["dice", "dice by sample", "dice + ce"])
def test_partial_labels_of_ranks(results, name):
    wanted = ranks.whole(ranks.LOSSES[name](), class_valid=ranks.VALID)
    for rank in range(2):
        agree(results[rank][name, "partial"], wanted)


@pytest.mark.parametrize("how", ["sharded", "compiled"])
def test_other_ways_to_train(results, how):
    for rank in range(2):
        agree(results[rank][how], ranks.whole(ranks.LOSSES["dice + ce"]()))


def test_without_a_group_it_would_not_agree(results):
    """So that the tests above can fail."""
    value, gradient = ranks.whole(ranks.LOSSES["dice + ce"]())
    assert (results[0]["local"][0] - value).abs() > 1e-3
    assert (results[0]["local"][1] - gradient).abs().max() > 1e-3 * gradient.abs().max()


def test_details_are_those_of_the_whole_batch(results):
    image, labels = ranks.data()
    _, wanted = ranks.LOSSES["dice + ce"]()(ranks.model()(image), labels, details=True)
    for rank in range(2):
        for found, exact in zip(results[rank]["details"], wanted, strict=True):
            torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-15, equal_nan=True)


@pytest.mark.parametrize("name", ranks.LOSSES)
def test_accumulation_across_ranks(results, name):
    for rank in range(2):
        agree(results[rank][name, "accumulated"], ranks.whole(ranks.LOSSES[name]()))


def accumulate(loss, x, labels, sizes, **masks):
    """Value and gradient by micro-batches of these sizes."""
    leaf, step = x.clone().requires_grad_(), Accumulation(loss)
    parts = [
        (leaf[own], labels[own], {name: mask[own] for name, mask in masks.items()})
        for own in torch.arange(len(x)).split(sizes)
    ]
    with torch.no_grad():
        for logits, target, of_part in parts:
            step.measure(logits, target, **of_part)
    for logits, target, of_part in parts:
        value = step.loss(logits, target, **of_part)
        value.backward()
    return value.detach(), leaf.grad


@pytest.mark.parametrize("sizes", [[1, 3], [1, 1, 1, 1], [4]])
@pytest.mark.parametrize("name", ranks.LOSSES)
def test_accumulation_agrees_with_the_whole_batch(name, sizes):
    loss = ranks.LOSSES[name]()
    x, labels = logits_of("softmax", (4, 3, 4, 5)), labels_of((4, 3, 4, 5))
    masks = {"mask": uniform((4, 4, 5), 5) < 0.7, "class_valid": ranks.VALID}
    leaf = x.clone().requires_grad_()
    wanted = loss(leaf, labels, **masks)
    wanted.backward()
    found = accumulate(loss, x, labels, sizes, **masks)
    agree(found, (wanted.detach(), leaf.grad))


def test_accumulation_in_float32():
    x, labels = logits_of("softmax").float(), labels_of()
    value, gradient = accumulate(DiceCELoss(pool="batch"), x, labels, [1, 1])
    assert value.dtype is gradient.dtype is torch.float32


def test_accumulation_in_the_wrong_order():
    x, labels = logits_of("softmax"), labels_of()
    with pytest.raises(ValueError, match="found reduction 'none'"):
        Accumulation(DiceLoss(reduction="none"))
    step = Accumulation(DiceLoss())
    with pytest.raises(RuntimeError, match="found micro-batch 1, wanted the 0"):
        step.loss(x, labels)
    step.measure(x, labels)
    with pytest.raises(ValueError, match="found a micro-batch of 1 samples, wanted the 2"):
        step.loss(x[:1], labels[:1])
    step.loss(x, labels)
    with pytest.raises(RuntimeError, match="found micro-batch 2, wanted the 1"):
        step.loss(x, labels)
    with pytest.raises(RuntimeError, match="wanted reset in between"):
        step.measure(x, labels)
    step.reset()
    step.measure(x, labels)
    torch.testing.assert_close(step.loss(x, labels), DiceLoss()(x, labels))


def test_a_group_before_there_is_one():
    with pytest.raises(RuntimeError, match="init_process_group"):
        DiceLoss(process_group="world")(logits_of("softmax"), labels_of())


def test_moments_add_up():
    """What a loss is a function of can be stored, added and evaluated later."""
    loss = DiceCELoss(pool="batch")
    x, labels = logits_of("softmax"), labels_of()
    rows = [loss.moments(x[k : k + 1], labels[k : k + 1]) for k in range(2)]
    wanted = loss(x, labels)
    torch.testing.assert_close(loss.evaluate(torch.cat(rows)), wanted, rtol=1e-13, atol=0.0)
    torch.testing.assert_close(loss.evaluate(rows[0] + rows[1]), wanted, rtol=1e-13, atol=0.0)
