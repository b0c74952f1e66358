"""Layouts, precision and what is copied."""

from __future__ import annotations

import pytest
import torch
from batches import BATCHES, built, labels_of, logits_of
from dice_loss.torch import BCELoss, DiceCELoss, DiceLoss, FocalLoss, _native, _route
from torch.utils._python_dispatch import TorchDispatchMode

BIG = (1, 4, 64, 64)


class Allocations(TorchDispatchMode):
    """The largest output of any operator."""

    def __init__(self):
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        output = function(*arguments, **(options or {}))
        for tensor in output if isinstance(output, tuple | list) else (output,):
            if isinstance(tensor, torch.Tensor):
                self.largest = max(self.largest, tensor.nbytes)
        return output


def strided(layout, x):
    if layout == "channels last":
        return x.contiguous(memory_format=torch.channels_last)
    if layout == "a slice of channels":
        return torch.cat([x, x], 1)[:, x.shape[1] :]
    if layout == "a slice of samples":
        return torch.cat([x, x])[:: 2 if x.shape[0] == 1 else 1][: x.shape[0]]
    return x


@pytest.mark.parametrize(
    "layout", ["contiguous", "channels last", "a slice of channels", "a slice of samples"]
)
def test_logits_are_lent(layout):
    x = strided(layout, logits_of("softmax", BIG).float()).detach().requires_grad_()
    labels = labels_of(BIG)
    with Allocations() as allocations:
        loss = DiceCELoss()(x, labels)
    assert allocations.largest < 4096, "sums and a loss only"
    lent = _native.Lent(x, labels, None, None, None, [], "labels", "[null, null, []]")
    assert lent.views[0][0] == x.data_ptr() and lent.views[1][0] == labels.data_ptr()
    loss.backward()
    wanted = x.detach().contiguous().requires_grad_()
    DiceCELoss()(wanted, labels).backward()
    torch.testing.assert_close(x.grad, wanted.grad, rtol=1e-6, atol=1e-12)


def test_the_graph_keeps_sums_only():
    """Of the tensors that autograd holds on to, all but the sums are the caller's own."""
    x, labels = logits_of("softmax", BIG).float().requires_grad_(), labels_of(BIG)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        DiceCELoss()(x, labels)
    own = {x.data_ptr(), labels.data_ptr()}
    assert sum(t.nbytes for t in kept if t.data_ptr() not in own) < 4096


@pytest.mark.parametrize(
    ("shape", "memory_format"),
    [((2, 3, 4, 5), torch.channels_last), ((2, 3, 2, 4, 5), torch.channels_last_3d)],
)
def test_the_gradient_has_the_format_of_the_logits(shape, memory_format):
    x = logits_of("softmax", shape).contiguous(memory_format=memory_format).requires_grad_()
    loss = DiceLoss()(x, labels_of(shape))
    (gradient,) = torch.autograd.grad(loss, x)
    assert gradient.is_contiguous(memory_format=memory_format)


def test_strides_that_cannot_be_followed():
    x = logits_of("softmax").transpose(2, 3)[:, :, ::2].detach().requires_grad_()
    labels = labels_of().transpose(1, 2)[:, ::2]
    loss = DiceCELoss()(x, labels)
    loss.backward()
    plain = x.detach().contiguous().requires_grad_()
    wanted = DiceCELoss()(plain, labels.contiguous())
    wanted.backward()
    torch.testing.assert_close(loss, wanted, rtol=0.0, atol=0.0)
    torch.testing.assert_close(x.grad, plain.grad, rtol=0.0, atol=0.0)
    expanded = torch.zeros((1, 3, 1, 1)).expand(2, 3, 4, 5).requires_grad_()
    DiceLoss()(expanded, labels_of()).backward()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("loss", [DiceCELoss(), FocalLoss(), BCELoss()])
def test_autocast(loss, dtype):
    """Logits of the network's type, a loss of float32, a gradient of the network's type."""
    network = torch.nn.Conv2d(3, 3, 1)
    image, target = torch.randn((2, 3, 4, 5)), labels_of()
    if isinstance(loss, BCELoss):
        target = torch.nn.functional.one_hot(target, 3).movedim(-1, 1)
    seen = {}
    with torch.autocast("cpu", dtype=dtype):
        logits = network(image)
        logits.register_hook(lambda gradient: seen.update(gradient=gradient))
        value = loss(logits, target)
    assert logits.dtype is dtype and value.dtype is torch.float32
    value.backward()
    assert seen["gradient"].dtype is dtype
    leaf = logits.detach().requires_grad_()
    outside = loss(leaf, target)
    outside.backward()
    torch.testing.assert_close(value, outside, rtol=0.0, atol=0.0)
    torch.testing.assert_close(seen["gradient"], leaf.grad, rtol=0.0, atol=0.0)
    # The weight's gradient is Σ slope · pixel, of numbers of this type and rounded to it.
    pairs = leaf.grad.double(), image.to(dtype).double()
    wanted = torch.einsum("nohw,nihw->oi", *pairs)
    magnitude = torch.einsum("nohw,nihw->oi", *(numbers.abs() for numbers in pairs)).max().item()
    found = network.weight.grad[:, :, 0, 0].double()
    torch.testing.assert_close(found, wanted, rtol=0.0, atol=torch.finfo(dtype).eps * magnitude)


def test_the_reference_under_autocast(monkeypatch):
    monkeypatch.setattr(_route, "chosen", _route.Plain)
    for name in (
        "dice + ce",
        "generalized_wasserstein_dice, told all",
        "generalized dice",
        "focal",
    ):
        batch = BATCHES["labels"]("softmax").to(torch.float32)
        loss = built(name, "softmax", batch)
        wanted = loss(batch.logits, batch.target)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = loss(batch.logits, batch.target)
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=0.0)


def test_sums_of_halves_do_not_overflow():
    """512² is beyond the largest float16."""
    x = torch.full((1, 2, 512, 512), 1.0, dtype=torch.float16)
    x[:, 0] = -1.0
    labels = torch.ones((1, 512, 512), dtype=torch.uint8)
    wanted = DiceLoss()(x.double(), labels)
    torch.testing.assert_close(DiceLoss()(x, labels).double(), wanted, rtol=1e-5, atol=0.0)


@pytest.fixture
def deterministic():
    yield torch.use_deterministic_algorithms
    torch.use_deterministic_algorithms(False)


def test_deterministic_mode(deterministic):
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    (wanted,) = torch.autograd.grad(DiceCELoss()(x, labels), x)
    deterministic(True)
    (found,) = torch.autograd.grad(DiceCELoss()(x, labels), x)
    torch.testing.assert_close(found, wanted, rtol=0.0, atol=0.0)


def test_the_number_of_threads_does_not_change_the_result():
    shape = (2, 5, 96, 97)
    x, labels = logits_of("softmax", shape).float(), labels_of(shape)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            leaf = x.clone().requires_grad_()
            loss = DiceCELoss()(leaf, labels)
            loss.backward()
            results.append((loss.detach(), leaf.grad))
    finally:
        torch.set_num_threads(before)
    for loss, gradient in results[1:]:
        assert torch.equal(loss, results[0][0]) and torch.equal(gradient, results[0][1])


def test_the_number_of_threads_is_that_of_torch(monkeypatch):
    seen = []
    sweep = _native._core.objective

    def spy(*arguments):
        seen.append(arguments[4])
        return sweep(*arguments)

    monkeypatch.setattr(_native._core, "objective", spy)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        DiceLoss()(logits_of("softmax"), labels_of())
    finally:
        torch.set_num_threads(before)
    assert seen == [3]


def test_a_large_gradient_is_advised(monkeypatch):
    advised = []
    monkeypatch.setattr(
        _native._core, "advise_huge_pages", lambda address, size: advised.append(size)
    )
    shape = (1, 2, 1024, 1024)
    x = torch.zeros(shape, requires_grad=True)
    DiceLoss()(x, torch.zeros((1, 1024, 1024), dtype=torch.uint8)).backward()
    assert advised == [x.nbytes]
