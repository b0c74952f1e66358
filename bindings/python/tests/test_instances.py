"""Losses of instances, beside one masked loss for each of them; their maps beside SciPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dice_loss import Objective
from dice_loss.terms import (
    CrossEntropy,
    Dice,
    GeneralizedDice,
    InstanceCrossEntropy,
    IoU,
    Tversky,
)

ndimage = pytest.importorskip("scipy.ndimage", reason="needs scipy")
SHAPES = {"2-D": (2, 3, 14, 17), "3-D": (2, 3, 7, 9, 8)}
BOTH = pytest.mark.parametrize("kind", SHAPES)
POOLS = pytest.mark.parametrize("pool", ["cell", "blob"])


def batch(kind, seed=0):
    """Logits, and labels in blobs of all sizes; the last class is absent from the first sample."""
    generator = np.random.default_rng(seed)
    shape = SHAPES[kind]
    fields = generator.normal(size=shape)
    for row in fields.reshape(-1, *shape[2:]):
        row[...] = ndimage.gaussian_filter(row, 0.9)
    labels = fields.argmax(1)
    labels[generator.random(labels.shape) < 0.4] = 0
    labels[0][labels[0] == 2] = 0
    return 3 * generator.normal(size=shape), labels


def regions_of(mask, pool):
    """The voxels that each instance sees, or all where there are fewer than two."""
    parts, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    if count < 2:
        return [np.ones(mask.shape, bool)], count
    if pool == "blob":
        return [(parts == 0) | (parts == part) for part in range(1, count + 1)], count
    distances = [ndimage.distance_transform_edt(parts != part) for part in range(1, count + 1)]
    nearest = np.argmin(distances, axis=0)
    return [nearest == part for part in range(count)], count


def one_by_one(terms, logits, labels, pool, activation="softmax", mask=None):
    """The loss and gradient of the classes but the background, and the value of each."""
    counted = np.ones(labels.shape, bool) if mask is None else mask
    values, gradient, present = np.zeros(logits.shape[:2]), np.zeros(logits.shape), 0
    for sample, row in enumerate(labels):
        for k in range(1, logits.shape[1]):
            inside = (row == k) & counted[sample]
            regions, _ = regions_of(inside, pool)
            of_class = [replace(term, classes=(k,)) for term in terms]
            objective = Objective(of_class, activation=activation)
            for region in regions:
                value, slopes = objective.loss_and_gradient(
                    logits[sample : sample + 1],
                    row[None],
                    mask=(region & counted[sample])[None],
                )
                values[sample, k] += value / len(regions)
                gradient[sample] += slopes[0] / len(regions)
            present += inside.any()
    return values.sum() / present, gradient / present, values


@BOTH
@POOLS
@pytest.mark.parametrize("term", [Dice(), IoU(), Tversky(alpha=0.2, beta=0.8), Dice(squared=True)])
def test_one_masked_loss_for_each(kind, pool, term):
    logits, labels = batch(kind)
    mask = np.random.default_rng(5).random(labels.shape) < 0.9
    wanted, slopes, values = one_by_one([term], logits, labels, pool, mask=mask)
    objective = Objective(term, activation="softmax", pool=pool, background=False)
    found, gradient = objective.loss_and_gradient(logits, labels, mask=mask)
    assert found == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=0, atol=1e-12 * np.abs(slopes).max())
    apart = Objective(term, activation="softmax", pool=pool, background=False, reduction="none")
    np.testing.assert_allclose(apart.loss(logits, labels, mask=mask), values, rtol=1e-12)
    # Handed in, also with numbers of the loader's own and as another type.
    numbers = objective.maps(logits, labels, mask=mask)["instances"]
    renamed = np.where(numbers > 0, 3 * numbers + 5, 0).astype(np.int64)
    for given in (numbers, renamed):
        again = objective.loss(logits, labels, mask=mask, maps={"instances": given})
        assert again == pytest.approx(found, rel=1e-13)


@BOTH
@POOLS
def test_cross_entropy_of_instances(kind, pool):
    """The mean over classes and instances of the mean cross-entropy of each."""
    logits, labels = batch(kind, seed=3)
    mask = np.random.default_rng(6).random(labels.shape) < 0.9
    log = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    losses = -np.take_along_axis(log, labels[:, None], 1)[:, 0]
    wanted = []
    for row, counts, loss in zip(labels, mask, losses, strict=True):
        of_classes = []
        for k in (1, 2):
            regions, count = regions_of((row == k) & counts, pool)
            if count:
                of_classes.append(np.mean([loss[region & counts].mean() for region in regions]))
        wanted.append(np.mean(of_classes))
    term = InstanceCrossEntropy(division=f"{pool}s")
    found = Objective(term, activation="softmax").loss(logits, labels, mask=mask)
    assert found == pytest.approx(np.mean(wanted), rel=1e-6)


@POOLS
def test_cross_entropy_of_each_channel(pool):
    logits, labels = batch("2-D", seed=4)
    dense = np.stack([labels == k for k in range(3)], 1).astype(float)
    p = 1 / (1 + np.exp(-logits))
    losses = -(dense * np.log(p) + (1 - dense) * np.log(1 - p))
    wanted = [
        np.mean([loss[region].mean() for region in regions_of(mask > 0, pool)[0]])
        for row, of_row in zip(dense, losses, strict=True)
        for mask, loss in zip(row, of_row, strict=True)
    ]
    term = InstanceCrossEntropy(division=f"{pool}s")
    found = Objective(term, activation="sigmoid").loss(logits, dense)
    assert found == pytest.approx(np.mean(wanted), rel=1e-6)


def test_spacing_moves_the_borders_of_cells():
    labels = np.zeros((1, 9, 9), int)
    labels[0, 0, 0] = labels[0, 8, 4] = 1
    logits = np.zeros((1, 2, 9, 9))
    maps = [
        Objective(InstanceCrossEntropy(spacing=spacing), activation="softmax").maps(logits, labels)
        for spacing in (None, (1.0, 5.0))
    ]
    of_first = [
        np.sum(m["instance_weights"][0, 0] == m["instance_weights"][0, 0, 0, 0]) for m in maps
    ]
    assert of_first[0] != of_first[1]
    for m in maps:
        assert m["instance_weights"][0, 0].sum() == pytest.approx(1.0, rel=1e-6)


def test_small_instances_count_as_much_as_large_ones():
    labels = np.zeros((1, 20, 20), int)
    labels[0, 1:9, 1:9] = 1
    labels[0, 15, 15] = 1
    logits = np.full((1, 2, 20, 20), -9.0)
    logits[:, 0] = 9.0
    logits[0, :, 1:9, 1:9] = [[[-9.0]], [[9.0]]]
    whole, cells = (
        Objective(Dice(), activation="softmax", background=False, pool=pool).loss(logits, labels)
        for pool in ("sample", "cell")
    )
    # One of two is missed.
    assert whole == pytest.approx(1 / 129, rel=1e-3) and cells == pytest.approx(0.5, rel=1e-3)


def test_what_does_not_fit_is_said():
    logits, labels = batch("2-D")
    with pytest.raises(
        ValueError, match="generalized_dice: pool: found cell, wanted sample, batch"
    ):
        Objective(GeneralizedDice(), activation="softmax", pool="cell").loss(logits, labels)
    both = [Dice(pool="cell"), Dice(pool="blob")]
    with pytest.raises(ValueError, match="found cells of dice and blobs of dice, wanted one kind"):
        Objective(both, activation="softmax").loss(logits, labels)
    cells = Objective([Dice(pool="cell"), CrossEntropy()], activation="softmax")
    numbers = np.zeros(logits.shape)
    numbers[1, 2, 3, 4] = 1.5
    with pytest.raises(
        ValueError, match=r"sample 1, class 2, voxel \[3, 4\]: found 1.5, wanted 0 for"
    ):
        cells.loss(logits, labels, maps={"instances": numbers})
    with pytest.raises(ValueError, match="map 'instances': found shape"):
        cells.loss(logits, labels, maps={"instances": numbers[..., :3]})
    plain = Objective(Dice(), activation="softmax")
    with pytest.raises(ValueError, match="maps: found 'instances', wanted none"):
        plain.loss(logits, labels, maps={"instances": numbers})
    named = [Dice(pool="cell"), CrossEntropy(map="instances")]
    with pytest.raises(
        ValueError, match="cross_entropy: map: found instances, wanted another name"
    ):
        Objective(named, activation="softmax")


def test_moments_add_up():
    """Over samples and over batches, as ranks do: the mean over the classes of all."""
    logits, labels = batch("2-D", seed=8)
    objective = Objective(Dice(), activation="softmax", background=False, pool="cell")
    whole = objective.measure(logits, labels)
    halves = [objective.measure(logits[i : i + 1], labels[i : i + 1]) for i in range(2)]
    wanted = objective.evaluate(whole).loss
    assert objective.evaluate(whole.pooled()).loss == pytest.approx(wanted, rel=1e-14)
    pooled = halves[0].pooled() + halves[1].pooled()
    assert objective.evaluate(pooled).loss == pytest.approx(wanted, rel=1e-14)
    verdict = objective.evaluate(pooled)
    slopes = objective.pull_back(verdict, logits[:1], labels[:1])
    _, of_all = objective.loss_and_gradient(logits, labels)
    np.testing.assert_allclose(slopes, of_all[:1], rtol=0, atol=1e-15)


def test_numbers_of_any_size_stay_apart():
    x, labels = np.zeros((1, 1, 4)), np.array([[1, 0, 1, 0]])
    x[0, 0, :2] = 5
    objective = Objective(Dice(), activation="sigmoid", pool="cell")
    losses = [
        objective.loss(x, labels, maps={"instances": np.array([[[a, a, b, b]]])})
        for a, b in ((1, 2), (2**24, 2**24 + 1), (7, 2**40))
    ]
    assert losses[0] == losses[1] == losses[2]


@POOLS
@pytest.mark.parametrize("absent", ["skip", "zero", "formula"])
def test_an_instance_of_which_nothing_counts_is_no_part_of_the_mean(pool, absent):
    x, labels = np.array([[[3.0, 3.0, -3.0, -3.0, 0.0]]]), np.array([[1, 1, 0, 1, 1]])
    numbers, mask = np.array([[[1, 1, 2, 2, 3]]]), np.array([[1, 1, 1, 1, 0]])
    if pool == "blob":
        numbers = np.array([[[1, 1, 0, 2, 3]]])
    objective = Objective(Dice(), activation="sigmoid", pool=pool, absent=absent)
    found = objective.loss(x, labels, mask=mask, maps={"instances": numbers})
    without = objective.loss(x[..., :4], labels[..., :4], maps={"instances": numbers[..., :4]})
    assert found == pytest.approx(without, rel=1e-12)
