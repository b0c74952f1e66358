"""Sums asked for by name: what they sum up, and the objective that measures them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from . import _core, _options, _spec
from ._choices import ACTIVATION
from ._options import BackgroundForeground
from ._plain.objective import Integrand
from ._plain.voxels import SUMS
from ._terms import ClassValues
from .terms import Activation

_Matrix = tuple[tuple[float, ...], ...]
_ClassValues = float | tuple[float, ...] | BackgroundForeground

ACTIVATIONS = ("softmax", "sigmoid", "probabilities")
_OF_DATA = ("reference", "reference_squared", "voxels")


class Plan(NamedTuple):
    """What to sum up."""

    integrands: tuple[Integrand, ...]
    #: The objective that measures these sums; None where the engine has none.
    spec: str | None
    #: Where they are in its moments.
    columns: tuple[int, ...]


def plan(
    sums: Sequence[str],
    activation: Activation,
    classes: int,
    gamma: ClassValues,
    distances: Sequence[Sequence[float]] | None,
) -> Plan:
    """What to measure for these sums, in the order asked for."""
    is_plain = type(sums) is tuple and type(activation) is str and type(gamma) is float
    if is_plain and distances is None:
        # Read when its plan is made; to read it every time would take longer than to find the plan.
        return _plan(sums, activation, classes, gamma, None)
    return _plan(
        _options.words("sums", sums),
        ACTIVATION["convert"]("activation", activation),
        classes,
        _options.class_values("gamma", gamma),
        _options.optional(_options.matrix, "distances", distances),
    )


@lru_cache(maxsize=256)
def _plan(
    sums: tuple[str, ...],
    activation: Activation,
    classes: int,
    gamma: _ClassValues,
    distances: _Matrix | None,
) -> Plan:
    ACTIVATION["convert"]("activation", activation)
    gamma = _options.class_values("gamma", gamma)
    integrands = _integrands(sums, activation, classes, gamma, distances)
    engine = dict(_core.sums())
    if not all(activation in (engine[name] or ACTIVATIONS) for name in sums):
        return Plan(integrands, None, ())
    spec = _spec.spec((), sums=[_described(integrand) for integrand in integrands])
    return Plan(integrands, spec, _spec.columns(spec, classes, sums))


def _integrands(
    sums: tuple[str, ...],
    activation: str,
    classes: int,
    gamma: _ClassValues,
    distances: _Matrix | None,
) -> tuple[Integrand, ...]:
    if activation == "softmax" and classes < 2:
        raise ValueError(
            f"activation: found 'softmax' of {classes} channels, wanted 2 channels or more; "
            "for one channel use sigmoid"
        )
    if not sums:
        raise ValueError("sums: found none, wanted one name or more")
    integrands = []
    for name in sums:
        if name not in SUMS:
            raise ValueError(f"sums: found {name!r}, wanted names among {SUMS}")
        values: tuple[float, ...] = ()
        if name in ("focal", "focal_negative"):
            values = _gammas(gamma, classes)
        elif name == "transport":
            values = _distances(distances, classes)
        integrands.append(Integrand(name, None if name in _OF_DATA else activation, values))
    return tuple(integrands)


def _described(integrand: Integrand) -> dict[str, Any]:
    """As the engine writes it."""
    described: dict[str, Any] = {"sum": integrand.name}
    if integrand.activation is not None:
        described["activation"] = integrand.activation
    values = integrand.values
    if integrand.name == "transport":
        classes = math.isqrt(len(values))
        described["distances"] = [values[k * classes :][:classes] for k in range(classes)]
    elif values:
        described["gamma"] = values
    return described


def _gammas(gamma: _ClassValues, classes: int) -> tuple[float, ...]:
    if isinstance(gamma, BackgroundForeground):
        gammas = (gamma.background,) + (gamma.foreground,) * (classes - 1)
    else:
        gammas = gamma if isinstance(gamma, tuple) else (gamma,) * classes
    if len(gammas) != classes or any(value < 0 for value in gammas):
        raise ValueError(
            f"gamma: found {gamma}, wanted a number of at least 0, or {classes} of them"
        )
    return gammas


def _distances(distances: _Matrix | None, classes: int) -> tuple[float, ...]:
    if distances is None:
        return tuple(float(a != b) for a in range(classes) for b in range(classes))
    entries = tuple(entry for row in distances for entry in row)
    fits = [len(row) for row in distances] == [classes] * classes
    if not (
        fits
        and min(entries) >= 0.0
        and 0.0 < max(entries) < math.inf
        and not any(distances[k][k] for k in range(classes))
    ):
        raise ValueError(
            f"distances: found {distances}, wanted {classes} rows of {classes} finite entries of "
            "at least 0, 0 on the diagonal and not all 0"
        )
    return tuple(entry / max(entries) for entry in entries)
