"""The hardest voxels in torch: compiled, derived twice, in half precision, and on other devices."""

from __future__ import annotations

import dice_loss.torch as losses
import pytest
import torch
from batches import labels_of, logits_of
from dice_loss.torch import _plan
from dice_loss.torch._hardest import hardest

SHAPE = (2, 3, 7, 9)
LOSSES = {
    "top-k": lambda **options: losses.CrossEntropyLoss(top_k=0.2, **options),
    "top-k with smoothing": lambda **options: losses.CrossEntropyLoss(
        top_k=0.2, label_smoothing=0.1, class_weights=[0.5, 2.0, 1.0], **options
    ),
    "a threshold": lambda **options: losses.CrossEntropyLoss(threshold=0.3, **options),
    "a threshold and a minimum": lambda **options: losses.FocalLoss(
        threshold=0.01, min_kept=5, class_weights=[0.0, 2.0, 1.0], **options
    ),
    "a minimum alone": lambda **options: losses.CrossEntropyLoss(
        threshold=0.0, min_kept=5, **options
    ),
    "each class": lambda **options: losses.BCELoss(top_k=0.2, pos_weight=2.0, **options),
    "each class below a threshold": lambda **options: losses.FocalLoss(
        activation="sigmoid", threshold=0.4, background=False, **options
    ),
}
EVERY = pytest.mark.parametrize("name", LOSSES)


def batch(kind="float64"):
    x = logits_of("softmax", SHAPE).to(getattr(torch, kind)).requires_grad_()
    return x, labels_of(SHAPE)


COUNTED = {
    "all": {},
    "some": {"mask": torch.rand(2, 7, 9, generator=torch.Generator().manual_seed(1)) < 0.7},
    "weights": {"voxel_weight": torch.arange(2 * 7 * 9).reshape(2, 7, 9) % 5 / 2.0},
    "partial labels": {"class_valid": torch.tensor([[True, True, False], [True, False, True]])},
}


@EVERY
@pytest.mark.parametrize("counted", COUNTED)
def test_torch_alone_takes_the_same(name, counted):
    """What other devices do is what the engine does."""
    loss, (x, labels) = LOSSES[name](), batch()
    made = loss.maps(x, labels, **COUNTED[counted])["hardest"]
    logits, target = _plan.read(loss.plan, x.detach(), labels, **COUNTED[counted])
    found = hardest(loss.plan.spec, "hardest", logits, target._replace(maps={}))
    assert found.sum() > 0 and torch.equal(found, made) and found.dtype is torch.float32


@EVERY
def test_second_derivatives(name):
    """Of the voxels that are taken, which a small step does not change."""
    loss, x = LOSSES[name](), logits_of("softmax", (1, 3, 3, 5)).double().requires_grad_()
    labels = labels_of((1, 3, 3, 5))
    assert torch.autograd.gradcheck(lambda x: loss(x, labels), x, eps=1e-7, atol=1e-6)
    assert torch.autograd.gradgradcheck(lambda x: loss(x, labels), x, eps=1e-6, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_half_precision(dtype):
    x, labels = batch(dtype)
    for name, make in LOSSES.items():
        loss = make()
        found, wanted = loss(x, labels), loss(x.detach().double(), labels)
        torch.testing.assert_close(found.double(), wanted, rtol=3e-6, atol=0.0, msg=name)


@pytest.mark.parametrize("name", ["top-k", "top-k with smoothing", "each class"])
def test_compiled_whole(name):
    """Weights of the classes are an operand there, and rank as they do elsewhere."""
    loss, (x, labels) = LOSSES[name](), batch("float32")
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    found, wanted = compiled(x, labels), loss(x, labels)
    torch.testing.assert_close(found, wanted)
    (slopes,), (gradient,) = (torch.autograd.grad(value, x) for value in (found, wanted))
    torch.testing.assert_close(slopes, gradient)


def test_what_is_kept_is_a_number_a_voxel():
    """Of the tensors that autograd holds on to, all but the map and the sums are the caller's."""
    x, labels = batch("float32")
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        losses.DiceCELoss(top_k=0.2)(x, labels)
    own = {x.data_ptr(), labels.data_ptr()}
    sizes = sorted(t.nbytes for t in kept if t.data_ptr() not in own)
    assert sizes[-1] == 4 * labels.numel() and sum(sizes[:-1]) < 4096
