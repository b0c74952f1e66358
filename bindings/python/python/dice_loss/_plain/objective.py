"""What a spec says, as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from .. import _core
from .._tracing import constant_in_graphs
from .formula import Formula


class InstanceLoss(NamedTuple):
    """A loss that has a value of each instance of a class."""

    #: "cell" or "blob".
    pool: str
    absent: str
    formula: Formula


#: Cross-entropies of what a map weighs: binary ones under sigmoid.
_WEIGHED_CROSS_ENTROPIES = ("border_cross_entropy", "instance_cross_entropy")


class Integrand(NamedTuple):
    """What one of the moments sums up over the voxels of a sample, for each class.

    w is the voxel's weight, p the probability that the activation gives the class, g the reference;
    p′ and g′ have the unannotated classes added to the background. Where it names a map m, m w
    stands in place of w.

    - `reference`: w g
    - `reference_squared`: w g²
    - `voxels`: w
    - `true_positives`: 1 where decision and reference have the class
    - `false_positives`: 1 where only the decision has it
    - `false_negatives`: 1 where only the reference has it
    - `mapped`: w m
    - `intersection`: w p g
    - `prediction`: w p
    - `prediction_squared`: w p²
    - `difference`: w |p − g|
    - `magnitude`: w |p|
    - `transport`: w g_k Σ_l M_kl p_l; `values` holds M, row-major
    - `sensitivity_error`: w g (p − g)²
    - `specificity_error`: w (1 − g) (p − g)²
    - `squared_error`: w (p − g)²
    - `log_loss`: w g′ (−ln p′)
    - `log_loss_of_all`: w (−ln p′) / C′, of each of the C′ classes alike
    - `merged`: w g′
    - `positive`: w g (−ln p)
    - `negative`: w (1 − g) (−ln(1 − p))
    - `focal`: w g (1 − p)^γ (−ln p), of g′ and p′ under softmax; γ in `values`
    - `focal_negative`: w (1 − g) p^γ (−ln(1 − p))
    - `instance_loss`: no sum over voxels, but the loss of the class in the sample, a mean over its
      instances; `instances` says which
    - `instance_count`: 1 where that loss counts
    """

    name: str
    activation: str | None = None
    values: tuple[float, ...] = ()
    #: `"argmax"` or the least probability, for the hard counts.
    decision: str | float | None = None
    #: The name of the map.
    map: str | None = None
    #: Which loss of instances.
    instances: InstanceLoss | None = None


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
    #: Of a loss of sums; none of a mean over voxels.
    formula: Formula | None
    #: Whether a voxel term has one value a voxel; otherwise one a voxel and class.
    is_per_voxel: bool
    #: What an overlap term has a value of: "sample and class", "class", "sample", or "one" in all.
    cells: str
    #: The name of the map that weighs its voxels.
    map: str | None

    @property
    def instances(self) -> InstanceLoss | None:
        """What it has a value of each instance by, if it looks at those."""
        if self.formula is None or self.pool not in ("cell", "blob"):
            return None
        return InstanceLoss(self.pool, self.absent, self.formula)

    @property
    def is_overlap(self) -> bool:
        """Whether it is a loss of sums, and no mean over voxels."""
        return self.formula is not None

    def weights(self, classes: int) -> list[float]:
        """The weight of each class, 0 where it takes no part."""
        weights = list(self.class_weights or (1.0,) * classes)
        for k in range(classes):
            dropped = k == 0 and classes > 1 and not self.background
            if dropped or (self.classes is not None and k not in self.classes):
                weights[k] = 0.0
        return weights

    def log_losses(self, classes: int) -> list[tuple[Integrand, list[float]]]:
        """The integrands of a voxel term, and what each class's is multiplied with."""
        ones = [1.0] * classes

        def of(name: str, values: tuple[float, ...] = ()) -> Integrand:
            return Integrand(name, self.activation, values, None, self.map)

        if self.loss in _WEIGHED_CROSS_ENTROPIES:
            if self.activation == "softmax":
                return [(of("log_loss"), ones)]
            return [(of("positive"), ones), (of("negative"), ones)]
        if self.loss == "cross_entropy":
            smoothing = self.options["label_smoothing"]
            log_loss = (of("log_loss"), [1.0 - smoothing] * classes)
            if smoothing == 0.0:
                return [log_loss]
            return [log_loss, (of("log_loss_of_all"), [smoothing] * classes)]
        if self.loss == "binary_cross_entropy":
            positive = _of_each_class(self.options["pos_weight"], classes)
            return [(of("positive"), positive), (of("negative"), ones)]
        gamma, alpha = tuple(_of_each_class(self.options["gamma"], classes)), self.options["alpha"]
        alphas = ones if alpha is None else _of_each_class(alpha, classes)
        positive_losses = (of("focal", gamma), alphas)
        if self.activation == "softmax":
            return [positive_losses]
        others = ones if alpha is None else [1.0 - alpha for alpha in alphas]
        return [positive_losses, (of("focal_negative", gamma), others)]

    @property
    def counted(self) -> Integrand:
        """What the mean of a voxel term divides by."""
        if self.is_per_voxel:
            return Integrand("merged", self.activation, map=self.map)
        return Integrand("voxels" if self.map is None else "mapped", map=self.map)


class Objective(NamedTuple):
    """A spec, read."""

    terms: tuple[Term, ...]
    reduction: str

    @property
    def has_map(self) -> bool:
        """Whether the output is a map of voxel losses."""
        return self.reduction == "none" and any(not term.is_overlap for term in self.terms)

    @property
    def looks_at_instances(self) -> bool:
        """Whether some term has a value of each instance of a class."""
        return any(term.instances is not None for term in self.terms)

    @property
    def needs_samples(self) -> bool:
        """Whether some term has a loss for each sample, so that samples cannot be added up. Those
        that look at instances have a sum of them, and want the samples for their values alone."""
        alone = ("sample",) if self.reduction != "none" else ("sample", "cell", "blob")
        return any(term.is_overlap and term.pool in alone for term in self.terms)

    def shape(self, samples: Any, classes: int) -> tuple[Any, ...]:
        """That of the loss, where it is no map: of a number, or of values without a reduction."""
        if self.reduction != "none" or not self.terms:
            return ()
        by_cell = {
            "sample and class": (samples, classes),
            "class": (classes,),
            "sample": (samples,),
            "one": (),
        }
        return by_cell[self.terms[0].cells]


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
    terms = zip(data["terms"], json.loads(_core.tapes(spec)), strict=True)
    return Objective(
        tuple(_term(weight, term, tape) for (weight, term), tape in terms), data["reduction"]
    )


@lru_cache(maxsize=256)
def _integrands(spec: str, classes: int) -> tuple[Integrand, ...]:
    return tuple(_integrand(json.loads(column)) for column in _core.integrands(spec, classes))


def _term(weight: float, data: dict[str, Any], tape: dict[str, Any] | None) -> Term:
    loss, activation = data["loss"], data["activation"]
    formula = None if tape is None else Formula.of(tape)
    pool = data.get("pool") or "sample"
    of_either = ("focal", *_WEIGHED_CROSS_ENTROPIES)
    by_pool = dict.fromkeys(("sample", "cell", "blob"), "sample and class")
    by_pool |= {"batch": "class", "all": "one"}
    if formula is not None and formula.coupled:
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
        formula,
        loss == "cross_entropy" or (loss in of_either and activation == "softmax"),
        by_pool[pool],
        data.get("map"),
    )


def _integrand(data: dict[str, Any]) -> Integrand:
    values = data.get("gamma") or [entry for row in data.get("distances") or [] for entry in row]
    return Integrand(
        data["sum"],
        data.get("activation"),
        tuple(values),
        data.get("decision"),
        data.get("map"),
        _instances(data.get("instances")),
    )


def _instances(data: dict[str, str] | None) -> InstanceLoss | None:
    if data is None:
        return None
    formula = Formula.of(json.loads(data["formula"]))
    return InstanceLoss(data["pool"].lower(), data["absent"].lower(), formula)


def _of_each_class(values: Any, classes: int) -> list[float]:
    """One value for every class, from one for all, one for each, or background and foreground."""
    if isinstance(values, Mapping):
        return [values["background"], *(values["foreground"],) * (classes - 1)]
    if isinstance(values, int | float):
        return [float(values)] * classes
    return list(values)
