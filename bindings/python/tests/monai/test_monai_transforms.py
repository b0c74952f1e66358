"""Dictionary transforms that prepare maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from dice_loss import morphology

pytest.importorskip("monai.transforms", reason="needs monai")
from dice_loss.monai.transforms import Componentsd, SignedDistanced, Skeletond
from monai.data import MetaTensor
from monai.transforms import Compose, RandSpatialCropd

SHAPES = [(9, 12), (6, 7, 8)]


def labels_of(shape, seed=0):
    """Regions of three classes: blocks of random labels."""
    coarse = np.random.default_rng(seed).integers(0, 3, [-(-size // 3) for size in shape])
    for axis in range(len(shape)):
        coarse = coarse.repeat(3, axis)
    return coarse[tuple(slice(size) for size in shape)][None].astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("convention", ["boundary", "centres"])
def test_distances(shape, convention):
    labels, spacing = labels_of(shape), (0.5, 2.0, 1.5)[: len(shape)]
    made = SignedDistanced("y", range(3), spacing=spacing, convention=convention)
    found = made({"y": labels, "x": 1})
    wanted = morphology.signed_distance(
        labels[0], classes=range(3), spacing=spacing, convention=convention
    )
    assert found["x"] == 1 and isinstance(found["y_distance"], np.ndarray)
    np.testing.assert_array_equal(found["y_distance"], wanted)


@pytest.mark.parametrize("radius", [0.0, 1.5])
def test_skeletons_stay_within_their_class(radius):
    labels = labels_of((12, 15))
    found = Skeletond("y", [1, 2], radius=radius)({"y": torch.from_numpy(labels)})["y_skeleton"]
    for channel, label in zip(found, (1, 2), strict=True):
        mask = labels[0] == label
        wanted = morphology.skeletonize(mask)
        if radius:
            wanted = morphology.dilate(wanted, radius) & mask
        np.testing.assert_array_equal(channel.numpy(), wanted.astype(np.float32))


def test_components():
    labels = labels_of((9, 12))
    found = Componentsd("y", connectivity=4)({"y": labels})["y_components"]
    wanted = morphology.connected_components(labels[0], connectivity=4).map
    np.testing.assert_array_equal(found, wanted[None])


def test_spacing_and_type_of_a_meta_tensor():
    affine = torch.diag(torch.tensor([2.0, 0.5, 3.0, 1.0]))
    labels = MetaTensor(torch.from_numpy(labels_of((6, 7, 8))).float(), affine=affine)
    found = SignedDistanced("y", range(3))({"y": labels})["y_distance"]
    assert isinstance(found, MetaTensor) and (found.affine == labels.affine).all()
    wanted = morphology.signed_distance(
        labels[0].numpy().astype(int), classes=range(3), spacing=(2, 0.5, 3), convention="boundary"
    )
    np.testing.assert_array_equal(found.numpy(), wanted)


def test_maps_are_cropped_with_their_labels():
    labels = labels_of((12, 15))
    pipeline = Compose(
        [
            SignedDistanced("y", range(3)),
            RandSpatialCropd(["y", "y_distance"], (6, 5), random_size=False),
        ]
    ).set_random_state(0)
    found = pipeline({"y": labels})
    inside = np.asarray(found["y_distance"])[
        np.asarray(found["y"])[0].astype(int), *np.ogrid[:6, :5]
    ]
    assert (inside <= 0).all(), "each voxel within its own class"


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (np.zeros((3, 4, 5)), ValueError, r"y: found shape \(3, 4, 5\), wanted labels"),
        (np.full((1, 4, 5), 0.5), ValueError, "y: found labels that are no integers"),
        ([1, 2], TypeError, "y: found list, wanted an array"),
    ],
)
def test_wrong_labels_are_refused(value, error, said):
    with pytest.raises(error, match=said):
        SignedDistanced("y", range(3)).__call__({"y": value})


def test_wrong_options_are_refused():
    with pytest.raises(TypeError, match="classes: found 3, wanted labels"):
        SignedDistanced("y", 3)
    with pytest.raises(KeyError, match="z"):
        SignedDistanced("z", range(3))({"y": labels_of((9, 12))})
