"""Losses of instances, one after another: what the engine does in one sweep for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .formula import Sums, perfect_unless
from .namespace import Array
from .objective import InstanceLoss, Integrand

if TYPE_CHECKING:
    from .voxels import Voxels

#: The name of the map of their numbers.
MAP = "instances"
_OF_DATA = ("reference", "reference_squared", "mapped", "voxels")


def of_instances(v: Voxels, integrand: Integrand, of: InstanceLoss) -> tuple[Array, Array]:
    """The loss of each class in each sample, a mean over its instances, and whether it counts:
    (N, C) each."""
    xp, numbers = v.xp, v.numbers(MAP)
    # (N, C) in one number for all classes too.
    any_voxel = 3 - v.axis
    whole = _sums(v, integrand, of)
    nowhere = xp.zeros_like(whole[_SIZE])
    present = () if 0 in tuple(v.x.shape) else checked(xp.distinct(numbers))
    there = {n: xp.any(numbers == n, any_voxel) & (nowhere == 0) for n in present}
    count = sum((xp.cast(has, nowhere) for has in there.values()), nowhere)
    is_whole = count < 2
    background = _sums(v, integrand, of, numbers == 0)
    asked = _Asked(v, of)
    for n, has in there.items():
        own = _sums(v, integrand, of, numbers == n)
        sums = own
        if of.pool == "blob":
            sums = {name: own[name] + background[name] for name in own}
        asked.add(sums, own[_SIZE], has & ~is_whole & (own[_VOXELS] > 0))
    asked.add(whole, whole[_SIZE], is_whole)
    return asked.mean()


def checked(numbers: Sequence[float]) -> list[float]:
    """Those of instances, without 0; fails as the engine does for what is none."""
    for number in numbers:
        if not (number >= 0 and number == number // 1):
            raise ValueError(
                f"instances: found {number:g}, wanted 0 for voxels of none, or the number of an "
                "instance, 1 and up"
            )
    return [number for number in numbers if number > 0]


#: Σ w g and Σ w without a map, under names that no formula reads.
_SIZE, _VOXELS = "size", "voxels there"


class _Asked:
    """What the formula said so far."""

    def __init__(self, v: Voxels, of: InstanceLoss) -> None:
        self._v, self._of = v, of
        self._loss: Array = 0.0
        self._count: Array = 0.0

    def add(self, sums: Sums, size: Array, is_there: Array) -> None:
        """An instance with these sums, of which so much is its own, where there is one."""
        xp, of, valid = self._v.xp, self._of, self._v.valid
        if valid is not None:
            is_there = is_there & valid
        has_it = is_there & (size > 0)
        is_asked = is_there if of.absent == "formula" else has_it
        counts = is_there if of.absent != "skip" else has_it
        value = of.formula.loss(xp, perfect_unless(xp, is_asked, sums), xp.ones_like(size))
        self._loss = self._loss + xp.where(is_asked, value, 0.0)
        self._count = self._count + xp.cast(counts, size)

    def mean(self) -> tuple[Array, Array]:
        """The mean, and whether it is of anything."""
        xp, some = self._v.xp, self._count > 0
        mean = self._loss / xp.where(some, self._count, 1.0)
        return xp.where(some, mean, 0.0), xp.cast(some, mean)


def _sums(v: Voxels, integrand: Integrand, of: InstanceLoss, inside: Array | None = None) -> Sums:
    """The sums that a formula reads, of all voxels or of those inside."""

    def sum(name: str, map: str | None) -> Array:
        activation = None if name in _OF_DATA else integrand.activation
        return v.sum(Integrand(name, activation, map=map), inside)

    sums = {
        name: sum(name, None if name == "voxels" else integrand.map) for name in of.formula.reads
    }
    sums[_SIZE], sums[_VOXELS] = sum("reference", None), sum("voxels", None)
    return sums
