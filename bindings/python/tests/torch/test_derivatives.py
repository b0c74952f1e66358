"""First and second derivatives, by autograd's own checks and by transforms."""

from __future__ import annotations

import pytest
import torch
from batches import BATCHES, LOSSES, SPATIAL, built, labels_of, logits_of, uniform
from dice_loss.torch import CrossEntropyLoss, DiceCELoss, DiceLoss, FocalLoss, measure
from torch.autograd import forward_ad, gradcheck, gradgradcheck

# torch's own forward-mode differentiation uses what torch has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")

# "all" is there for classes coupled through one ratio, "none" for maps and values.
CASES = [
    ("dice", "softmax", "labels", {}),
    ("dice", "softmax", "partial", {}),
    ("dice all", "sigmoid", "soft", {}),
    ("dice, told all", "softmax", "soft", {"reduction": "none"}),
    ("matthews", "sigmoid", "labels", {"pool": "batch", "reduction": "none"}),
    ("generalized dice", "softmax", "labels", {"reduction": "none"}),
    ("generalized_wasserstein_dice, told all", "softmax", "labels", {}),
    ("focal tversky", "sigmoid", "multilabel", {}),
    ("cross-entropy smoothed", "softmax", "partial", {}),
    ("cross-entropy", "softmax", "labels", {"reduction": "none"}),
    ("bce weighted", "sigmoid", "soft", {"reduction": "none"}),
    ("focal weighted", "softmax", "labels", {}),
    ("focal weighted", "sigmoid", "soft", {"reduction": "none"}),
    ("sum", "softmax", "labels", {}),
    *((name, LOSSES[name][2][0], "labels", {}) for name in LOSSES if name.endswith("told all")),
]


def small(x: torch.Tensor) -> torch.Tensor:
    return x[..., :2, :2].clone()


@pytest.mark.parametrize(("name", "activation", "kind", "more"), CASES)
def test_first_and_second_derivative(name, activation, kind, more):
    batch = BATCHES[kind](activation)
    loss = built(name, activation, batch, **more)
    x, target = small(batch.logits).requires_grad_(), small(batch.target)

    def function(logits):
        return loss(logits, target, **batch.masks)

    assert gradcheck(function, x)
    assert gradgradcheck(function, x, fast_mode=True)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_sums(activation):
    names = ("intersection", "prediction_squared", "difference", "focal")
    x, labels = small(logits_of(activation)).requires_grad_(), small(labels_of())

    def function(logits):
        return measure(logits, labels, names, activation=activation, gamma=1.5)

    assert gradcheck(function, x)
    assert gradgradcheck(function, x, fast_mode=True)


def test_a_target_and_a_weight_that_are_learned():
    x, target = logits_of("softmax"), logits_of("probabilities", seed=3)
    weight = uniform((2, *SPATIAL), 6) + 0.1
    loss = DiceCELoss()

    def function(x, target, weight):
        return loss(x, target, voxel_weight=weight)

    inputs = [small(tensor).requires_grad_() for tensor in (x, target, weight)]
    # A step aside from 0 and 1 stays a target.
    assert gradcheck(function, inputs)


@pytest.mark.parametrize("loss", [DiceCELoss(), FocalLoss(reduction="none")])
def test_transforms_agree_with_autograd(loss):
    x, labels = logits_of("softmax"), labels_of()
    leaf = x.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(loss(leaf, labels).sum(), leaf)

    def function(logits):
        return loss(logits, labels).sum()

    torch.testing.assert_close(torch.func.grad(function)(x), wanted, rtol=1e-12, atol=1e-15)
    direction = logits_of("softmax", seed=9)
    _, slope = torch.func.jvp(function, (x,), (direction,))
    torch.testing.assert_close(slope, (wanted * direction).sum(), rtol=1e-12, atol=1e-15)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, direction)
        slope = forward_ad.unpack_dual(function(dual)).tangent
    torch.testing.assert_close(slope, (wanted * direction).sum(), rtol=1e-12, atol=1e-15)


def test_vmap_over_the_batch():
    x, labels = logits_of("softmax"), labels_of()
    loss = DiceLoss()

    def of_one(logits, label):
        return loss(logits[None], label[None])

    found = torch.func.vmap(torch.func.grad(of_one))(x, labels)
    for sample in range(2):
        leaf = x[sample : sample + 1].clone().requires_grad_()
        (wanted,) = torch.autograd.grad(loss(leaf, labels[sample : sample + 1]), leaf)
        torch.testing.assert_close(found[sample], wanted[0], rtol=1e-12, atol=1e-15)


def test_hessian_is_symmetric_and_agrees_with_double_backward():
    x, labels = small(logits_of("softmax")), small(labels_of())
    loss = DiceCELoss()
    hessian = torch.func.hessian(lambda logits: loss(logits, labels))(x).reshape(24, 24)
    torch.testing.assert_close(hessian, hessian.T, rtol=1e-10, atol=1e-14)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(leaf, labels), leaf, create_graph=True)
    (row,) = torch.autograd.grad(gradient.flatten()[5], leaf)
    torch.testing.assert_close(hessian[5], row.flatten(), rtol=1e-10, atol=1e-14)


def test_a_gradient_penalty_can_be_trained():
    """A third derivative of the loss, the first of a penalty on its gradient."""
    x, labels = small(logits_of("softmax")), small(labels_of())
    loss = CrossEntropyLoss()

    def penalty(logits):
        (gradient,) = torch.autograd.grad(loss(logits, labels), logits, create_graph=True)
        return gradient.square().sum()

    assert gradcheck(penalty, x.requires_grad_())
    assert gradgradcheck(penalty, x, fast_mode=True)


def test_the_upstream_gradient_multiplies():
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    loss = DiceCELoss()
    (once,) = torch.autograd.grad(loss(x, labels), x)
    (scaled,) = torch.autograd.grad(65536.0 * loss(x, labels), x)
    torch.testing.assert_close(scaled, 65536.0 * once, rtol=1e-15, atol=0.0)


def test_no_graph_without_gradient():
    x, labels = logits_of("softmax"), labels_of()
    assert not DiceLoss()(x, labels).requires_grad
    with torch.no_grad():
        assert not DiceLoss()(x.requires_grad_(), labels).requires_grad
    wanted = DiceLoss()(x.detach(), labels)
    with torch.inference_mode():
        assert DiceLoss()(x.detach().clone(), labels) == wanted


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_of_perfect_matches(create_graph):
    """Where the slope of a power is infinite, it is taken as 0."""
    labels = labels_of()
    perfect = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).double().requires_grad_()
    for name in ("focal tversky", "log dice", "dice", "matthews", "generalized dice"):
        loss = LOSSES[name][0](activation="probabilities", **LOSSES[name][1])
        (gradient,) = torch.autograd.grad(loss(perfect, labels), perfect, create_graph=create_graph)
        if name in ("focal tversky", "log dice"):
            assert gradient.eq(0).all(), name
            continue

        wanted = inward_slopes(lambda p, loss=loss: loss(p, labels), perfect.detach(), step=1e-4)
        # Right to the second order in the step; losses are rounded relative to 1.
        atol = 16.0 * torch.finfo(torch.float64).eps / 1e-4
        torch.testing.assert_close(gradient, wanted, rtol=1e-8, atol=atol)


def inward_slopes(loss, p, step):
    """Differences by each of these probabilities of 0 and 1, from within their range."""
    slopes = torch.zeros(p.numel(), dtype=p.dtype)
    for index in range(p.numel()):
        inward = 1.0 - 2.0 * p.flatten()[index]

        def at(steps, index=index, inward=inward):
            moved = p.flatten().clone()
            moved[index] += steps * step * inward
            return loss(moved.reshape(p.shape))

        slopes[index] = inward * (4.0 * at(1) - at(2) - 3.0 * at(0)) / (2.0 * step)
    return slopes.reshape(p.shape)


@pytest.mark.parametrize("size", [16, 128], ids=["small", "large"])
@pytest.mark.parametrize("factor", [1.0, 0.3])
def test_a_kept_graph_gives_the_same_gradient_whatever_is_done_to_the_first(size, factor):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn((1, 2, size, size), generator=generator, requires_grad=True)
    labels = torch.randint(2, (1, size, size), generator=generator)
    loss = factor * DiceCELoss()(x, labels)
    (first,) = torch.autograd.grad(loss, x, retain_graph=True)
    kept = first.clone()
    first.zero_()
    (second,) = torch.autograd.grad(loss, x)
    wide = x.detach().double().requires_grad_()
    (wanted,) = torch.autograd.grad(factor * DiceCELoss()(wide, labels), wide)
    # Rounded once by the engine and once by the factor, relative to the largest entry.
    room = 4 * torch.finfo(torch.float32).eps * wanted.abs().max().item()
    for found in (kept, second):
        torch.testing.assert_close(found.double(), wanted, rtol=4e-7, atol=room)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, x)
