"""Class weights are a buffer: what is in it now counts, and what is refused leaves nothing."""

from __future__ import annotations

import copy

import pytest
import torch
from cpp import needs_compiler, needs_headers
from dice_loss.compounds import DiceCrossEntropy
from dice_loss.terms import CrossEntropy, Dice
from dice_loss.torch import (
    CrossEntropyLoss,
    DiceCELoss,
    DiceLoss,
    GeneralizedDiceLoss,
    SegmentationLoss,
)
from dice_loss.torch import functional as F

BEFORE, AFTER = [1.0, 2.0, 3.0], [4.0, 0.5, 1.0]


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 8, 8, generator=generator, requires_grad=True)
    return logits, torch.randint(3, (2, 8, 8), generator=generator)


def outcome(loss, logits, target):
    value = loss(logits, target)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    return value.detach(), gradient


def losses():
    yield "dice", lambda weights: DiceLoss(class_weights=weights)
    yield "dice + ce", lambda weights: DiceCELoss(class_weights=weights, pool="batch")
    yield "generalized dice", lambda weights: GeneralizedDiceLoss(class_weights=weights)
    yield "values", lambda weights: DiceLoss(class_weights=weights, reduction="none")
    yield "map", lambda weights: CrossEntropyLoss(class_weights=weights, reduction="none")
    mixed = [Dice(class_weights=[1.0, 1.0, 5.0]), CrossEntropy()]
    yield (
        "a term's own",
        lambda weights: SegmentationLoss(mixed, activation="softmax", class_weights=weights),
    )


LOSSES = dict(losses())


@pytest.mark.parametrize("name", LOSSES)
def test_a_buffer_changed_in_place_counts(name, batch):
    changed, wanted = LOSSES[name](BEFORE), LOSSES[name](AFTER)
    assert not torch.equal(outcome(changed, *batch)[0], outcome(wanted, *batch)[0])
    changed.class_weights.copy_(torch.tensor(AFTER))
    for found, right in zip(outcome(changed, *batch), outcome(wanted, *batch), strict=True):
        assert torch.equal(found, right)
    details = changed(*batch, details=True)[1] if name != "map" else None
    if details is not None:
        assert torch.equal(details.terms, wanted(*batch, details=True)[1].terms)


@needs_compiler
@needs_headers
@pytest.mark.parametrize("name", ["dice + ce", "map"])
def test_a_compiled_loss_follows_its_buffer(name, batch):
    changed, wanted = LOSSES[name](BEFORE), LOSSES[name](AFTER)
    compiled = torch.compile(changed, fullgraph=True)
    compiled(*batch)
    with torch._dynamo.config.patch(error_on_recompile=True):
        changed.class_weights.copy_(torch.tensor(AFTER))
        for found, right in zip(outcome(compiled, *batch), outcome(wanted, *batch), strict=True):
            # Sums in double, the value and its gradient in float32, each rounded in another order.
            torch.testing.assert_close(found, right, rtol=1e-6, atol=1e-9)


def test_weights_of_another_place_are_not_read(batch):
    """As on a device: whoever reads them there waits for it."""
    loss, (logits, target) = DiceCELoss(class_weights=BEFORE), batch
    wanted = loss(logits, target)
    plan, weights = loss._unweighted, loss.class_weights
    from dice_loss.torch import _plan

    found = _plan.loss(plan, logits, target, class_weights=weights)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=0.0)
    with pytest.raises(ValueError, match=r"class_weights: found shape \(3,\), wanted \(2,\)"):
        _plan.loss(plan, logits[:, :2], target.clamp(max=1), class_weights=weights)


@needs_compiler
@needs_headers
def test_a_function_takes_weights_as_a_tensor_in_a_graph(batch):
    def loss(logits, target, weights):
        return F.dice_ce_loss(logits, target, class_weights=weights)

    weights = torch.tensor(AFTER)
    found = torch.compile(loss, fullgraph=True)(*batch, weights)
    torch.testing.assert_close(found, loss(*batch, weights), rtol=1e-6, atol=0.0)


def test_weights_may_be_set_as_they_may_be_given(batch):
    loss, wanted = DiceCELoss(class_weights=BEFORE), DiceCELoss(class_weights=AFTER)
    for value in (AFTER, tuple(AFTER), torch.tensor(AFTER)):
        loss.class_weights = BEFORE
        loss.class_weights = value
        assert torch.equal(loss(*batch), wanted(*batch))
    loss.class_weights = None
    assert torch.equal(loss(*batch), DiceCELoss()(*batch))
    assert loss.state_dict() == {}


def test_refused_weights_leave_no_trace(batch):
    loss = DiceCELoss(class_weights=BEFORE)
    before, repr_before = loss(*batch), repr(loss)
    bad = {"class_weights": torch.tensor([1.0, -2.0, 3.0])}
    with pytest.raises(ValueError, match="class_weights"):
        loss.load_state_dict(bad)
    assert loss.class_weights.tolist() == BEFORE
    # An assignment that is refused is torch's own error.
    with pytest.raises(RuntimeError, match="class_weights: found -2"):
        loss.load_state_dict(bad, assign=True)
    assert loss.class_weights.tolist() == BEFORE
    with pytest.raises(ValueError, match="class_weights"):
        loss.class_weights = [1.0, -2.0, 3.0]
    assert torch.equal(loss(*batch), before)
    assert repr(loss) == repr_before


def sum_of_terms(**options):
    return SegmentationLoss(DiceCrossEntropy(), activation="softmax", **options)


BOTH = [DiceCELoss, sum_of_terms]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("terms", 5),
        ("terms", [Dice(), "ce"]),
        ("terms", [(1.0, 2.0)]),
        ("terms", torch.nn.Linear(1, 1)),
        ("pool", "batches"),
        ("pool", torch.nn.Parameter(torch.ones(1))),
        ("activation", torch.nn.Softmax(1)),
        ("class_weights", torch.nn.Linear(1, 1)),
        ("class_weights", torch.nn.Parameter(torch.ones(3))),
        ("activation", "sigmoid"),
        ("reduction", "avg"),
        ("target_kind", "masks"),
        ("regions", 3),
    ],
)
@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("build", BOTH)
def test_refused_options_leave_no_trace(build, name, value, device):
    with torch.device(device):
        loss = build(class_weights=BEFORE)
    before, weights, plan = getattr(loss, name), loss.class_weights, loss.plan
    with pytest.raises((AttributeError, TypeError, ValueError)):
        setattr(loss, name, value)
    assert getattr(loss, name) is before and loss.class_weights is weights
    assert loss.plan == plan
    assert not [*loss.parameters(), *loss.children()]
    # Nor is it in the way of another.
    loss.pool = "batch"
    assert loss.plan == build(class_weights=BEFORE, pool="batch").plan


def test_weights_are_no_parameter(batch):
    loss = DiceCELoss(class_weights=BEFORE)
    learned = torch.nn.Parameter(torch.tensor(AFTER))
    says = r"^class_weights: found a Parameter, wanted its `\.detach\(\)`, or numbers"
    for module in (loss, DiceCELoss()):
        with pytest.raises(TypeError, match=says):
            module.class_weights = learned
        assert not [*module.parameters()]
    loss.class_weights = learned.detach()
    assert torch.equal(loss(*batch), DiceCELoss(class_weights=AFTER)(*batch))


def test_an_option_of_a_module_without_storage_takes_effect(batch):
    with torch.device("meta"):
        loss = DiceCELoss(class_weights=BEFORE)
    loss.pool = "batch"
    loss = loss.to_empty(device="cpu")
    loss.class_weights.copy_(torch.tensor(AFTER))
    assert torch.equal(loss(*batch), DiceCELoss(class_weights=AFTER, pool="batch")(*batch))


def test_terms_are_taken_as_they_are_on_construction(batch):
    loss = SegmentationLoss(Dice(), activation="softmax")
    loss.terms = iter([Dice(), (0.5, CrossEntropy())])
    wanted = SegmentationLoss([Dice(), (0.5, CrossEntropy())], activation="softmax")
    assert torch.equal(loss(*batch), wanted(*batch))
    assert torch.equal(copy.deepcopy(loss)(*batch), wanted(*batch))
