"""From sums to the loss, in torch: pooling, absent classes, class weights, means.

The engine does the same arithmetic natively (`_core.evaluate`); this is its differentiable twin,
for sums that come from other processes or other devices, and for higher derivatives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .. import _core
from . import _formulas
from ._formulas import Sums
from ._reference import Integrand, Voxels
from ._target import Target
from ._tracing import constant, constant_in_graphs

_DIRECTIONS = (
    "intersection",
    "prediction",
    "prediction_squared",
    "difference",
    "magnitude",
    "transport",
)


class Term(NamedTuple):
    """A term of an objective, its defaults filled in."""

    weight: float
    loss: str
    activation: str
    options: Mapping[str, Any]
    pool: str
    absent: str
    background: bool
    classes: tuple[int, ...] | None
    class_weights: tuple[float, ...] | None
    #: Whether it is a loss of sums, and no mean over voxels.
    is_overlap: bool
    #: Whether a voxel term has one value a voxel; otherwise one a voxel and class.
    is_per_voxel: bool
    #: What an overlap term has a value of: "sample and class", "class", "sample", or "one" in all.
    cells: str


class Objective(NamedTuple):
    """A spec, read."""

    terms: tuple[Term, ...]
    reduction: str

    @property
    def has_map(self) -> bool:
        """Whether the output is a map of voxel losses."""
        return self.reduction == "none" and any(not term.is_overlap for term in self.terms)

    @property
    def needs_samples(self) -> bool:
        """Whether some term has a loss for each sample, so that samples cannot be added up."""
        return any(term.is_overlap and term.pool == "sample" for term in self.terms)


class Evaluation(NamedTuple):
    """What the sums say."""

    #: The loss, or for reduction "none" and overlap terms the values.
    loss: Tensor
    #: (T): the loss of each term, not weighted.
    terms: Tensor
    #: (T, C): the loss of each class under each term; NaN where nothing counted.
    per_class: Tensor


@constant_in_graphs
def objective(spec: str) -> Objective:
    """What a spec says."""
    return _objective(spec)


@constant_in_graphs
def integrands(spec: str, classes: int) -> tuple[Integrand, ...]:
    """The columns of the moments, as the engine orders them. Fails as the engine's check does."""
    return _integrands(spec, classes)


@lru_cache(maxsize=256)
def _objective(spec: str) -> Objective:
    data = json.loads(spec)
    return Objective(
        tuple(_term(weight, term) for weight, term in data["terms"]), data["reduction"]
    )


def _term(weight: float, data: dict[str, Any]) -> Term:
    loss, activation = data["loss"], data["activation"]
    pool = data.get("pool") or "sample"
    by_pool = {"sample": "sample and class", "batch": "class", "all": "one"}
    if _formulas.is_coupled(loss):
        by_pool = {"sample": "sample", "batch": "one", "all": "one"}
    classes, class_weights = data.get("classes"), data.get("class_weights")
    return Term(
        weight,
        loss,
        activation,
        data,
        pool,
        data.get("absent") or "skip",
        data.get("background") is not False,
        None if classes is None else tuple(classes),
        None if class_weights is None else tuple(class_weights),
        _formulas.is_overlap(loss),
        loss == "cross_entropy" or (loss == "focal" and activation == "softmax"),
        by_pool[pool],
    )


def _weights(term: Term, classes: int) -> list[float]:
    """The weight of each class, 0 where it takes no part."""
    weights = list(term.class_weights or (1.0,) * classes)
    for k in range(classes):
        dropped = k == 0 and classes > 1 and not term.background
        if dropped or (term.classes is not None and k not in term.classes):
            weights[k] = 0.0
    return weights


@lru_cache(maxsize=256)
def _integrands(spec: str, classes: int) -> tuple[Integrand, ...]:
    return tuple(_integrand(json.loads(column)) for column in _core.integrands(spec, classes))


def _integrand(data: dict[str, Any]) -> Integrand:
    values = data.get("gamma") or [entry for row in data.get("distances") or [] for entry in row]
    return Integrand(data["sum"], data.get("activation"), tuple(values), data.get("decision"))


class Moments:
    """Sums (R, K, C) by name, and which classes were annotated in a row (R, C)."""

    def __init__(
        self, columns: Sequence[Integrand], data: Tensor, valid: Tensor | None = None
    ) -> None:
        self.columns = columns
        self.data = data
        self.valid = valid
        self.classes = data.shape[2]

    def find(self, name: str, activation: str | None, values: tuple[float, ...] = ()) -> Tensor:
        """A sum (R, C); 0 where no term asked for it."""
        for index, column in enumerate(self.columns):
            same = column.name == name and column.activation == activation
            if same and (not values or column.values == values):
                return self.data[:, index]
        return torch.zeros_like(self.data[:, 0])

    def sums(self, activation: str) -> Sums:
        """All that an overlap loss reads."""
        of_prediction = [self.find(name, activation) for name in _DIRECTIONS]
        of_data = [self.find(name, None) for name in ("reference", "reference_squared", "voxels")]
        return Sums(*of_prediction, *of_data)


def evaluate(objective: Objective, moments: Moments) -> Evaluation:
    """The loss of every term, and of all of them."""
    data = moments.data
    total = data.new_zeros(())
    losses, per_class = [], []
    for term in objective.terms:
        weights = constant(_weights(term, moments.classes), data)
        outcome = _overlap if term.is_overlap else _voxel
        values, of_term, of_class = outcome(term, moments, weights, objective.reduction)
        total = total + term.weight * (values if objective.reduction == "none" else of_term)
        losses.append(of_term)
        per_class.append(of_class)
    if not losses:
        empty = data.new_zeros((0, moments.classes))
        return Evaluation(total, data.new_zeros((0,)), empty)
    return Evaluation(total, torch.stack(losses), torch.stack(per_class))


def _overlap(
    term: Term, moments: Moments, weights: Tensor, reduction: str
) -> tuple[Tensor, Tensor, Tensor]:
    """The values of the cells, the loss, and the loss of each class."""
    sums = moments.sums(term.activation)
    counts = (weights > 0).expand(sums.g.shape)
    if moments.valid is not None:
        counts = counts & moments.valid
    if _formulas.is_coupled(term.loss):
        value, weight, alive = _rows(term, sums, weights, counts)
    else:
        value, weight, alive = _classes(term, sums, weights, counts)
    weighted = torch.where(alive, weight * value, 0.0)
    total = torch.where(alive, weight, 0.0).sum()
    of_class = weighted.new_full((moments.classes,), float("nan"))
    if term.cells in ("sample and class", "class"):
        counted = alive & (weight > 0)
        rows = value if value.dim() == 2 else value.unsqueeze(0)
        counted = counted if counted.dim() == 2 else counted.unsqueeze(0)
        of_class = torch.where(counted, rows, 0.0).sum(0) / counted.sum(0)
    return weighted, _reduced(weighted.sum(), total, reduction), of_class


def _classes(
    term: Term, sums: Sums, weights: Tensor, counts: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """A loss of one class at a time: the value of each cell, its weight, whether it counts."""
    weight = weights.expand(counts.shape)
    if term.pool == "batch":
        sums = Sums(*(torch.where(counts, sum, 0.0).sum(0) for sum in sums))
        weight, counts = weights, counts.any(0)
    elif term.pool == "all":
        sums = Sums(*(torch.where(counts, weights * sum, 0.0).sum() for sum in sums))
        counts = counts.any()
        weight = torch.ones_like(sums.g)
    present = counts if term.absent == "formula" else counts & (sums.g > 0)
    value = _formulas.class_loss(term.loss, term.options, sums.where(present))
    value = torch.where(present, value, 0.0)
    return value, weight, counts if term.absent == "zero" else present


def _rows(term: Term, sums: Sums, weights: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A loss that couples the classes: the same for each sample, or for the batch."""
    sums = Sums(*(torch.where(counts, sum, 0.0) for sum in sums))
    if term.pool != "sample":
        sums = Sums(*(sum.sum(0) for sum in sums))
        counts = counts.any(0)
    weight = torch.where(counts, weights, 0.0)
    if term.absent != "formula":
        weight = torch.where(sums.g > 0, weight, 0.0)
    present = (weight > 0).any(-1)
    safe = sums.where(present.unsqueeze(-1))
    value = _formulas.row_loss(term.loss, term.options, safe, weight)
    value = torch.where(present, value, 0.0)
    alive = counts.any(-1) if term.absent == "zero" else present
    return value, torch.ones_like(value), alive


def _voxel(
    term: Term, moments: Moments, weights: Tensor, reduction: str
) -> tuple[Tensor, Tensor, Tensor]:
    """A weighted sum of log losses over a sum of weights."""
    loss = moments.data.new_zeros(())
    of_class = moments.data.new_zeros((moments.classes,))
    for integrand, factors in log_losses(term, moments.classes):
        column = moments.find(integrand.name, integrand.activation, integrand.values).sum(0)
        factor = weights * constant(factors, moments.data)
        # A sum that may be infinite does not enter with a factor of 0.
        loss = loss + torch.where(factor != 0, factor * column, 0.0).sum()
        if integrand.name != "log_loss_of_all":
            of_class = of_class + column
    counted = ("merged", term.activation) if term.is_per_voxel else ("voxels", None)
    voxels = moments.find(*counted).sum(0)
    loss = _reduced(loss, (weights * voxels).sum(), reduction)
    return loss, loss, of_class / voxels


def voxel_losses(objective: Objective, logits: Tensor, target: Target) -> Tensor:
    """The loss of every voxel, (N, 1, spatial…) or (N, C, spatial…), of voxel terms."""
    voxels = Voxels(logits, target)
    losses = torch.zeros_like(voxels.x)
    for term in objective.terms:
        weights = constant(_weights(term, voxels.classes), voxels.x)
        for integrand, factors in log_losses(term, voxels.classes):
            factor = (term.weight * weights * constant(factors, voxels.x)).view(1, -1, 1)
            losses = losses + torch.where(factor != 0, factor * voxels.value(integrand), 0.0)
    if objective.terms and objective.terms[0].is_per_voxel:
        losses = losses.sum(1, keepdim=True)
    return losses.reshape(losses.shape[0], losses.shape[1], *logits.shape[2:])


def log_losses(term: Term, classes: int) -> list[tuple[Integrand, list[float]]]:
    """The integrands of a voxel term, and what each class's is multiplied with."""
    activation, ones = term.activation, [1.0] * classes
    if term.loss == "cross_entropy":
        smoothing = term.options["label_smoothing"]
        log_loss = (Integrand("log_loss", activation), [1.0 - smoothing] * classes)
        if smoothing == 0.0:
            return [log_loss]
        return [log_loss, (Integrand("log_loss_of_all", activation), [smoothing] * classes)]
    if term.loss == "binary_cross_entropy":
        positive = _of_each_class(term.options["pos_weight"], classes)
        return [
            (Integrand("positive", activation), positive),
            (Integrand("negative", activation), ones),
        ]
    gamma, alpha = tuple(_of_each_class(term.options["gamma"], classes)), term.options["alpha"]
    alphas = ones if alpha is None else _of_each_class(alpha, classes)
    positive_losses = (Integrand("focal", activation, gamma), alphas)
    if activation == "softmax":
        return [positive_losses]
    others = ones if alpha is None else [1.0 - alpha for alpha in alphas]
    return [positive_losses, (Integrand("focal_negative", activation, gamma), others)]


def _of_each_class(values: Any, classes: int) -> list[float]:
    """One value for every class, from one for all, one for each, or background and foreground."""
    if isinstance(values, Mapping):
        return [values["background"], *(values["foreground"],) * (classes - 1)]
    if isinstance(values, int | float):
        return [float(values)] * classes
    return list(values)


def _reduced(total: Tensor, weight: Tensor, reduction: str) -> Tensor:
    """The mean where that is asked for, and 0 where nothing counts."""
    if reduction != "mean":
        return total
    some = weight > 0
    return torch.where(some, total, 0.0) / torch.where(some, weight, 1.0)


def soft_dice(moments: Moments, activation: str) -> Tensor:
    """(C): 2Σpg / (Σp + Σg), a mean over the rows that have the class; NaN if none has it."""
    sums = moments.sums(activation)
    present = sums.g > 0
    ratio = 2.0 * sums.pg / torch.where(present, sums.p + sums.g, 1.0)
    return torch.where(present, ratio, 0.0).sum(0) / present.sum(0)
