"""What maps and options the morphology takes, and what it says of others."""

from __future__ import annotations

import threading

import dice_loss
import numpy as np
import pytest
import torch
from dice_loss import morphology
from label_maps import label_map, masks

PER_CLASS = {
    "distance_transform": lambda labels, **options: morphology.distance_transform(
        labels, **options
    ),
    "signed_distance": lambda labels, **options: morphology.signed_distance(labels, **options),
    "dilate": lambda labels, **options: morphology.dilate(labels, 2, **options),
    "erode": lambda labels, **options: morphology.erode(labels, 1, **options),
}
OTHERS = {
    "connected_components": lambda labels: morphology.connected_components(labels).map,
    "skeletonize": morphology.skeletonize,
    "nearest_component": lambda labels: morphology.nearest_component(labels),
    "two_nearest": lambda labels: morphology.two_nearest(labels)[1],
    "border_weights": morphology.border_weights,
}
TYPES = (np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.int64)


@pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: dtype.__name__)
def test_every_integer_type_sees_the_same(dtype):
    labels = label_map((12, 17))
    for function in PER_CLASS.values():
        wanted = function(labels, classes=(2, 4))
        np.testing.assert_array_equal(function(labels.astype(dtype), classes=(2, 4)), wanted)
    for function in OTHERS.values():
        np.testing.assert_array_equal(function(labels.astype(dtype)), function(labels))


def test_strides_byte_orders_and_lists():
    labels = label_map((12, 17)).astype(np.int32)
    spread = np.zeros((24, 34), np.int32)
    spread[::2, ::2] = labels
    for other in (
        spread[::2, ::2],
        np.asfortranarray(labels),
        labels[::-1, ::-1].copy()[::-1, ::-1],
        labels.astype(">i4"),
        labels.tolist(),
    ):
        for function in PER_CLASS.values():
            wanted = function(labels, classes=3)
            np.testing.assert_array_equal(function(other, classes=3), wanted)
        for function in OTHERS.values():
            np.testing.assert_array_equal(function(other), function(labels))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads_finds_the_same(threads, monkeypatch):
    labels = label_map((40, 50, 60))
    wanted = [function(labels, classes=(1, 2)) for function in PER_CLASS.values()]
    wanted += [function(labels) for function in OTHERS.values()]
    monkeypatch.setattr(dice_loss._threads, "_chosen", threads)
    found = [function(labels, classes=(1, 2)) for function in PER_CLASS.values()]
    found += [function(labels) for function in OTHERS.values()]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_tensors_come_back_as_tensors():
    labels = label_map((12, 17))
    tensor = torch.from_numpy(labels)
    for function in PER_CLASS.values():
        found = function(tensor, classes=[1, 3])
        assert isinstance(found, torch.Tensor)
        np.testing.assert_array_equal(found.numpy(), function(labels, classes=[1, 3]))
        mask = function(tensor.T == 2)
        np.testing.assert_array_equal(mask.numpy(), function(labels.T == 2))
    for function in OTHERS.values():
        found = function(tensor)
        assert isinstance(found, torch.Tensor)
        np.testing.assert_array_equal(found.numpy(), function(labels))


def test_tensors_elsewhere_are_refused():
    with pytest.raises(ValueError, match="labels: found a tensor on meta, wanted one on the cpu"):
        morphology.skeletonize(torch.zeros(3, 4, dtype=torch.int32, device="meta"))


def test_maps_without_voxels():
    for shape in [(0,), (3, 0), (0, 4), (2, 0, 3)]:
        for function in PER_CLASS.values():
            assert function(np.zeros(shape, int), classes=(1, 2)).shape == (2, *shape)
            assert function(np.zeros(shape, bool)).shape == shape
        for function in OTHERS.values():
            assert function(np.zeros(shape, int)).shape == shape
    # And no class at all.
    for function in PER_CLASS.values():
        assert function(np.ones((2, 3), int), classes=()).shape == (0, 2, 3)


def test_other_threads_go_on_meanwhile():
    mask = masks((90, 100, 110))[1]
    turns, done = [0], threading.Event()

    def count():
        while not done.is_set():
            turns[0] += 1

    other = threading.Thread(target=count)
    other.start()
    before = turns[0]
    morphology.distance_transform(mask)
    assert turns[0] > before
    done.set()
    other.join()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: morphology.distance_transform(np.zeros((2, 2), np.float32)),
            TypeError,
            "labels: found float32, wanted bool or integers",
        ),
        (
            lambda: morphology.distance_transform(np.zeros((2, 2), int)),
            TypeError,
            "classes: found none with a label map, wanted the labels to look at, or a boolean mask",
        ),
        (
            lambda: morphology.distance_transform(np.zeros((2, 2), bool), classes=1),
            TypeError,
            "classes: found 1 with a mask, wanted a label map",
        ),
        (
            lambda: morphology.distance_transform(np.zeros((2, 2), np.uint8), classes=(1, 256)),
            ValueError,
            "classes: found 256, wanted integers that uint8 holds",
        ),
        (
            lambda: morphology.skeletonize(np.zeros((2, 2, 2, 2), bool)),
            ValueError,
            "labels: found shape (2, 2, 2, 2), wanted one to three axes",
        ),
        (
            lambda: morphology.erode(np.zeros((2, 2), bool), 1, spacing=(1, 1, 1)),
            ValueError,
            "spacing: found [1.0, 1.0, 1.0], wanted a number, or 2, one for each axis",
        ),
        (
            lambda: morphology.signed_distance(np.zeros((2, 2), bool), spacing=(1, -1)),
            ValueError,
            "spacing: found -1 along axis 1, wanted 1e-9 to 1e9, in any unit of length",
        ),
        (
            lambda: morphology.signed_distance(np.zeros((2, 2), bool), convention="inside"),
            ValueError,
            "convention: found inside, wanted centres or boundary",
        ),
        (
            lambda: morphology.dilate(np.zeros((2, 2), bool), -1),
            ValueError,
            "radius: found -1, wanted 0 or more, and finite",
        ),
        (
            lambda: morphology.connected_components(np.zeros((2, 2), bool), connectivity=6),
            ValueError,
            "connectivity: found 6, wanted 4 or 8 in 2-D",
        ),
        (
            lambda: morphology.nearest_component(np.zeros((2, 2), bool)),
            TypeError,
            "components: found a mask, wanted numbers: connected_components(mask).map",
        ),
        (
            lambda: morphology.border_weights(np.zeros((2, 2), int), sigma=0),
            ValueError,
            "sigma: found 0, wanted above 0, and finite",
        ),
    ],
)
def test_what_was_found_and_what_was_wanted(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
