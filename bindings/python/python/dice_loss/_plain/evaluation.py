"""From sums to the loss: pooling, absent classes, class weights, means.

The engine does the same arithmetic natively (`_core.evaluate`); this is its differentiable twin,
for sums that come from other processes or other devices, for weights of samples, and for higher
derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .formula import Formula, Sums, perfect_unless
from .namespace import Array, Namespace
from .objective import Integrand, Objective, Term


class Evaluation(NamedTuple):
    """What the sums say."""

    #: The loss, or for reduction "none" and overlap terms the values.
    loss: Array
    #: (T): the loss of each term, not weighted.
    terms: Array
    #: (T, C): the loss of each class under each term; NaN where nothing counted.
    per_class: Array


class SampleWeights(NamedTuple):
    """How much each sample counts.

    Where a term has a value for each sample, its value is multiplied; where samples are pooled,
    their sums are. A mean over the voxels takes each sample's voxels times its weight.
    """

    #: (R).
    values: Array
    #: Whether means divide by the sum of the weights, and not by what would count without them.
    normalise: bool


#: Sums up to which float32 holds the derivatives of formulas, which have squares of them.
HELD = 1e18


def _held(xp: Namespace, objective: Objective, sums: Array, loss: Array) -> Array:
    """NaN, with its gradient, for sums of which a type as narrow as float32 makes wrong numbers:
    as they are, or times the weights of classes that a formula adds up."""
    if xp.is_float64(sums):
        return loss
    adding = [t for t in objective.terms if t.formula and (t.pool == "all" or t.formula.coupled)]
    weights = [weight for term in adding for weight in term.weights(int(sums.shape[2]))]
    size = xp.abs(sums) * max([1.0, *weights])
    beyond = xp.any((size > HELD) & (size < math.inf))
    return loss * xp.where(beyond, xp.ones_like(loss) * math.nan, 1.0)


def _absent(reference: Array) -> Array:
    """Where the reference lacks a class. A sum that is no number lacks none: the loss is to be NaN,
    since one of nothing would look perfect."""
    return reference <= 0


class Moments:
    """Sums (R, K, C) by name, and which classes were annotated in a row (R, C)."""

    def __init__(
        self,
        xp: Namespace,
        columns: Sequence[Integrand],
        data: Array,
        valid: Array | None = None,
        sample_weights: SampleWeights | None = None,
        class_weights: Array | None = None,
    ) -> None:
        self.xp = xp
        self.columns = columns
        self.data = data
        self.valid = valid
        self.sample_weights = sample_weights
        #: (C), of the terms that have none of their own.
        self.class_weights = class_weights
        self.classes = int(data.shape[2])

    def find(self, wanted: Integrand) -> Array:
        """A sum (R, C); 0 where no term asked for it."""
        for index, column in enumerate(self.columns):
            same = column.name == wanted.name and column.activation == wanted.activation
            same = same and column.map == wanted.map and column.instances == wanted.instances
            if same and (not wanted.values or column.values == wanted.values):
                return self.data[:, index]
        return self.xp.zeros_like(self.data[:, 0])

    def sums(self, names: Iterable[str], activation: str, map: str | None = None) -> Sums:
        """Those of these names, with a map or none."""
        return {name: self.find(_integrand(name, activation, map)) for name in names}

    def weighted(self, column: Array, weigh: bool = True) -> Array:
        """(R, C), each row times the weight of its sample."""
        if self.sample_weights is None or not weigh:
            return column
        weights = self.xp.expand_dims(self.sample_weights.values, 1)
        return self.xp.where(weights != 0, weights * column, 0.0)


def _size(term: Term) -> str:
    """Where Σ w g is, beside what a formula reads: whether a class is there, no map says."""
    return "reference" if term.map is None else "reference without a map"


def _integrand(name: str, activation: str, map: str | None) -> Integrand:
    of_data = name in ("reference", "reference_squared", "mapped", "voxels")
    return Integrand(name, None if of_data else activation, map=None if name == "voxels" else map)


def evaluate(objective: Objective, moments: Moments) -> Evaluation:
    """The loss of every term, and of all of them."""
    xp, data = moments.xp, moments.data
    total = xp.constant((0.0,), data)[0]
    losses, per_class = [], []
    for term in objective.terms:
        weights = xp.constant(term.weights(moments.classes), data)
        if moments.class_weights is not None and term.class_weights is None:
            weights = weights * moments.class_weights
        if term.formula is None:
            outcome = _voxel(term, moments, weights, objective.reduction)
        else:
            outcome = _overlap(term, term.formula, moments, weights, objective.reduction)
        values, of_term, of_class = outcome
        total = total + term.weight * (values if objective.reduction == "none" else of_term)
        losses.append(of_term)
        per_class.append(of_class)
    if not losses:
        return Evaluation(total, xp.constant((), data), data[:0, 0])
    total = _held(xp, objective, data, total)
    return Evaluation(total, xp.stack(losses, 0), xp.stack(per_class, 0))


def _overlap(
    term: Term, formula: Formula, moments: Moments, weights: Array, reduction: str
) -> tuple[Array, Array, Array]:
    """The values of the cells, the loss, and the loss of each class."""
    if term.instances is not None:
        return _of_instances(term, moments, weights, reduction)
    xp = moments.xp
    sums = moments.sums(formula.reads, term.activation, term.map)
    sums[_size(term)] = moments.find(Integrand("reference"))
    # Of the shape of the sums, whose number of rows need not be known.
    counts = (weights > 0) & (xp.ones_like(sums[_size(term)]) > 0)
    if moments.valid is not None:
        counts = counts & moments.valid
    if term.pool != "sample":
        sums = {name: moments.weighted(sum) for name, sum in sums.items()}
    cells = _rows if formula.coupled else _classes
    value, weight, alive = cells(xp, term, formula, sums, weights, counts)
    weighted = xp.where(alive, weight * value, 0.0)
    divisor = xp.where(alive, weight, 0.0)
    if moments.sample_weights is not None and term.pool == "sample":
        of_samples, normalise = moments.sample_weights
        if term.cells == "sample and class":
            of_samples = xp.expand_dims(of_samples, 1)
        weighted = weighted * of_samples
        divisor = divisor * of_samples if normalise else divisor
    of_class = _of_classes(xp, term, value, alive & (weight > 0), weights)
    return weighted, _reduced(xp, xp.sum(weighted), xp.sum(divisor), reduction), of_class


def _of_instances(
    term: Term, moments: Moments, weights: Array, reduction: str
) -> tuple[Array, Array, Array]:
    """The same of a loss of instances, whose values of each class and sample are sums."""
    xp = moments.xp
    loss, count = (
        moments.find(Integrand(name, term.activation, map=term.map, instances=term.instances))
        for name in ("instance_loss", "instance_count")
    )
    if moments.valid is not None:
        count = xp.where(moments.valid, count, 0.0)
    alive = (weights > 0) & (count > 0)
    weighted = xp.where(alive, weights * loss, 0.0)
    divisor = xp.where(alive, weights * count, 0.0)
    if moments.sample_weights is not None:
        of_samples, normalise = moments.sample_weights
        of_samples = xp.expand_dims(of_samples, 1)
        weighted = weighted * of_samples
        divisor = divisor * of_samples if normalise else divisor
    of_class = xp.sum(xp.where(alive, loss, 0.0), 0) / xp.sum(xp.where(alive, count, 0.0), 0)
    return weighted, _reduced(xp, xp.sum(weighted), xp.sum(divisor), reduction), of_class


def _of_classes(xp: Namespace, term: Term, value: Array, counted: Array, weights: Array) -> Array:
    """The mean of each class over the samples in which it counts; NaN where it counts in none."""
    if term.cells == "class":
        return xp.where(counted, value, float("nan"))
    if term.cells != "sample and class":
        return xp.zeros_like(weights) + float("nan")
    return xp.sum(xp.where(counted, value, 0.0), 0) / xp.sum(xp.cast(counted, value), 0)


def _classes(
    xp: Namespace, term: Term, formula: Formula, sums: Sums, weights: Array, counts: Array
) -> tuple[Array, Array, Array]:
    """A loss of one class at a time: the value of each cell, its weight, whether it counts."""
    weight = xp.where(counts, weights, 0.0)
    if term.pool == "batch":
        sums = {name: xp.sum(xp.where(counts, sum, 0.0), 0) for name, sum in sums.items()}
        weight, counts = weights, xp.any(counts, 0)
    elif term.pool == "all":
        sums = {name: xp.sum(xp.where(counts, weights * sum, 0.0)) for name, sum in sums.items()}
        counts = xp.any(counts)
        weight = xp.ones_like(sums[_size(term)])
    present = counts if term.absent == "formula" else counts & ~_absent(sums[_size(term)])
    value = formula.loss(xp, perfect_unless(xp, present, sums), weight)
    value = xp.where(present, value, 0.0)
    return value, weight, counts if term.absent == "zero" else present


def _rows(
    xp: Namespace, term: Term, formula: Formula, sums: Sums, weights: Array, counts: Array
) -> tuple[Array, Array, Array]:
    """A loss that couples the classes: the same for each sample, or for the batch."""
    sums = {name: xp.where(counts, sum, 0.0) for name, sum in sums.items()}
    if term.pool != "sample":
        sums = {name: xp.sum(sum, 0) for name, sum in sums.items()}
        counts = xp.any(counts, 0)
    weight = xp.where(counts, weights, 0.0)
    if term.absent != "formula":
        weight = xp.where(_absent(sums[_size(term)]), 0.0, weight)
    present = xp.any(weight > 0, -1)
    safe = perfect_unless(xp, xp.expand_dims(present, -1), sums)
    value = formula.loss(xp, safe, weight)
    value = xp.where(present, value, 0.0)
    alive = xp.any(counts, -1) if term.absent == "zero" else present
    return value, xp.ones_like(value), alive


def _voxel(
    term: Term, moments: Moments, weights: Array, reduction: str
) -> tuple[Array, Array, Array]:
    """A weighted sum of log losses over a sum of weights."""
    xp = moments.xp
    normalise = moments.sample_weights is None or moments.sample_weights.normalise
    of_class = xp.zeros_like(weights)
    loss = xp.sum(of_class)
    for integrand, factors in term.log_losses(moments.classes):
        column = moments.find(integrand)
        column = xp.sum(moments.weighted(column), 0)
        factor = weights * xp.constant(factors, moments.data)
        # A sum that may be infinite does not enter with a factor of 0.
        loss = loss + xp.sum(xp.where(factor != 0, factor * column, 0.0))
        if integrand.name != "log_loss_of_all":
            of_class = of_class + column
    voxels = xp.sum(moments.weighted(moments.find(term.counted), normalise), 0)
    weight = xp.sum(xp.where(weights != 0, weights * voxels, 0.0))
    loss = _reduced(xp, loss, weight, reduction)
    return loss, loss, of_class / voxels


def _reduced(xp: Namespace, total: Array, weight: Array, reduction: str) -> Array:
    """The mean where that is asked for, and 0 where nothing counts."""
    if reduction != "mean":
        return total
    none = weight <= 0
    return xp.where(none, 0.0, total) / xp.where(none, 1.0, weight)


def soft_dice(moments: Moments, activation: str) -> Array:
    """(C): 2Σpg / (Σp + Σg), a mean over the rows that have the class; NaN if none has it."""
    xp = moments.xp
    names = ("intersection", "prediction", "reference")
    intersection, prediction, reference = moments.sums(names, activation).values()
    present = ~_absent(reference)
    ratio = 2.0 * intersection / xp.where(present, prediction + reference, 1.0)
    return xp.sum(xp.where(present, ratio, 0.0), 0) / xp.sum(xp.cast(present, ratio), 0)
