"""Maps: what each voxel weighs in the terms that name them, beside the weights of the target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from . import _core
from ._shapes import Shape
from ._tracing import constant_in_graphs


class Wanted(NamedTuple):
    """A map that something of an objective reads."""

    name: str
    #: What makes it of the target, and for "hausdorff" and "hardest" of the logits; None if it is
    #: to be given.
    recipe: str | None
    #: Whether it may be negative.
    is_signed: bool


@constant_in_graphs
def wanted(spec: str) -> tuple[Wanted, ...]:
    """The maps that an objective reads, in the order of their names."""
    return _wanted(spec)


@lru_cache(maxsize=256)
def _wanted(spec: str) -> tuple[Wanted, ...]:
    return tuple(Wanted(*found) for found in _core.maps(spec))


@constant_in_graphs
def made_channels(spec: str, name: str, classes: int) -> int:
    """Those of a map that is made: 1 if it is the same for all classes, or C."""
    return _core.made_channels(spec, name, classes)


#: The largest value of a map.
LARGEST = 1e12


def said(map: Wanted) -> str:
    """What a map may hold, in the engine's words."""
    if map.is_signed:
        return "a value from -1e12 to 1e12"
    return "a value of at least 0, and at most 1e12"


def given(maps: Mapping[str, Any] | None, wanted: tuple[Wanted, ...]) -> list[Any]:
    """What is given of the maps that are wanted, in their order; None for what has to be made.

    Fails for others, and where nothing makes one that is not there.
    """
    if maps is None:
        maps = {}
    if not isinstance(maps, Mapping):
        raise TypeError(
            f"maps: found {type(maps).__name__}, wanted a mapping from names to arrays, such as "
            '{"boundary": distances}'
        )
    names = [map.name for map in wanted]
    for name in maps:
        if name not in names:
            read = f"maps that terms read: {names}" if names else "none: no term reads a map"
            raise ValueError(f"maps: found {name!r}, wanted {read}")
    for map in wanted:
        if map.recipe is None and maps.get(map.name) is None:
            raise ValueError(
                f"maps: found none called {map.name!r}, wanted one of shape (N, 1, spatial…) or "
                f"(N, C, spatial…), as maps={{{map.name!r}: …}}"
            )
    return [maps.get(map.name) for map in wanted]


def shape_of(name: str, found: Shape, logits: Shape, axis: int = 1) -> tuple[Any, ...]:
    """(N, 1, spatial…) or (N, C, spatial…), with the channels on this axis, of a map of that shape
    or of (N, spatial…)."""
    axis %= len(logits)
    without = (*logits[:axis], *logits[axis + 1 :])
    of_all = (*logits[:axis], 1, *logits[axis + 1 :])
    for shape, read in ((of_all, of_all), (logits, logits), (without, of_all)):
        if len(found) == len(shape) and all(map(_fits, found, shape)):
            return read
    raise ValueError(
        f"map {name!r}: found shape {found}, wanted {of_all} for all classes alike or {logits} "
        "for each"
    )


def _fits(found: int | None, wanted: int | None) -> bool:
    return found == wanted or found is None or wanted is None
