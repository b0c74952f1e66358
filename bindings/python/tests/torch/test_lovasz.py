"""The Lovász losses: engine and torch's operations, derivatives, tracers, and what is refused."""

from __future__ import annotations

import itertools

import dice_loss
import numpy as np
import pytest
import torch
from dice_loss.torch import (
    Accumulation,
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    SegmentationLoss,
    functional,
)
from dice_loss.torch import _direct as functions
from dice_loss.torch._target import Target

SHAPE = (3, 4, 6, 5)


def logits_of(dtype=torch.float64, seed=0, shape=SHAPE):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def labels_of(seed=1, shape=SHAPE, ignored=None):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, shape[1] - 1, (shape[0], *shape[2:]), generator=generator)
    if ignored is not None:
        labels[torch.rand(labels.shape, generator=generator) < 0.2] = ignored
    return labels


def naive(errors, inside):
    """Σ e_i (J_i − J_{i−1}), counted anew for every i."""
    order = sorted(range(len(errors)), key=lambda at: -errors[at])
    size, loss, before = sum(inside), 0.0, 0.0
    for count in range(1, len(order) + 1):
        hit = sum(inside[at] for at in order[:count])
        jaccard = 1 - (size - hit) / (size + count - hit)
        loss += errors[order[count - 1]] * (jaccard - before)
        before = jaccard
    return loss


def value_and_gradient(loss, x, *rest, upstream=None, **masks):
    x = x.detach().clone().requires_grad_()
    value = loss(x, *rest, **masks)
    (gradient,) = torch.autograd.grad(value, x, upstream)
    return value.detach(), gradient


def test_agrees_with_a_naive_version():
    x, labels = logits_of(), labels_of()
    wanted = []
    for sample, k in itertools.product(range(3), range(4)):
        inside = (labels[sample] == k).flatten().tolist()
        if any(inside):
            p = x[sample].softmax(0)[k].flatten()
            errors = (p - (labels[sample] == k).flatten().double()).abs().tolist()
            wanted.append(naive(errors, inside))
    assert LovaszSoftmaxLoss()(x, labels).item() == pytest.approx(np.mean(wanted), rel=1e-13)
    of_hinge = []
    for sample in range(3):
        inside = labels[sample] == 1
        errors = (1 - torch.where(inside, x[sample, 1], -x[sample, 1])).clamp(min=0).flatten()
        of_hinge.append(naive(errors.tolist(), inside.flatten().tolist()))
    found = LovaszHingeLoss(classes=[1], reduction="sum")(x, labels).item()
    assert found == pytest.approx(sum(of_hinge), rel=1e-13)


OPTIONS = [
    {},
    {"pool": "batch"},
    {"pool": "batch", "reduction": "none", "absent": "formula"},
    {"absent": "zero", "class_weights": [1.0, 2.0, 0.5, 3.0], "reduction": "sum"},
    {"absent": "skip", "background": False, "reduction": "none"},
    {"classes": [1, 3], "ignore_index": 9, "absent": "formula"},
    {"regions": [[0], [0, 1], [1, 2], [3]]},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", ["hinge", "softmax", "probabilities", "dense"])
def test_engine_and_torch_agree(kind, options):
    x = logits_of().softmax(1) if kind == "probabilities" else logits_of()
    target = labels_of(ignored=options.get("ignore_index"))
    if kind == "hinge":
        loss = LovaszHingeLoss(**options)
    elif kind == "dense":
        if "regions" in options or "ignore_index" in options:
            pytest.skip("of labels")
        target = torch.rand(SHAPE, generator=torch.Generator().manual_seed(4)) < 0.3
        loss = LovaszSoftmaxLoss(**options)
    else:
        loss = LovaszSoftmaxLoss(activation=kind, **options)
    masks = {
        "mask": torch.rand((3, 6, 5), generator=torch.Generator().manual_seed(2)) < 0.9,
        "class_valid": torch.tensor([[1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 1, 0]], dtype=torch.bool),
    }
    x[~masks["mask"].unsqueeze(1).expand(SHAPE)] = torch.nan
    with torch.no_grad():
        shape = loss(x, target, **masks).shape
    upstream = torch.linspace(0.5, 2.0, max(1, shape.numel()), dtype=torch.float64).reshape(shape)
    found = value_and_gradient(loss, x, target, upstream=upstream, **masks)

    def in_torch(logits, voxels, spec, settings):
        return functions._in_torch(logits, voxels, spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions, "loss", in_torch)
        wanted = value_and_gradient(loss, x, target, upstream=upstream, **masks)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-14)
    assert found[1][~masks["mask"].unsqueeze(1).expand(SHAPE)].eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_narrow_logits(dtype):
    x, labels = logits_of(dtype), labels_of()
    for loss in (LovaszHingeLoss(), LovaszSoftmaxLoss(pool="batch")):
        value, gradient = value_and_gradient(loss, x, labels)
        wanted, slopes = value_and_gradient(loss, x.double(), labels)
        assert value.dtype is torch.float32 and gradient.dtype is dtype
        torch.testing.assert_close(value.double(), wanted, rtol=1e-5, atol=0)
        error = (gradient.double() - slopes).abs().max() / slopes.abs().max()
        assert error < 4 * torch.finfo(dtype).eps


def test_derivatives():
    x, labels = logits_of(shape=(2, 3, 4)).requires_grad_(), labels_of(shape=(2, 3, 4))
    for loss in (LovaszSoftmaxLoss(), LovaszSoftmaxLoss(reduction="none"), LovaszHingeLoss()):
        assert torch.autograd.gradcheck(lambda x, loss=loss: loss(x, labels), x)
        assert torch.autograd.gradgradcheck(lambda x, loss=loss: loss(x, labels), x)


def test_transforms():
    x, labels = logits_of(), labels_of()
    loss = LovaszSoftmaxLoss()
    found = torch.func.grad(lambda x: loss(x, labels))(x)
    torch.testing.assert_close(found, value_and_gradient(loss, x, labels)[1])


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_compiled(reduction):
    x, labels = logits_of(torch.float32), labels_of()
    loss = LovaszSoftmaxLoss(pool="batch", reduction=reduction)
    torch._dynamo.reset()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    upstream = torch.ones(loss(x, labels).shape)
    found = value_and_gradient(compiled, x, labels, upstream=upstream)
    wanted = value_and_gradient(loss, x, labels, upstream=upstream)
    torch.testing.assert_close(found, wanted)


# opcheck looks at the gradients of its own intermediate tensors.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_operators():
    x, labels = logits_of().requires_grad_(), labels_of()
    loss = LovaszSoftmaxLoss(reduction="none")
    inputs = (x, labels, None, None, None, [], loss.plan.spec, "labels", loss.plan.settings)
    torch.library.opcheck(torch.ops.dice_loss.direct.default, inputs)
    upstream = torch.ones(3, 4, dtype=torch.float64).requires_grad_()
    torch.library.opcheck(torch.ops.dice_loss.direct_gradient.default, (upstream, *inputs))


def test_the_graph_can_be_kept():
    x, labels = logits_of().requires_grad_(), labels_of()
    loss = LovaszSoftmaxLoss()(x, labels)
    first, second = (torch.autograd.grad(2.0 * loss, x, retain_graph=True)[0] for _ in range(2))
    assert first.data_ptr() != second.data_ptr()
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first, 2.0 * value_and_gradient(LovaszSoftmaxLoss(), x, labels)[1])


def test_nothing_is_kept_but_the_gradient():
    x, labels = logits_of(torch.float32).requires_grad_(), labels_of()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        LovaszSoftmaxLoss()(x, labels)
    assert {t.data_ptr() for t in kept} <= {x.data_ptr(), labels.data_ptr()}


def test_as_the_functions_of_numpy():
    x, labels = logits_of(torch.float32), labels_of()
    for function, loss in (
        (dice_loss.lovasz_hinge, LovaszHingeLoss(pool="batch")),
        (dice_loss.lovasz_softmax, LovaszSoftmaxLoss(pool="batch")),
    ):
        value, gradient = function(x.numpy(), labels.numpy(), pool="batch")
        wanted = value_and_gradient(loss, x, labels)
        assert value == pytest.approx(wanted[0].item(), rel=1e-7)
        np.testing.assert_array_equal(gradient, wanted[1].numpy())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pool": "batch", "ignore_index": 9, "reduction": "none"},
        {"class_weights": np.array([1.0, 2.0, 0.5, 3.0]), "classes": [1, 2], "absent": "skip"},
        {"class_weights": {1: 2.0, 2: 1.0, 3: 1.0}, "background": False},
        {"regions": {0: [0], 1: [0, 1], 2: [1, 2], 3: [3]}},
    ],
    ids=str,
)
def test_functions_are_the_modules(options):
    x, labels = logits_of(), labels_of(ignored=options.get("ignore_index"))
    masks = {
        "mask": torch.rand((3, 6, 5), generator=torch.Generator().manual_seed(2)) < 0.9,
        "class_valid": torch.tensor([[1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 1, 0]], dtype=torch.bool),
    }
    for function, module, own in (
        (functional.lovasz_hinge_loss, LovaszHingeLoss, {}),
        (functional.lovasz_softmax_loss, LovaszSoftmaxLoss, {"activation": "probabilities"}),
    ):
        for given in (options, options | own):
            found = function(x, labels, **masks, **given)
            torch.testing.assert_close(found, module(**given)(x, labels, **masks), rtol=0, atol=0)


def test_functions_compile():
    x, labels = logits_of(torch.float32), labels_of()

    def loss(x):
        return functional.lovasz_softmax_loss(x, labels, pool="batch", classes=[1, 2])

    torch._dynamo.reset()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(value_and_gradient(compiled, x), value_and_gradient(loss, x))


def test_functions_refuse_what_modules_do():
    x, labels = logits_of(), labels_of()
    with pytest.raises(TypeError, match="LovaszHingeLoss: found process_group 'world', wanted"):
        functional.lovasz_hinge_loss(x, labels, process_group="world")
    with pytest.raises(ValueError, match="pool: found all, wanted sample or batch"):
        functional.lovasz_softmax_loss(x, labels, pool="all")
    with pytest.raises(TypeError, match="voxel_weight"):
        functional.lovasz_softmax_loss(x, labels, voxel_weight=torch.ones(3, 6, 5))


def test_deep_supervision_takes_it():
    from dice_loss.torch import DeepSupervisionLoss

    loss = DeepSupervisionLoss(LovaszSoftmaxLoss(), weights=[1.0, 0.5])
    x, labels = logits_of(), labels_of()
    coarse = logits_of(shape=(3, 4, 3, 5))
    wanted = LovaszSoftmaxLoss()(x, labels) + 0.5 * LovaszSoftmaxLoss()(coarse, labels[:, ::2])
    torch.testing.assert_close(loss([x, coarse], [labels, labels[:, ::2]]), wanted)


def test_what_needs_sums_is_refused():
    x, labels = logits_of(), labels_of()
    with pytest.raises(TypeError, match="LovaszHingeLoss: found process_group 'world', wanted"):
        LovaszHingeLoss(process_group="world")
    with pytest.raises(TypeError, match="LovaszSoftmaxLoss: found moments, wanted"):
        Accumulation(LovaszSoftmaxLoss()).measure(x, labels)
    with pytest.raises(TypeError, match="LovaszSoftmaxLoss: found evaluate, wanted"):
        LovaszSoftmaxLoss().evaluate(x)
    with pytest.raises(TypeError, match="LovaszHingeLoss"):
        SegmentationLoss([LovaszHingeLoss()])


def test_errors():
    x, labels = logits_of(), labels_of()
    with pytest.raises(ValueError, match="pool: found all, wanted sample or batch"):
        LovaszHingeLoss(pool="all")
    with pytest.raises(ValueError, match="activation: found 'sigmoid', wanted"):
        LovaszSoftmaxLoss(activation="sigmoid")
    with pytest.raises(ValueError, match="2 channels or more; for one channel use lovasz_hinge"):
        LovaszSoftmaxLoss()(x[:, :1], labels.clamp(max=1))
    with pytest.raises(ValueError, match=r"found target 0\.5, wanted 0 or 1"):
        LovaszHingeLoss()(x, torch.full(SHAPE, 0.5))
    with pytest.raises(ValueError, match="wanted 0 or 1"):
        functions._in_torch(x, Target(torch.full(SHAPE, 0.5), "dense"), LovaszHingeLoss().plan.spec)
    with pytest.raises(ValueError, match="class_weights: found"):
        LovaszHingeLoss(class_weights=[1.0])(x, labels)
    with pytest.raises(ValueError, match="target_kind: found 'soft'"):
        LovaszHingeLoss(target_kind="soft")


def test_what_was_said_is_shown():
    assert repr(LovaszHingeLoss()) == "LovaszHingeLoss()"
    assert repr(LovaszSoftmaxLoss()) == "LovaszSoftmaxLoss()"
    loss = LovaszSoftmaxLoss(activation="probabilities", pool="batch", reduction="none")
    wanted = "activation='probabilities', pool='batch', reduction='none'"
    assert repr(loss) == f"LovaszSoftmaxLoss({wanted})"
    assert repr(LovaszHingeLoss(ignore_index=255.0)) == "LovaszHingeLoss(ignore_index=255)"
    assert (loss.pool, loss.absent) == ("batch", None)
    loss = LovaszHingeLoss(classes=np.array([2, 1]), class_weights=torch.tensor([0.0, 1.0, 0.5]))
    assert repr(loss) == "LovaszHingeLoss(classes=(1, 2), class_weights=(0.0, 1.0, 0.5))"
    with pytest.raises(AttributeError, match="pool: found a change to 'sample', wanted Lovasz"):
        loss.pool = "sample"
