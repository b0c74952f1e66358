"""The maps that losses make of the target, beside SciPy and scikit-image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dice_loss import Objective
from dice_loss.terms import (
    BorderCrossEntropy,
    Boundary,
    CrossEntropy,
    Dice,
    HausdorffDT,
    SkeletonRecall,
)

ndimage = pytest.importorskip("scipy.ndimage", reason="needs scipy")
SHAPES = {"2-D": ((2, 3, 11, 13), (0.8, 1.5)), "3-D": ((2, 3, 6, 8, 7), (2.0, 0.7, 1.1))}
BOTH = pytest.mark.parametrize("kind", SHAPES)


def batch(kind, seed=0):
    """Logits, and labels in blobs; the last class is absent from the first sample."""
    shape, spacing = SHAPES[kind]
    generator = np.random.default_rng(seed)
    fields = generator.normal(size=shape)
    for row in fields.reshape(-1, *shape[2:]):
        row[...] = ndimage.gaussian_filter(row, 1.2)
    labels = fields.argmax(1)
    labels[0][labels[0] == 2] = 0
    return 3 * generator.normal(size=shape), labels, spacing


def to_border(mask, spacing):
    """The distance of every voxel to the nearest of the other kind; 0 where there is none."""
    if mask.all() or not mask.any():
        return np.zeros(mask.shape)
    distances = ndimage.distance_transform_edt
    return distances(mask, sampling=spacing) + distances(~mask, sampling=spacing)


def signed(mask, spacing):
    distance = to_border(mask, spacing)
    inside = mask & (distance > 0)
    return np.where(inside, -(distance - min(spacing)), distance)


def of_each(masks, function):
    """A map of every class of every sample, of masks (N, C, spatial…)."""
    return np.stack([[function(mask) for mask in sample] for sample in masks])


def one_hot(labels):
    return np.stack([labels == label for label in range(3)], 1)


def made(term, activation, logits, target, **counted):
    ((_, found),) = Objective(term, activation=activation).maps(logits, target, **counted).items()
    assert found.dtype == np.float32 and found.shape in (logits.shape, of_all(logits).shape)
    return found


def of_all(logits):
    return logits[:, :1]


def close(found, wanted):
    """To a rounding of the square root and of the power, in float32."""
    np.testing.assert_allclose(found, wanted, rtol=3e-7, atol=0)


@BOTH
def test_boundary(kind):
    logits, labels, spacing = batch(kind)
    for steps in (None, spacing):
        unit = (1.0,) * len(spacing) if steps is None else steps
        found = made(Boundary(spacing=steps), "softmax", logits, labels)
        wanted = of_each(one_hot(labels), lambda mask, unit=unit: signed(mask, unit))
        np.testing.assert_allclose(found, wanted, rtol=3e-7, atol=3e-7)


@BOTH
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("alpha", [1.0, 2.0, 1.5])
def test_hausdorff(kind, activation, alpha):
    logits, labels, spacing = batch(kind)
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    softmax = exponentials / exponentials.sum(1, keepdims=True)
    predicted = (softmax if activation == "softmax" else 1 / (1 + np.exp(-logits))) > 0.5
    found = made(HausdorffDT(alpha=alpha, spacing=spacing), activation, logits, labels)
    fields = [of_each(m, lambda m: to_border(m, spacing)) for m in (predicted, one_hot(labels))]
    close(found, fields[0] ** alpha + fields[1] ** alpha)


@BOTH
@pytest.mark.parametrize("radius", [0.0, 1.0, 2.3])
def test_skeleton_recall(kind, radius):
    morphology = pytest.importorskip("skimage.morphology", reason="needs scikit-image")
    logits, labels, spacing = batch(kind)

    def tube(mask):
        skeleton = morphology.skeletonize(mask, method="lee").astype(bool)
        # What scikit-image loses whole it does not count as a component of one voxel.
        parts, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
        lost = [part for part in range(1, count + 1) if not skeleton[parts == part].any()]
        if not skeleton.any():
            return np.zeros(mask.shape), np.isin(parts, lost)
        near = ndimage.distance_transform_edt(~skeleton, sampling=spacing) <= radius + 1e-9
        return mask & near, np.isin(parts, lost)

    found = made(SkeletonRecall(radius=radius, spacing=spacing), "softmax", logits, labels)
    for sample, masks in zip(found, one_hot(labels), strict=True):
        for channel, mask in zip(sample, masks, strict=True):
            wanted, lost = tube(mask)
            np.testing.assert_array_equal(channel[~lost], wanted[~lost])
            assert set(np.unique(channel)) <= {0.0, 1.0}


def border_weights(mask, spacing, w0, sigma):
    parts, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    if count < 2:
        return np.ones(mask.shape)
    distances = [
        ndimage.distance_transform_edt(parts != part, sampling=spacing)
        for part in range(1, count + 1)
    ]
    nearest = np.sort(distances, axis=0)[:2].sum(0)
    return 1 + w0 * np.exp(-(nearest**2) / (2 * sigma**2))


@BOTH
@pytest.mark.parametrize(("w0", "sigma"), [(10.0, 5.0), (3.0, 0.8)])
def test_border_cross_entropy(kind, w0, sigma):
    logits, labels, spacing = batch(kind)
    masks = one_hot(labels)
    loss = BorderCrossEntropy(w0=w0, sigma=sigma, spacing=spacing)
    found = made(loss, "sigmoid", logits, labels)
    wanted = of_each(masks, lambda mask: border_weights(mask, spacing, w0, sigma))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    # One map for all classes, of the components of each but the background that was annotated.
    found = made(loss, "softmax", logits, labels)
    shared = wanted[:, 1:].max(1)
    np.testing.assert_allclose(found, shared[:, None], rtol=1e-5)
    part = made(replace(loss, background=False), "softmax", logits, labels)
    np.testing.assert_array_equal(part, found)
    valid = np.array([[True, True, False], [False, True, False]])
    part = made(loss, "softmax", logits, labels, class_valid=valid)
    np.testing.assert_allclose(part, wanted[:, 1:2], rtol=1e-5)
    # The loss is U-Net's, whether the map is handed in or made.
    objective = Objective(loss, activation="softmax")
    log = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    picked = np.take_along_axis(log, labels[:, None], 1)[:, 0]
    wanted = -(shared * picked).sum() / shared.sum()
    assert objective.loss(logits, labels) == pytest.approx(wanted, rel=1e-6)
    given = objective.loss(logits, labels, maps={"border": found})
    assert given == pytest.approx(wanted, rel=1e-6)


def test_what_does_not_count_is_in_no_class():
    logits, labels, _ = batch("2-D")
    hidden = np.random.default_rng(3).random(labels.shape) < 0.2
    ignored = np.where(hidden, 255, labels)
    masks = one_hot(labels) & ~hidden[:, None]
    wanted = of_each(masks, lambda mask: signed(mask, (1.0, 1.0)))
    for target, counted in (
        (ignored, {"ignore_index": 255}),
        (labels, {"mask": ~hidden}),
        (labels, {"voxel_weight": np.where(hidden, 0.0, 2.0)}),
    ):
        found = made(Boundary(), "softmax", logits, target, **counted)
        np.testing.assert_allclose(found, wanted, rtol=3e-7, atol=3e-7)


def test_dense_targets_and_regions():
    logits, labels, _ = batch("2-D")
    wanted = made(Boundary(), "sigmoid", logits, labels)
    soft = np.where(one_hot(labels), 0.7, 0.2)
    np.testing.assert_array_equal(made(Boundary(), "sigmoid", logits, soft), wanted)
    regions = [[], [0, 1], [1, 2]]
    masks = np.stack([labels == 1, labels > 0, labels == 2], 1)
    found = made(Boundary(), "sigmoid", logits, labels, regions=regions)
    np.testing.assert_array_equal(found, made(Boundary(), "sigmoid", logits, masks))


def test_classes_that_no_term_looks_at_are_left_alone():
    logits, labels, _ = batch("2-D")
    whole = made(Boundary(), "softmax", logits, labels)
    found = made(Boundary(background=False), "softmax", logits, labels)
    np.testing.assert_array_equal(found, whole * np.array([0.0, 1.0, 1.0])[:, None, None])
    valid = np.array([[True, True, False], [True, False, True]])
    found = made(Boundary(), "softmax", logits, labels, class_valid=valid)
    np.testing.assert_array_equal(found, whole * valid[:, :, None, None])


@BOTH
def test_a_loss_makes_what_it_is_not_given(kind):
    logits, labels, spacing = batch(kind)
    terms = [
        (0.3, Boundary(spacing=spacing)),
        (0.2, HausdorffDT()),
        SkeletonRecall(background=False),
        (0.1, CrossEntropy(map="boundary")),
        Dice(),
    ]
    objective = Objective(terms[:3] + terms[4:], activation="softmax")
    maps = objective.maps(logits, labels)
    assert [*maps] == ["boundary", "hausdorff", "skeleton"]
    value, gradient = objective.loss_and_gradient(logits, labels)
    again, slopes = objective.loss_and_gradient(logits, labels, maps=maps)
    assert value == again and (gradient == slopes).all()
    one = {"boundary": maps["boundary"]}
    assert objective.loss(logits, labels, maps=one) == value
    with pytest.raises(ValueError, match="in the map 'boundary', wanted a value of at least 0"):
        Objective(terms, activation="softmax").loss(logits, labels)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (Boundary(spacing=[1.0]), r"boundary: spacing: found \[1.0\], wanted 2 numbers, one for"),
        (HausdorffDT(spacing=[1.0, 1.0, 1.0]), "hausdorff_dt: spacing: found"),
    ],
)
def test_spacing_of_other_axes_is_refused(term, said):
    logits, labels, _ = batch("2-D")
    with pytest.raises(ValueError, match=said):
        Objective(term, activation="softmax").loss(logits, labels)


def test_one_name_for_maps_of_two_activations_is_refused():
    logits, labels, _ = batch("2-D")
    both = [
        replace(loss, activation=of)
        for loss, of in ((BorderCrossEntropy(), "softmax"), (BorderCrossEntropy(), "sigmoid"))
    ]
    with pytest.raises(ValueError, match="map 'border': found two terms that want it made in"):
        Objective(both).loss(logits, labels)
    # Of a term that only names it, the activation is no matter.
    named = [Dice(activation="sigmoid", map="border"), both[0]]
    found = Objective(named).maps(logits, labels)["border"]
    np.testing.assert_array_equal(found, made(BorderCrossEntropy(), "softmax", logits, labels))


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_wrong_spacing_is_refused(bad):
    with pytest.raises(ValueError, match=r"[Bb]oundary: spacing: found"):
        Objective(Boundary(spacing=[1.0, bad]), activation="softmax")


def test_sizes_of_none_and_one():
    for shape in ((1, 2, 0), (1, 2, 1), (0, 2, 3, 4), (1, 2, 1, 1, 5)):
        logits = np.zeros(shape)
        labels = np.zeros((shape[0], *shape[2:]), dtype=int)
        for term in (Boundary(), HausdorffDT(), SkeletonRecall()):
            value = Objective(term, activation="softmax").loss(logits, labels)
            assert 0.0 <= value <= 1.0


def test_more_than_three_axes_want_a_map():
    logits, labels = np.zeros((1, 2, 2, 2, 2, 2)), np.zeros((1, 2, 2, 2, 2), dtype=int)
    objective = Objective(Boundary(), activation="softmax")
    with pytest.raises(ValueError, match=r"spatial axes of the target: .* one to three axes"):
        objective.loss(logits, labels)
    assert objective.loss(logits, labels, maps={"boundary": np.zeros((1, 1, 2, 2, 2, 2))}) == 0.0
