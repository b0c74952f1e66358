"""The hardest voxels: beside mmsegmentation's OHEM, torch's topk and the engine's own map."""

from __future__ import annotations

import numpy as np
import pytest
from dice_loss import Objective, cross_entropy, dice_cross_entropy
from dice_loss.terms import BinaryCrossEntropy, CrossEntropy, Dice, Focal

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 4, 9, 11))
LABELS = GENERATOR.integers(0, 4, (2, 9, 11))


def log_losses(x=X, labels=LABELS):
    """−ln p of the label."""
    log = x - np.log(np.exp(x).sum(1, keepdims=True))
    return -np.take_along_axis(log, labels[:, None], 1)[:, 0]


def mmseg_weights(x, labels, thresh, min_kept, ignore_index=255):
    """`OHEMPixelSampler.sample` of mmsegmentation 1.2, in NumPy: 1 where a pixel is kept."""
    kept = min_kept * len(labels)
    valid = labels != ignore_index
    losses = log_losses(x, np.where(valid, labels, 0))
    weights = np.zeros(valid.sum())
    if thresh is None:
        weights[np.argsort(-losses[valid], kind="stable")[:kept]] = 1
    else:
        probability = np.exp(-losses)[valid]
        ordered = np.sort(probability)
        least = ordered[min(kept, len(ordered) - 1)] if len(ordered) else 0.0
        weights[probability < max(least, thresh)] = 1
    found = np.zeros(labels.shape)
    found[valid] = weights
    return found


def hardest(term, x=X, labels=LABELS, activation="softmax", **counted):
    ((name, found),) = Objective(term, activation=activation).maps(x, labels, **counted).items()
    assert name == "hardest" and found.dtype == np.float32
    return found


@pytest.mark.parametrize("thresh", [0.7, 0.2, 0.05, None])
@pytest.mark.parametrize("min_kept", [0, 5, 60, 500])
def test_mmsegmentation(thresh, min_kept):
    """Its `min_kept` is of each image, ours of the batch; `thresh=None` takes those alone."""
    if thresh is None and min_kept == 0:
        return
    labels = np.where(GENERATOR.random(LABELS.shape) < 0.1, 255, LABELS)
    wanted = mmseg_weights(X, labels, thresh, min_kept)
    threshold = 0.0 if thresh is None else thresh
    term = CrossEntropy(threshold=threshold, min_kept=2 * min_kept)
    found = hardest(term, labels=labels, ignore_index=255)
    # Of as many as there are mmsegmentation leaves out the easiest.
    if thresh is not None and 2 * min_kept >= (labels != 255).sum():
        assert found.sum() == (labels != 255).sum() == wanted.sum() + 1
    else:
        np.testing.assert_array_equal(found[:, 0], wanted)


@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.0, 3.0]])
def test_a_share_of_the_largest_losses(weights):
    by_label = np.ones(4) if weights is None else np.array(weights)
    losses, share = (by_label[LABELS] * log_losses()).ravel(), by_label[LABELS].ravel()
    taken = np.argsort(-losses, kind="stable")[: losses.size // 10]
    found, gradient = cross_entropy(X, LABELS, top_k=0.1, class_weights=weights)
    assert found == pytest.approx(losses[taken].sum() / share[taken].sum(), rel=1e-14)
    # What is not taken has no gradient.
    rows = np.abs(np.moveaxis(gradient, 1, -1).reshape(-1, 4)).sum(1)
    assert set(np.flatnonzero(rows)) == set(taken)


def test_voxel_weights_are_part_of_a_loss_and_of_no_probability():
    weight = GENERATOR.random(LABELS.shape) * 3 + 0.1
    losses = (weight * log_losses()).ravel()
    taken = np.argsort(-losses, kind="stable")[:19]
    found = hardest(CrossEntropy(top_k=0.1), voxel_weight=weight)
    assert set(np.flatnonzero(found)) == set(taken)
    below = hardest(CrossEntropy(threshold=0.2), voxel_weight=weight)
    np.testing.assert_array_equal(below[:, 0], log_losses() > -np.log(0.2))


def test_what_does_not_count_is_in_no_share():
    hidden = GENERATOR.random(LABELS.shape) < 0.5
    x = np.where(hidden[:, None], np.nan, X)
    losses = np.where(hidden, -np.inf, log_losses()).ravel()
    taken = np.argsort(-losses, kind="stable")[: (~hidden).sum() // 10]
    for labels, counted in (
        (np.where(hidden, 255, LABELS), {"ignore_index": 255}),
        (LABELS, {"mask": ~hidden}),
        (LABELS, {"voxel_weight": np.where(hidden, 0.0, 2.0)}),
    ):
        found = hardest(CrossEntropy(top_k=0.1), x, labels, **counted)
        assert set(np.flatnonzero(found)) == set(taken)
        value, gradient = cross_entropy(x, labels, top_k=0.1, **counted)
        assert value == pytest.approx(losses[taken].mean(), rel=1e-14)
        assert (gradient[np.broadcast_to(hidden[:, None], X.shape)] == 0).all()
    # Nor are classes that take no part.
    found = hardest(CrossEntropy(top_k=0.1, background=False))
    inside = np.where(LABELS > 0, log_losses(), -np.inf).ravel()
    taken = np.argsort(-inside, kind="stable")[: (LABELS > 0).sum() // 10]
    assert set(np.flatnonzero(found)) == set(taken)


def test_each_class_by_itself():
    """Under sigmoid a voxel has a loss for each class; those of all classes are ranked together."""
    inside = np.stack([label == LABELS for label in range(4)], 1)
    losses = np.log1p(np.exp(np.where(inside, -X, X)))
    taken = np.argsort(-losses.ravel(), kind="stable")[: X.size // 5]
    found = hardest(BinaryCrossEntropy(top_k=0.2), activation="sigmoid")
    assert found.shape == X.shape and set(np.flatnonzero(found)) == set(taken)
    valid = np.array([[True, False, True, True]] * 2)
    found = hardest(BinaryCrossEntropy(top_k=0.2), activation="sigmoid", class_valid=valid)
    assert found.sum() == X.size * 3 // 4 // 5 and not found[:, 1].any()


def test_beside_dice_it_is_one_objective():
    value, gradient = dice_cross_entropy(X, LABELS, top_k=0.1)
    dice, of_dice = Objective(Dice(), activation="softmax").loss_and_gradient(X, LABELS)
    hard, of_hard = cross_entropy(X, LABELS, top_k=0.1)
    assert value == pytest.approx(dice + hard, rel=1e-14)
    np.testing.assert_allclose(gradient, of_dice + of_hard, rtol=1e-12, atol=1e-15)


def test_moments_of_what_was_taken_add_up():
    """Each part takes its own, and the loss is the mean over what all have taken."""
    objective = Objective(CrossEntropy(top_k=0.25), activation="softmax")
    halves = [(X[:1], LABELS[:1]), (X[1:, :, :5], LABELS[1:, :5])]
    first, second = (objective.measure(x, labels).pooled() for x, labels in halves)
    losses = [np.sort(log_losses(x, labels).ravel())[::-1] for x, labels in halves]
    taken = np.concatenate([part[: part.size // 4] for part in losses])
    assert objective.evaluate(first + second).loss == pytest.approx(taken.mean(), rel=1e-14)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (CrossEntropy(top_k=1.5), "cross_entropy: top_k: found 1.5, wanted 0 to 1"),
        (Focal(threshold=-0.1), "focal: threshold: found -0.1, wanted 0 to 1"),
    ],
)
def test_numbers_out_of_range_are_refused(term, said):
    with pytest.raises(ValueError, match=said):
        Objective(term, activation="softmax").loss(X, LABELS)


def test_a_count_is_a_whole_number():
    for wrong, error in ((-1, ValueError), (0.5, TypeError), ("2", TypeError)):
        with pytest.raises(error, match="CrossEntropy: min_kept: found"):
            CrossEntropy(top_k=0.1, min_kept=wrong)
    assert CrossEntropy(top_k=0.1, min_kept=np.int64(7)).min_kept == 7


def test_two_selections_want_names_of_their_own():
    two = [CrossEntropy(top_k=0.1), Focal(top_k=0.1)]
    with pytest.raises(ValueError, match="map 'hardest': found two terms that want it made in"):
        Objective(two, activation="softmax").loss(X, LABELS)
    two[1] = Focal(top_k=0.1, map="hard for focal")
    found = Objective(two, activation="softmax").maps(X, LABELS)
    assert [*found] == ["hard for focal", "hardest"]
