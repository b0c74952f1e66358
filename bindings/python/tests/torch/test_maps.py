"""Maps: what each voxel weighs in a term, beside formulas written out in torch."""

from __future__ import annotations

import math

import pytest
import torch
from batches import SHAPE, labels_of, logits_of, uniform
from dice_loss.terms import (
    BinaryCrossEntropy,
    BorderCrossEntropy,
    Boundary,
    CrossEntropy,
    Dice,
    Focal,
    HausdorffDT,
    SkeletonRecall,
)
from dice_loss.torch import BoundaryLoss, SegmentationLoss, _plan, _route

SAMPLES, CLASSES, *SPATIAL = SHAPE
VOXELS = math.prod(SPATIAL)


def signed(channels, seed=5):
    return 6.0 * uniform((SAMPLES, channels, *SPATIAL), seed) - 3.0


def positive(channels, seed=6):
    return 4.0 * uniform((SAMPLES, channels, *SPATIAL), seed)


def present(g, w):
    """Where a class counts that the reference has: without its map."""
    return (g * w).sum((2, 3)) > 0


def mean_of_present(losses, there):
    return losses[there].mean()


def boundary(p, g, w, m):
    return mean_of_present((w * m * p).sum((2, 3)) / (w + 0 * g).sum((2, 3)), present(g, w))


def hausdorff(p, g, w, m):
    loss = (w * m * (p - g) ** 2).sum((2, 3)) / (w + 0 * g).sum((2, 3))
    return mean_of_present(loss, present(g, w))


def log_hausdorff(p, g, w, m):
    loss = (w * m * (p - g) ** 2).sum((2, 3)) / (w + 0 * g).sum((2, 3))
    return mean_of_present(loss.log1p(), present(g, w))


def skeleton_recall(p, g, w, m):
    m = m + 0 * g
    recall = ((w * m * p).sum((2, 3)) + 1e-5) / ((w * m).sum((2, 3)) + 1e-5)
    return mean_of_present(1 - recall, present(g, w))


def dice(p, g, w, m):
    sizes = (w * m * (p + g)).sum((2, 3))
    loss = 1 - (2 * (w * m * p * g).sum((2, 3)) + 1e-5) / (sizes + 1e-5)
    return mean_of_present(loss, present(g, w))


def cross_entropy(p, g, w, m):
    return (w * m * g * -p.log()).sum() / (w * m * g).sum()


def focal_softmax(p, g, w, m):
    return (w * m * g * (1 - p) ** 2 * -p.log()).sum() / (w * m * g).sum()


def binary_cross_entropy(p, g, w, m):
    loss = -(g * p.log() + (1 - g) * (1 - p).log())
    return (w * m * loss).sum() / (w * m + 0 * g).sum()


def focal_sigmoid(p, g, w, m):
    loss = -(g * (1 - p) ** 2 * p.log() + (1 - g) * p**2 * (1 - p).log())
    return (w * m * loss).sum() / (w * m + 0 * g).sum()


#: opcheck looks at the gradients of its own intermediate tensors.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")

TERMS = {
    "boundary": (Boundary(map="m"), boundary, signed, ("softmax", "sigmoid", "probabilities")),
    "hausdorff": (HausdorffDT(map="m"), hausdorff, positive, ("softmax", "sigmoid")),
    "log hausdorff": (HausdorffDT(map="m", log=True), log_hausdorff, positive, ("sigmoid",)),
    "skeleton": (SkeletonRecall(map="m"), skeleton_recall, positive, ("softmax", "sigmoid")),
    "dice": (Dice(map="m"), dice, positive, ("softmax", "probabilities")),
    "cross-entropy": (CrossEntropy(map="m"), cross_entropy, positive, ("softmax",)),
    "binary": (BinaryCrossEntropy(map="m"), binary_cross_entropy, positive, ("sigmoid",)),
    "focal": (Focal(map="m"), focal_softmax, positive, ("softmax",)),
    "focal of each": (Focal(map="m"), focal_sigmoid, positive, ("sigmoid",)),
}
CASES = [(name, by) for name, (*_, activations) in TERMS.items() for by in activations]
ACTIVATE = {"softmax": lambda x: x.softmax(1), "sigmoid": torch.sigmoid}


def plain_loss(criterion, x, target, **given):
    """By torch's operations, whoever would compute it otherwise."""
    names = ("mask", "voxel_weight", "class_valid", "maps")
    read = _plan.read(criterion.plan, x, target, *(given.get(name) for name in names))
    return _route.Plain(*read, criterion.plan.spec, criterion.plan.settings).loss()


def counted():
    """Nothing but labels; labels and voxels that do not count; a soft target and weights."""
    labels = labels_of()
    g = torch.nn.functional.one_hot(labels, CLASSES).movedim(-1, 1).double()
    yield "labels", labels, {}, g, torch.ones(SAMPLES, 1, *SPATIAL, dtype=torch.float64)
    weight = 2 * uniform((SAMPLES, *SPATIAL), 7)
    mask = uniform((SAMPLES, *SPATIAL), 8) < 0.7
    given = {"mask": mask, "voxel_weight": weight}
    yield "masked", labels, given, g, (mask * weight)[:, None]
    soft = (2 * uniform(SHAPE, 9)).softmax(1)
    yield "soft", soft, {"voxel_weight": weight}, soft, weight[:, None]


@pytest.mark.parametrize("channels", [1, CLASSES])
@pytest.mark.parametrize(("name", "activation"), CASES)
def test_value_and_gradient(name, activation, channels):
    """To rounding: 1e-12 of float64 numbers between 1e-3 and 10, sums of 20 voxels."""
    term, formula, values, _ = TERMS[name]
    criterion = SegmentationLoss(term, activation=activation)
    m = values(channels)
    for case, target, given, g, w in counted():
        x = logits_of(activation).requires_grad_()
        wanted = formula(ACTIVATE.get(activation, lambda x: x)(x), g, w, m)
        (slopes,) = torch.autograd.grad(wanted, x)
        hidden = torch.where(w > 0, m, math.nan)
        for found in (
            criterion(x, target, **given, maps={"m": hidden}),
            plain_loss(criterion, x, target, **given, maps={"m": hidden}),
        ):
            (gradient,) = torch.autograd.grad(found, x)
            torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-13, msg=case)
            torch.testing.assert_close(gradient, slopes, rtol=1e-10, atol=1e-13, msg=case)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int64])
def test_maps_of_any_type(dtype):
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    m = (4 * positive(CLASSES)).round()
    criterion = SegmentationLoss(SkeletonRecall(), activation="softmax")
    wanted = criterion(x, labels, maps={"skeleton": m})
    found = criterion(x, labels, maps={"skeleton": m.to(dtype)})
    assert found == wanted, "small integers, which every type has"


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_maps_of_voxel_losses(reduction):
    """Without a reduction a voxel's loss is multiplied."""
    x, labels, m = logits_of("softmax").requires_grad_(), labels_of(), positive(1)
    terms = CrossEntropy(map="m")
    found = SegmentationLoss(terms, activation="softmax", reduction=reduction)(
        x, labels, maps={"m": m}
    )
    losses = torch.nn.functional.cross_entropy(x, labels, reduction="none")[:, None] * m
    wanted = {"none": losses, "sum": losses.sum(), "mean": losses.sum() / m.sum()}[reduction]
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-13)
    upstream = torch.rand_like(found)
    slopes = torch.autograd.grad(wanted, x, upstream)
    torch.testing.assert_close(torch.autograd.grad(found, x, upstream), slopes, rtol=1e-10, atol=0)


def test_terms_with_maps_of_their_own_beside_one_without():
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    first, second = signed(CLASSES), positive(1)
    maps = {"boundary": first, "w": second}
    terms = [Boundary(), (0.5, CrossEntropy(map="w")), (0.7, Dice()), (2.0, Boundary(map="w"))]
    whole = SegmentationLoss(terms, activation="softmax")
    found = whole(x, labels, maps=maps)
    parts = [
        SegmentationLoss(Boundary(), activation="softmax")(x, labels, maps={"boundary": first}),
        SegmentationLoss(CrossEntropy(map="w"), activation="softmax")(
            x, labels, maps={"w": second}
        ),
        SegmentationLoss(Dice(), activation="softmax")(x, labels),
        SegmentationLoss(Boundary(map="w"), activation="softmax")(x, labels, maps={"w": second}),
    ]
    wanted = sum(w * part for w, part in zip((1.0, 0.5, 0.7, 2.0), parts, strict=True))
    torch.testing.assert_close(found, wanted, rtol=1e-13, atol=0)
    value, details = whole(x, labels, maps=maps, details=True)
    assert value == found
    torch.testing.assert_close(details.terms, torch.stack(parts).detach(), rtol=1e-13, atol=0)


def test_unannotated_classes_have_no_share():
    x, labels, m = logits_of("sigmoid"), labels_of(), signed(CLASSES)
    valid = torch.tensor([[True, False, True], [True, True, True]])
    criterion = SegmentationLoss(Boundary(), activation="sigmoid", reduction="none")
    found = criterion(x, labels, class_valid=valid, maps={"boundary": m})
    wanted = (m * x.sigmoid()).sum((2, 3)) / VOXELS
    there = torch.nn.functional.one_hot(labels, CLASSES).sum((1, 2)) > 0
    torch.testing.assert_close(found, torch.where(valid & there, wanted, 0.0))
    plain = plain_loss(criterion, x, labels, class_valid=valid, maps={"boundary": m})
    torch.testing.assert_close(plain, found, rtol=1e-13, atol=0)


def test_derivatives_of_any_order_and_by_the_map():
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    m = positive(CLASSES).requires_grad_()
    terms = [HausdorffDT(), (0.3, CrossEntropy(map="hausdorff"))]
    criterion = SegmentationLoss(terms, activation="softmax")
    with torch.no_grad():
        fixed = m.detach()
    assert torch.autograd.gradgradcheck(
        lambda x: criterion(x, labels, maps={"hausdorff": fixed}), x
    )
    assert torch.autograd.gradcheck(lambda m: criterion(x, labels, maps={"hausdorff": m}), m)


def test_operators_and_compilers_take_them():
    x, labels, m = logits_of("softmax").requires_grad_(), labels_of(), signed(CLASSES)
    criterion = SegmentationLoss([Boundary(), Dice()], activation="softmax")
    wanted = criterion(x, labels, maps={"boundary": m})
    (slopes,) = torch.autograd.grad(wanted, x)
    compiled = torch.compile(criterion, fullgraph=True, backend="aot_eager")
    found = compiled(x, labels, maps={"boundary": m})
    assert found == wanted
    assert (torch.autograd.grad(found, x)[0] == slopes).all()
    inputs = (
        *(x, labels, None, None, None, [m]),
        *(criterion.plan.spec, "labels", criterion.plan.settings),
    )
    torch.library.opcheck(torch.ops.dice_loss.objective.default, inputs)
    torch.library.opcheck(torch.ops.dice_loss.measure.default, inputs)


@pytest.mark.parametrize(
    "term", [Boundary(), HausdorffDT(), SkeletonRecall(), BorderCrossEntropy()]
)
def test_compilers_have_maps_made(term):
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    criterion = SegmentationLoss([term, Dice()], activation="softmax")
    wanted = criterion(x, labels)
    found = torch.compile(criterion, fullgraph=True, backend="aot_eager")(x, labels)
    assert found == wanted
    slopes = torch.autograd.grad(wanted, x)
    torch.testing.assert_close(torch.autograd.grad(found, x), slopes, rtol=0, atol=0)
    (name,) = criterion.maps(x, labels)
    again = criterion(x, labels, maps=criterion.maps(x, labels))
    assert again == wanted and name in ("boundary", "hausdorff", "skeleton", "border")


def test_moments_add_up():
    """As over ranks: those of two halves of the batch, one after another."""
    x, labels, m = logits_of("softmax"), labels_of(), signed(CLASSES)
    criterion = SegmentationLoss([Boundary(), Dice(pool="batch")], activation="softmax")
    halves = [
        criterion.moments(x[i : i + 1], labels[i : i + 1], maps={"boundary": m[i : i + 1]})
        for i in range(SAMPLES)
    ]
    found = criterion.evaluate(torch.cat(halves))
    wanted = criterion(x, labels, maps={"boundary": m})
    torch.testing.assert_close(found, wanted, rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("maps", "error", "said"),
    [
        ({"edge": signed(1)}, ValueError, r"maps: found 'edge', wanted maps that .*'boundary'"),
        ([signed(1)], TypeError, "maps: found list, wanted a mapping from names"),
        ({"boundary": signed(2)}, ValueError, r"map 'boundary': found shape \(2, 2, 4, 5\), want"),
        ({"boundary": [1.0]}, TypeError, "map 'boundary': found list, wanted a torch.Tensor"),
        ({"boundary": signed(1) * 1j}, TypeError, "map 'boundary': found torch.complex128"),
    ],
)
def test_wrong_maps_are_refused(maps, error, said):
    with pytest.raises(error, match=said):
        BoundaryLoss()(logits_of("softmax"), labels_of(), maps=maps)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e13])
def test_wrong_values_are_refused_where_a_voxel_counts(bad):
    x, labels, m = logits_of("softmax"), labels_of(), signed(CLASSES)
    m[1, 2, 0, 3] = bad
    criterion = BoundaryLoss()
    for run in (criterion, lambda *a, **k: plain_loss(criterion, *a, **k)):
        with pytest.raises(
            ValueError, match=r"sample 1, class 2, voxel \(0, 3\): found .*boundary"
        ):
            run(x, labels, maps={"boundary": m})
        mask = torch.ones_like(labels)
        mask[1, 0, 3] = 0
        assert run(x, labels, mask=mask, maps={"boundary": m}).isfinite()


def test_negative_values_only_where_every_term_allows_them():
    x, labels, m = logits_of("softmax"), labels_of(), signed(1)
    assert BoundaryLoss()(x, labels, maps={"boundary": m}).isfinite()
    both = SegmentationLoss([Boundary(), CrossEntropy(map="boundary")], activation="softmax")
    for run in (both, lambda *a, **k: plain_loss(both, *a, **k)):
        with pytest.raises(ValueError, match="in the map 'boundary', wanted a value of at least 0"):
            run(x, labels, maps={"boundary": m})


def test_a_map_that_no_term_names_is_refused():
    from dice_loss.torch import DiceLoss

    with pytest.raises(ValueError, match="found 'w', wanted none: no term reads a map"):
        DiceLoss()(logits_of("softmax"), labels_of(), maps={"w": signed(1)})
    with pytest.raises(ValueError, match="maps: found none called 'w', wanted one of shape"):
        SegmentationLoss(Dice(map="w"), activation="softmax")(logits_of("softmax"), labels_of())
