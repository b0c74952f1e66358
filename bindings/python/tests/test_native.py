"""The native module's own contract: whatever a view says, only the memory lent is touched."""

from __future__ import annotations

import numpy as np
import pytest
from dice_loss import CrossEntropy, Dice, _core, _spec
from dice_loss._arrays import view

SPEC = _spec.spec(Dice(), activation="softmax")
OPTIONS = ("labels", None, None, None, None, None, [])
X = np.zeros((2, 3, 4), np.float32)
LABELS = np.zeros((2, 4), np.uint8)
SUMS = np.zeros((2, 5, 3))


def lent(array, **changes):
    """The view of an array, told otherwise."""
    address, shape, strides, dtype = view(array)
    told = {"address": address, "shape": shape, "strides": strides, "dtype": dtype} | changes
    return tuple(told.values())


def measure(logits=None, target=None, options=OPTIONS, threads=1, out=None, spec=SPEC):
    logits, target, out = logits or lent(X), target or lent(LABELS), out or lent(SUMS)
    return _core.measure(spec, logits, target, options, threads, out)


def pull_back(slopes, gradient):
    _core.pull_back(SPEC, slopes, lent(X), lent(LABELS), OPTIONS, 1, gradient)


BIG = 2**62
REFUSED = {
    "no memory": (lambda: measure(lent(X, address=0)), "logits: found no memory"),
    "an odd address": (
        lambda: measure(lent(X, address=X.__array_interface__["data"][0] + 1)),
        "address of the logits: found .*, wanted a multiple of 4",
    ),
    "negative strides": (
        lambda: measure(lent(X, strides=(12, -4, 1))),
        "strides: found .* 0 or more",
    ),
    "too few strides": (lambda: measure(lent(X, strides=(12, 4))), "wanted one for each axis"),
    "a shape beyond memory": (
        lambda: measure(lent(X, shape=(BIG, 3, 4))),
        "found shape|shape of the",
    ),
    "strides beyond memory": (lambda: measure(lent(X, strides=(BIG, BIG, 1))), "address space"),
    "an unknown element type": (
        lambda: measure(lent(X, dtype="int8")),
        "element type of the logits",
    ),
    "float16 labels": (
        lambda: measure(target=lent(LABELS, dtype="float16")),
        "element type of the labels: found float16",
    ),
    "labels of other voxels": (
        lambda: measure(target=lent(LABELS, shape=(4, 2))),
        r"shape of the labels: found \(4, 2\), wanted \(2, 4\) or \(2, 1, 4\)",
    ),
    "moments of another shape": (
        lambda: measure(out=lent(SUMS, shape=(2, 4, 3))),
        r"shape of the moments: found \(2, 4, 3\), wanted \(2, 5, 3\)",
    ),
    "moments that are not contiguous": (
        lambda: measure(out=lent(SUMS, strides=(30, 3, 1))),
        "strides of moments: found .*, wanted contiguous memory",
    ),
    "moments of another type": (
        lambda: measure(out=lent(SUMS, dtype="int64")),
        "element type of moments: found int64, wanted float64",
    ),
    "moments over the logits": (
        lambda: measure(out=lent(SUMS, address=X.__array_interface__["data"][0])),
        "moments: found memory that is also read from",
    ),
    "no threads": (lambda: measure(threads=0), "threads: found 0, wanted 1 or more"),
    "no objective": (
        lambda: measure(spec="{}"),
        "objective: terms: found null, wanted a list of terms",
    ),
    "an unknown kind of target": (
        lambda: measure(options=("words", None, None, None, None, None, [])),
        "wanted labels, dense, or regions with a table",
    ),
    "regions without a table": (
        lambda: measure(options=("regions", None, None, None, None, None, [])),
        "regions with a table",
    ),
    "a gradient of another shape": (
        lambda: pull_back(lent(SUMS), lent(X, shape=(2, 4, 3))),
        r"shape of the gradient: found \(2, 4, 3\), wanted \(2, 3, 4\)",
    ),
    "a gradient over the logits": (
        lambda: pull_back(lent(SUMS), lent(X)),
        "gradient: found memory that is also read from",
    ),
    "a gradient that overlaps itself": (
        lambda: pull_back(lent(SUMS), lent(X.copy(), strides=(12, 0, 1))),
        "elements do not overlap",
    ),
    "a gradient of another type": (
        lambda: pull_back(lent(SUMS), lent(np.zeros(X.shape))),
        "gradient: found elements of type f64, wanted f32",
    ),
    "slopes of another batch": (
        lambda: pull_back(lent(np.zeros((3, 5, 3))), lent(X.copy())),
        r"shape of the slopes: found \(3, 5, 3\), wanted \(2, 5, 3\)",
    ),
}


COUNTS = np.zeros((2, 4, 3), np.int64)
REFUSED |= {
    "a gradient over the slopes": (
        lambda: pull_back(
            lent(SUMS), lent(SUMS, shape=X.shape, strides=(12, 4, 1), dtype="float32")
        ),
        "gradient: found memory that is also read from",
    ),
    "labels that are not contiguous": (
        lambda: _core.counts(
            lent(COUNTS[:, 0]), lent(COUNTS[:, 0].copy()), 3, None, None, 1, lent(COUNTS)
        ),
        "strides of prediction: found .*, wanted contiguous memory",
    ),
    "counts over the masks": (
        lambda: _core.counts(
            lent(COUNTS, shape=(2, 3, 4), strides=(12, 4, 1), dtype="uint8"),
            lent(np.zeros((2, 3, 4), bool)),
            None,
            None,
            None,
            1,
            lent(COUNTS),
        ),
        "counts: found memory that is also read from",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_view_that_cannot_be_is_refused(what):
    call, message = REFUSED[what]
    before = X.copy()
    with pytest.raises(ValueError, match=message):
        call()
    np.testing.assert_array_equal(X, before)


def test_a_bool_that_is_neither_is_an_error_not_undefined():
    odd = np.full((2, 3, 4), 7, np.uint8).view(bool)
    with pytest.raises(ValueError, match="found target 7"):
        measure(target=lent(odd), options=("dense", None, None, None, None, None, []))


def test_broadcast_strides_are_read():
    one = np.random.default_rng(0).normal(size=(1, 3, 4)).astype(np.float32)
    measure(lent(np.broadcast_to(one, X.shape)))
    np.testing.assert_array_equal(SUMS[0], SUMS[1])


def test_nothing_is_written_beside_a_gradient_with_gaps():
    wide = np.full((2, 3, 6), 9.0, np.float32)
    slopes = np.ones((1, 5, 3))
    pull_back(lent(slopes), lent(wide[:, :, :4]))
    assert (wide[:, :, 4:] == 9.0).all() and not (wide[:, :, :4] == 9.0).any()


def test_a_batch_without_voxels_takes_no_memory_whatever_its_samples():
    many = 2**40
    logits, labels = lent(X, shape=(many, 3, 0)), lent(LABELS, shape=(many, 0))
    gradient = lent(X.copy(), shape=(many, 3, 0))
    _core.pull_back(SPEC, lent(SUMS[:1]), logits, labels, OPTIONS, 1, gradient)
    text = _spec.spec(CrossEntropy(), activation="softmax", reduction="none")
    upstream = lent(X.copy(), shape=(many, 1, 0))
    _core.pull_back_map(text, upstream, logits, labels, OPTIONS, 1, gradient)


def test_many_objectives_are_forgotten_and_found_again():
    texts = [_spec.spec(Dice(smoothing=n), activation="softmax") for n in range(300)]
    for text in texts + texts:
        assert len(_core.integrands(text, 3)) == 5


def test_verdicts_of_reduction_none():
    text = _spec.spec(Dice(pool="batch"), activation="softmax", reduction="none")
    measure()
    verdict = _core.evaluate(text, lent(SUMS), None, False, None)
    assert verdict.shape == [3] and len(verdict.values) == 3
    assert verdict.cells == [0, 1, 2, 0, 1, 2]
    assert verdict.loss == pytest.approx(sum(verdict.values))
    pooled = _core.evaluate(text, lent(SUMS), None, True, None)
    assert pooled.values == pytest.approx(verdict.values) and pooled.cells == [0, 1, 2]
