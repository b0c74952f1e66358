"""Morphology of masks and label maps: distances, components, skeletons and balls.

Every function takes one map with one to three axes, a NumPy array or a CPU tensor of PyTorch, and
gives back the same kind:

- a boolean mask, or
- an integer label map of any type, with `classes`: one label gives a map of the same shape, several
  give one for each, (C, spatial…).

`spacing` is the distance of voxels, one number for all axes or one for each, in any unit: distances
are in that unit. It must be 1e-9 to 1e9, and no number more than a million times another. Maps may
have axes of no voxels, or of one. A batch is a loop: each call uses all threads and lets go of the
GIL, and what it finds does not depend on the number of threads.

All raise TypeError for a map of floats, and for `classes` with a mask or without one where it is
wanted; ValueError for other shapes and options out of range, with what was found and wanted;
MemoryError where memory is wanting.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

import numpy as np

from . import _core, _options
from ._arrays import Array, view
from ._threads import get_num_threads

__all__ = [
    "Components",
    "border_weights",
    "connected_components",
    "dilate",
    "distance_transform",
    "erode",
    "nearest_component",
    "signed_distance",
    "skeletonize",
    "two_nearest",
]

#: A NumPy array, or a CPU tensor of PyTorch.
Map = TypeVar("Map")
Spacing: TypeAlias = float | Sequence[float]
Classes: TypeAlias = int | Iterable[int] | None


def distance_transform(
    labels: Map, *, classes: Classes = None, spacing: Spacing = 1.0, squared: bool = False
) -> Map:
    """The exact Euclidean distance of every voxel to the nearest voxel of each class, as float32.

    0 within the class, infinite everywhere if it has no voxel. Voxels are points at their centres.
    SciPy's and edt's transforms of a mask are those to its background, `distance_transform(~mask)`.

    Args:
        labels: a mask, or a label map with `classes`.
        classes: the labels wanted.
        spacing: of the voxels.
        squared: the square of the distance in its place, a whole number where the spacing is one.
    """
    given = _Given(labels, classes)
    out = given.per_class(np.float32)
    steps = spacing_of(spacing, given.shape)
    _core.distance_transform(*given.views, steps, bool(squared), given.threads, view(out))
    return given.back(out)


def signed_distance(
    labels: Map,
    *,
    classes: Classes = None,
    spacing: Spacing = 1.0,
    convention: Literal["centres", "boundary"] = "centres",
) -> Map:
    """The signed distance of every voxel to the border of each class, as float32: negative inside.

    Args:
        labels: a mask, or a label map with `classes`.
        classes: the labels wanted.
        spacing: of the voxels.
        convention: "centres" is the distance d to the nearest voxel of the other kind, −d inside;
            +∞ for a class without voxels, −∞ for one that fills the map. "boundary" is as the
            boundary loss has it, −(d − u) inside, with the smallest spacing u of the axes longer
            than one voxel, so that the voxels along the border are 0; 0 for a class without voxels,
            and for one that fills the map. The paper and MONAI's `BoundaryLoss` have u = 1, and
            no spacing.
    """
    given = _Given(labels, classes)
    out = given.per_class(np.float32)
    steps = spacing_of(spacing, given.shape)
    _core.signed_distance(*given.views, steps, str(convention), given.threads, view(out))
    return given.back(out)


def nearest_component(components: Map, *, spacing: Spacing = 1.0) -> Map:
    """The number of the component nearest to every voxel, in the map's own type: Voronoi cells.

    Of components equally far the smallest number is taken; 0 everywhere without components. Exact
    where all squared spacings are whole multiples of the smallest, else but for a rounding of them.

    Args:
        components: an integer map of numbers, 0 for background: `connected_components(mask).map`.
        spacing: of the voxels.
    """
    given = _Given(components, what="components")
    out = np.empty(given.shape, given.array.dtype)
    steps = spacing_of(spacing, given.shape)
    _core.nearest_component(given.views[0], steps, given.threads, view(out))
    return given.back(out)


def two_nearest(components: Map, *, spacing: Spacing = 1.0) -> tuple[Map, Map]:
    """The distances of every voxel to the nearest component and to the nearest other, as float32.

    Infinite where there is none. Arguments are those of `nearest_component`.
    """
    given = _Given(components, what="components")
    out = [np.empty(given.shape, np.float32) for _ in range(2)]
    steps = spacing_of(spacing, given.shape)
    _core.two_nearest(given.views[0], steps, given.threads, view(out[0]), view(out[1]))
    return given.back(out[0]), given.back(out[1])


def border_weights(
    components: Map, *, w0: float = 10.0, sigma: float = 5.0, spacing: Spacing = 1.0
) -> Map:
    """U-Net's weights of borders, as float32: 1 + w0 exp(−(d1 + d2)² / 2 sigma²).

    d1 and d2 are the distances of a voxel to the nearest component and to the nearest other one
    (1505.04597). 1 everywhere with fewer than two components.

    Args:
        components: an integer map of numbers, 0 for background: `connected_components(mask).map`.
        w0: the weight of a border without width.
        sigma: the width at which it wears off, in the unit of the spacing.
        spacing: of the voxels.
    """
    given = _Given(components, what="components")
    out = np.empty(given.shape, np.float32)
    steps = spacing_of(spacing, given.shape)
    _core.border_weights(given.views[0], steps, float(w0), float(sigma), given.threads, view(out))
    return given.back(out)


@dataclass(frozen=True, eq=False)
class Components:
    """Connected components, in the order of their classes and numbers.

    Attributes:
        map: the number of each voxel's component within its class, as int32; 0 for background.
        labels: the label of each component, in the map's own type; True of a mask.
        numbers: its number within the class, from 1 on, as int64.
        sizes: how many voxels it has, as int64.
        boxes: (K, 2, axes), int64: the first voxel of its bounding box along each axis, and the one
            past the last.
    """

    map: Any
    labels: Array
    numbers: Array
    sizes: Array
    boxes: Array

    def __len__(self) -> int:
        """How many components there are."""
        return len(self.sizes)

    def slices(self, index: int) -> tuple[slice, ...]:
        """The bounding box of a component, as an array is indexed with it."""
        start, stop = self.boxes[index].tolist()
        return tuple(slice(*ends) for ends in zip(start, stop, strict=True))


def connected_components(
    labels: Any, *, classes: Classes = None, connectivity: int | None = None
) -> Components:
    """The connected components of each class.

    Voxels of different classes never belong together. Components are numbered from 1 on within
    their class, in the order of their first voxels, the last axis fastest: those of a mask as SciPy
    numbers them.

    Args:
        labels: a mask, or a label map.
        classes: the labels wanted, by default all but 0; the others are background.
        connectivity: how many neighbours touch a voxel: 2 in 1-D, 4 or 8 in 2-D, 6, 18 or 26 in
            3-D; the most by default.
    """
    given = _Given(labels, classes, all_by_default=True)
    out = np.empty(given.shape, np.int32)
    neighbours = neighbours_of(connectivity)
    rows = np.frombuffer(
        _core.connected_components(
            *given.views, neighbours, given.threads, view(out.view(np.uint32))
        ),
        np.int64,
    ).copy()
    rows = rows.reshape(-1, 3 + 2 * len(given.shape))
    labels_of = given.classes[rows[:, 0]]
    return Components(
        given.back(out),
        labels_of.astype(bool) if given.is_mask else labels_of,
        rows[:, 1],
        rows[:, 2],
        rows[:, 3:].reshape(-1, 2, len(given.shape)),
    )


def skeletonize(labels: Map, *, classes: Classes = None) -> Map:
    """The skeleton of each class, one voxel wide: a mask or a label map, as given.

    Thinning that keeps every component in one piece (Lee 1994), in 2-D and 3-D: the same voxels as
    `skimage.morphology.skeletonize(mask, method="lee")`, but where that loses a small component as
    a whole, one voxel of it. Classes are thinned by themselves, and spacing does not matter. A
    class that fills the map is thinned as if background was beyond.

    Args:
        labels: a mask, or a label map.
        classes: the labels wanted, by default all but 0; others are 0 in what is returned.
    """
    given = _Given(labels, classes, all_by_default=True)
    out = np.empty(given.shape, given.array.dtype)
    _core.skeletonize(*given.views, given.threads, view(out))
    return given.back(out.view(bool) if given.is_mask else out)


def dilate(labels: Map, radius: float, *, classes: Classes = None, spacing: Spacing = 1.0) -> Map:
    """Each class grown by a ball, as boolean masks: the voxels no farther than `radius` from it.

    Masks of several classes may overlap. A class without voxels stays so.

    Args:
        labels: a mask, or a label map with `classes`.
        radius: in the unit of the spacing; a voxel up to a millionth farther is within, so that
            rounding decides nothing.
        classes: the labels wanted.
        spacing: of the voxels.
    """
    return _with_ball(labels, radius, classes, spacing, grown=True)


def erode(labels: Map, radius: float, *, classes: Classes = None, spacing: Spacing = 1.0) -> Map:
    """Each class worn off by a ball, as boolean masks: voxels farther than `radius` from others.

    Beyond the map there is nothing that wears off. Arguments are those of `dilate`.
    """
    return _with_ball(labels, radius, classes, spacing, grown=False)


def _with_ball(
    labels: Map, radius: float, classes: Classes, spacing: Spacing, *, grown: bool
) -> Map:
    given = _Given(labels, classes)
    out = given.per_class(np.uint8)
    steps = spacing_of(spacing, given.shape)
    _core.with_ball(*given.views, float(radius), grown, steps, given.threads, view(out))
    return given.back(out.view(bool))


class _Given(Generic[Map]):
    """A map and its classes as the native functions read them, and the way back."""

    def __init__(
        self,
        labels: Map,
        classes: Classes = None,
        *,
        all_by_default: bool = False,
        what: str = "labels",
    ) -> None:
        array = self._array(what, labels)
        self.is_mask = array.dtype == np.bool_
        if what == "components" and self.is_mask:
            raise TypeError(
                "components: found a mask, wanted numbers: connected_components(mask).map"
            )
        if array.dtype.kind not in "biu":
            raise TypeError(f"{what}: found {array.dtype.name}, wanted bool or integers")
        if not 1 <= array.ndim <= 3:
            raise ValueError(f"{what}: found shape {array.shape}, wanted one to three axes")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        array = np.ascontiguousarray(array).reshape(array.shape)
        self.array = array.view(np.uint8) if self.is_mask else array
        self.shape = array.shape
        self.one = self.is_mask
        if what == "components":
            self.classes = np.empty(0, self.array.dtype)
        else:
            self.classes = self._classes(classes, all_by_default)
        self.views = (view(self.array), view(self.classes))

    def _array(self, what: str, labels: Any) -> Array:
        torch = sys.modules.get("torch")
        self._torch: Any = None
        self.threads = get_num_threads()
        if torch is None or not isinstance(labels, torch.Tensor):
            return np.asarray(labels)
        if labels.device.type != "cpu":
            raise ValueError(f"{what}: found a tensor on {labels.device}, wanted one on the cpu")
        self._torch = torch
        self.threads = torch.get_num_threads()
        array: Array = labels.detach().numpy()
        return array

    def _classes(self, classes: Classes, all_by_default: bool) -> Array:
        if self.is_mask:
            if classes is not None:
                raise TypeError(f"classes: found {classes!r} with a mask, wanted a label map")
            return np.ones(1, np.uint8)
        if classes is None:
            if not all_by_default:
                raise TypeError(
                    "classes: found none with a label map, wanted the labels to look at, "
                    "or a boolean mask"
                )
            present = _core.labels_present(view(self.array), self.threads)
            return np.frombuffer(present, self.array.dtype).copy()
        self.one = not isinstance(classes, Iterable)
        numbers = list(classes) if isinstance(classes, Iterable) else [classes]
        limits = np.iinfo(self.array.dtype)
        for number in numbers:
            if isinstance(number, bool) or not limits.min <= operator.index(number) <= limits.max:
                raise ValueError(
                    f"classes: found {number!r}, wanted integers that {self.array.dtype.name} holds"
                )
        return np.array([operator.index(number) for number in numbers], self.array.dtype)

    def per_class(self, dtype: Any) -> Array:
        """Memory for a map of each class."""
        return np.empty((len(self.classes), *self.shape), dtype)

    def back(self, out: Array) -> Map:
        """Without the axis of classes where one was asked for, as what was given."""
        if self.one and out.ndim > len(self.shape):
            out = out[0]
        return cast(Map, out if self._torch is None else self._torch.from_numpy(out))


def neighbours_of(connectivity: int | None) -> int | None:
    """How many touch a voxel, which the engine compares with the axes."""
    if connectivity is None:
        return None
    neighbours = _options.integer("connectivity", connectivity)
    if neighbours < 0:
        raise ValueError(f"connectivity: found {neighbours}, wanted a number of neighbours")
    return neighbours


def spacing_of(spacing: Spacing, shape: tuple[int, ...]) -> list[float]:
    """One for each axis."""
    try:
        steps = np.asarray(spacing, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"spacing: found {spacing!r}, wanted a number, or {len(shape)}, one for each axis"
        ) from None
    if steps.ndim > 1 or (steps.ndim == 1 and len(steps) != len(shape)):
        raise ValueError(
            f"spacing: found {steps.tolist()}, wanted a number, or {len(shape)}, one for each axis"
        )
    return [float(step) for step in np.broadcast_to(steps, len(shape))]
