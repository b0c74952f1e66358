"""Neighbour-aware calibration loss."""

from __future__ import annotations

import pytest
import torch
from beside_monai import Batch, agree, drawn, ours, theirs

OPTIONS = {
    "shape": [(2, 3, 7, 6), (1, 4, 5, 6, 7), (3, 2, 1, 9)],
    "kernel_size": [3, 1, 5],
    "kernel_ops": ["mean", "gaussian"],
    "distance_type": ["l1", "l2"],
    "alpha": [0.1, 0.0, 2.0],
    "sigma": [1.0, 0.3, 2],
}


def batch(shape, seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=dtype)
    labels = torch.randint(0, shape[1], (shape[0], *shape[2:]), generator=generator)
    return Batch(x, (labels,))


@pytest.mark.parametrize(("case", "seed"), drawn(OPTIONS, draws=3))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nacl(case, seed, dtype):
    options = dict(case)
    shape = options.pop("shape")
    options |= {"classes": shape[1], "dim": len(shape) - 2}
    agree("NACLLoss", options, batch(shape, seed, dtype))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("size", [2, 4])
def test_a_cube_of_even_size(size):
    # Torch warns MONAI of it once.
    labels = batch((2, 3, 5, 6), 0).rest[0]
    found, wanted = (library.NACLLoss(3, 2, size) for library in (ours, theirs))
    torch.testing.assert_close(found.get_constr_target(labels), wanted.get_constr_target(labels))


def test_a_blur_of_each_axis():
    options = {"classes": 3, "dim": 2, "kernel_ops": "gaussian", "sigma": [0.5, 2.0]}
    agree("NACLLoss", options, batch((2, 3, 9, 8), 0))
    agree("NACLLoss", options | {"sigma": [0.5, 2.0, 1.0]}, batch((2, 3, 9, 8), 0))


@pytest.mark.parametrize(
    "options", [{"dim": 1}, {"kernel_ops": "median"}, {"distance_type": "l3"}, {"dim": "2"}]
)
def test_options_that_do_not_fit(options):
    agree("NACLLoss", {"classes": 3, "dim": 2, **options}, batch((2, 3, 4, 5), 0))


@pytest.mark.parametrize(
    ("shape", "change"),
    [
        ((2, 3, 4, 5), lambda labels: labels + 1),
        ((2, 3, 4, 5), lambda labels: labels - 1),
        ((2, 3, 4, 5), lambda labels: labels - 100),
        ((2, 3, 4, 5), lambda labels: labels[:, :3]),
        ((2, 3, 4, 5), lambda labels: labels.unsqueeze(1)),
        ((2, 3, 4, 5, 2), lambda labels: labels),
        ((2, 4, 4, 5), lambda labels: labels),
        ((2, 2, 4, 5), lambda labels: labels.clamp(max=1)),
    ],
)
def test_labels_and_shapes_that_do_not_fit(shape, change):
    found = batch(shape, 0)
    agree("NACLLoss", {"classes": 3, "dim": 2}, Batch(found.input, (change(found.rest[0]),)))


def test_labels_of_any_type():
    found = batch((2, 3, 4, 5), 0)
    loss = ours.NACLLoss(3, 2)
    wanted = theirs.NACLLoss(3, 2)(found.input, *found.rest)
    for dtype in (torch.uint8, torch.int16, torch.int32, torch.float32):
        torch.testing.assert_close(loss(found.input, found.rest[0].to(dtype)), wanted)


def test_widths_are_in_the_state_dict():
    options = {"classes": 3, "dim": 2, "kernel_ops": "gaussian", "sigma": 0.7}
    found, wanted = ours.NACLLoss(**options), theirs.NACLLoss(**options)
    assert found.state_dict() == wanted.state_dict()
    narrow = ours.NACLLoss(3, 2, kernel_ops="gaussian", sigma=2.0)
    narrow.load_state_dict(wanted.state_dict())
    x, (labels,) = batch((2, 3, 4, 5), 0).input, batch((2, 3, 4, 5), 0).rest
    assert narrow(x, labels) == found(x, labels)
    target = found.get_constr_target(labels)
    torch.testing.assert_close(target, wanted.get_constr_target(labels))


def test_half_precision_does_not_overflow():
    found = batch((1, 2, 512, 512), 0).to(torch.float16)
    loss = ours.NACLLoss(2, 2, alpha=1.0, distance_type="l2")
    value = loss(found.input * 100, *found.rest)
    wide = loss(found.input.double() * 100, *found.rest)
    assert value.dtype is torch.float32
    torch.testing.assert_close(value.double(), wide, rtol=1e-3, atol=0.0)
