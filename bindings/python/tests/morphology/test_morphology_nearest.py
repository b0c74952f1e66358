"""The nearest components beside SciPy's feature transform and a look at all of them."""

from __future__ import annotations

import numpy as np
from dice_loss import morphology
from label_maps import each_shape, each_spacing, masks
from scipy import ndimage

#: Rounding of squared spacings, and to float32.
ROUNDINGS = 8 * float(np.finfo(np.float32).eps)


def to_each(components, spacing):
    """The distance of every voxel to each component, by rising numbers."""
    numbers = range(1, components.max() + 1)
    distances = [
        ndimage.distance_transform_edt(components != number, sampling=spacing) for number in numbers
    ]
    # With fewer than two there is none.
    return np.stack([*distances, *(np.full(components.shape, np.inf) for _ in range(2))])


@each_shape
@each_spacing
def test_the_two_nearest_components(shape, spacing):
    spacing = spacing[-len(shape) :]
    for mask in masks(shape):
        components = morphology.connected_components(mask).map
        each = to_each(components, spacing)
        wanted = np.sort(each, axis=0)
        first, second = morphology.two_nearest(components, spacing=spacing)
        np.testing.assert_allclose(first, wanted[0], rtol=ROUNDINGS)
        np.testing.assert_allclose(second, wanted[1], rtol=ROUNDINGS)
        cells = morphology.nearest_component(components, spacing=spacing)
        assert cells.dtype == components.dtype
        if not mask.any():
            assert not cells.any()
        elif spacing[-1] == spacing[0] == 1:
            # The first of the least is the smallest number.
            np.testing.assert_array_equal(cells, each.argmin(axis=0) + 1)
        else:
            own = np.take_along_axis(each, cells[None] - 1, axis=0)[0]
            np.testing.assert_allclose(own, wanted[0], rtol=ROUNDINGS)
        weights = morphology.border_weights(components, w0=7, sigma=2.5, spacing=spacing)
        of_unet = 1 + 7 * np.exp(-((wanted[0] + wanted[1]) ** 2) / (2 * 2.5**2))
        np.testing.assert_allclose(weights, of_unet, rtol=1e-5)


def test_cells_are_those_of_scipy_where_nothing_ties():
    # SciPy gives the nearest voxel, any of those that tie.
    generator = np.random.default_rng(1)
    components = np.zeros((40, 50), np.uint8)
    components[generator.integers(0, 40, 6), generator.integers(0, 50, 6)] = range(1, 7)
    spacing = (1.37, 0.911)
    nearest = ndimage.distance_transform_edt(
        components == 0, sampling=spacing, return_distances=False, return_indices=True
    )
    found = morphology.nearest_component(components, spacing=spacing)
    first, second = morphology.two_nearest(components, spacing=spacing)
    alone = first < second
    assert alone.mean() > 0.9
    np.testing.assert_array_equal(found[alone], components[tuple(nearest)][alone])


def test_ties_go_to_the_smallest_number():
    found = morphology.nearest_component(np.array([0, 7, 0, 3, 0, 5]))
    np.testing.assert_array_equal(found, [7, 7, 3, 3, 3, 5])
