"""The sums over the voxels, and the loss of every voxel.

Everything is computed in float32 or wider, and summed up in float64 where the framework has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from .instances import of_instances
from .namespace import Array, Namespace
from .objective import Integrand, Objective

Kind = Literal["labels", "dense", "regions"]


class Inputs(NamedTuple):
    """Logits and target with one axis for all voxels: (N, C, V), or (N, V, C) for classes last.

    What has one value a voxel has 1 in place of C.
    """

    #: float32 or float64.
    x: Array
    target: Array
    kind: Kind
    #: Where the classes are: 1 or 2.
    axis: int = 1
    regions: Sequence[Sequence[int]] | None = None
    ignore_index: int | None = None
    mask: Array | None = None
    voxel_weight: Array | None = None
    #: (N, C), bool.
    class_valid: Array | None = None
    #: By name, with one channel or C.
    maps: Mapping[str, Array] | None = None
    #: The sizes of the spatial axes, as a reshape takes them, for what looks at neighbours.
    spatial: tuple[Any, ...] = ()


def moments(xp: Namespace, integrands: Sequence[Integrand], batch: Inputs) -> Array:
    """The sums (N, K, C) of K integrands, differentiable by logits, weights and dense target."""
    voxels = Voxels(xp, batch)
    seen: dict[Integrand, tuple[Array, Array]] = {}

    def sum(integrand: Integrand) -> Array:
        if integrand.instances is None:
            return voxels.sum(integrand)
        # Its loss and how often it counts are found together.
        of = integrand._replace(name="instance_loss")
        if of not in seen:
            seen[of] = of_instances(voxels, of, integrand.instances)
        return seen[of][integrand.name == "instance_count"]

    return xp.stack([sum(integrand) for integrand in integrands], 1)


def voxel_losses(
    xp: Namespace, objective: Objective, batch: Inputs, class_weights: Array | None = None
) -> Array:
    """The loss of every voxel, (N, 1, V) or (N, C, V), of voxel terms.

    `class_weights` (C) are those of the terms that have none of their own.
    """
    voxels = Voxels(xp, batch)
    losses = xp.zeros_like(voxels.x)
    for term in objective.terms:
        weights = term.weights(voxels.classes)
        for integrand, factors in term.log_losses(voxels.classes):
            products = [term.weight * v * f for v, f in zip(weights, factors, strict=True)]
            factor = xp.constant(products, voxels.x)
            if class_weights is not None and term.class_weights is None:
                factor = factor * class_weights
            factor = voxels.of_classes(factor)
            losses = losses + xp.where(factor != 0, factor * voxels.value(integrand), 0.0)
    if objective.terms and objective.terms[0].is_per_voxel:
        losses = xp.sum(losses, batch.axis, keepdims=True)
    return losses


class Voxels:
    """A batch, with zeros where a voxel does not count. Shapes as in `Inputs`."""

    def __init__(self, xp: Namespace, batch: Inputs) -> None:
        self.xp = xp
        self.x = batch.x
        self.axis = batch.axis
        self.spatial = batch.spatial
        self.classes = int(self.x.shape[batch.axis])
        self.valid = batch.class_valid
        self.counted = self._counted(batch)
        self.weight, self._scale = self._weight(batch)
        self._given_maps = batch.maps or {}
        self._maps = {name: self._map(m) for name, m in self._given_maps.items()}
        self.g = self._plain(batch)
        self._cache: dict[str, Array] = {}

    def _counted(self, batch: Inputs) -> Array | None:
        """Where a voxel counts; None if all do."""
        conditions = []
        if batch.mask is not None:
            conditions.append(batch.mask != 0)
        if batch.ignore_index is not None:
            conditions.append(~self.xp.is_number(batch.target, batch.ignore_index))
        if batch.voxel_weight is not None:
            conditions.append(batch.voxel_weight != 0)
        counted = None
        for condition in conditions:
            counted = condition if counted is None else counted & condition
        return counted

    def _weight(self, batch: Inputs) -> tuple[Array | None, Array | None]:
        """The weight of each voxel, divided by a number that is returned too; None is 1 of each.

        Weights whose products would overflow or vanish are divided by the largest of them; one that
        is no number is left where it is.
        """
        xp = self.xp
        if batch.voxel_weight is None:
            if self.counted is None:
                return None, None
            return xp.where(self.counted, xp.ones_like(self.first(self.x)), 0.0), None
        weight = batch.voxel_weight
        # What the logits' type does not hold is scaled in its own.
        weight = weight if xp.is_float64(weight) else xp.cast(weight, self.x)
        weight = weight if self.counted is None else xp.where(self.counted, weight, 0.0)
        if 0 in tuple(weight.shape):
            return xp.cast(weight, self.x), None
        largest = -xp.min(xp.reshape(-xp.stop_gradient(weight), (-1,)), 0)
        is_tiny, is_huge = largest <= 1e-12, (largest >= 1e12) & (largest < math.inf)
        scale = xp.where((is_tiny & (largest > 0)) | is_huge, largest, xp.ones_like(largest))
        return xp.cast(weight / scale, self.x), scale

    def _map(self, m: Array) -> Array:
        """What each voxel weighs beside its weight, which is nothing where it does not count."""
        m = self.xp.cast(m, self.x)
        return m if self.counted is None else self.xp.where(self.counted, m, 0.0)

    def _plain(self, batch: Inputs) -> Array:
        """How much of each voxel belongs to each class."""
        xp = self.xp
        if batch.kind == "dense":
            g = _rounded(xp, xp.cast(batch.target, self.x), xp.slack(batch.target))
            return g if self.counted is None else xp.where(self.counted, g, 0.0)
        labels = xp.labels(batch.target)
        if self.counted is not None:
            labels = xp.where(self.counted, labels, xp.zeros_like(labels))
        if batch.kind == "regions":
            return self._regions(labels, batch)
        if self.classes == 1:
            return xp.cast(labels == 1, self.x)
        return xp.cast(xp.equal(labels, self.class_numbers()), self.x)

    def _regions(self, labels: Array, batch: Inputs) -> Array:
        """Each label's voxels in every channel that it belongs to."""
        xp = self.xp
        g = xp.zeros_like(self.x)
        for label, channels in enumerate(batch.regions or ()):
            inside = [float(channel in channels) for channel in range(self.classes)]
            row = self.of_classes(xp.constant(inside, self.x))
            g = g + xp.cast(labels == label, self.x) * row
        return g

    def of_classes(self, values: Array) -> Array:
        """(C) as (1, C, 1), or (N, C) as (N, C, 1): one value for each class."""
        if len(values.shape) == 1:
            values = self.xp.expand_dims(values, 0)
        return self.xp.expand_dims(values, 3 - self.axis)

    def class_numbers(self) -> Array:
        """0 … C − 1, along the axis of the classes."""
        return self.of_classes(self.xp.arange(self.classes, self.x))

    def first(self, x: Array) -> Array:
        """Class 0."""
        return x[:, :1] if self.axis == 1 else x[:, :, :1]

    def rest(self, x: Array) -> Array:
        """All other classes."""
        return x[:, 1:] if self.axis == 1 else x[:, :, 1:]

    def _cached(self, key: str, make: Callable[[], Array]) -> Array:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def counted_logits(self, activation: str) -> Array:
        """The logits, with harmless numbers where a voxel does not count."""
        xp = self.xp

        def make() -> Array:
            fill = 0.5 if activation == "probabilities" else 0.0
            x = self.x if self.counted is None else xp.where(self.counted, self.x, fill)
            # The limit of a probability of 0 without an infinite number.
            return xp.maximum(x, xp.lowest(x) / 4) if activation == "softmax" else x

        return self._cached(f"x {activation}", make)

    def logits(self, activation: str) -> Array:
        """The same, and where a class was not annotated, if it stands by itself."""
        x, valid = self.counted_logits(activation), self.valid
        if valid is None or activation == "softmax":
            return x
        fill = 0.5 if activation == "probabilities" else 0.0
        return self._cached(
            f"annotated {activation}", lambda: self.xp.where(self.of_classes(valid), x, fill)
        )

    def probabilities(self, activation: str) -> Array:
        """p."""
        x = self.logits(activation)
        if activation == "softmax":
            return self._cached("p softmax", lambda: self.xp.softmax(x, self.axis))
        if activation == "sigmoid":
            return self._cached("p sigmoid", lambda: self.xp.sigmoid(x))
        return x

    def all_probabilities(self, activation: str) -> Array:
        """p, those of classes that were not annotated included."""
        if activation == "probabilities":
            return self.counted_logits(activation)
        if activation == "sigmoid":
            return self.xp.sigmoid(self.counted_logits(activation))
        return self.probabilities(activation)

    def merged_reference(self) -> Array:
        """g′: the unannotated classes added to class 0."""
        if self.valid is None:
            return self.g
        return self._cached("g merged", lambda: self._merge(self.g, self.xp.zeros_like(self.g)))

    def merged(self, activation: str) -> Array:
        """The logits, or probabilities, of which the unannotated classes are added to class 0."""
        x = self.counted_logits(activation)
        if self.valid is None:
            return x
        if activation == "softmax":
            return self._cached("x merged", lambda: self._merge_logits(x))
        return self._cached("p merged", lambda: self._merge(x, self.xp.ones_like(x)))

    def members(self) -> Array | None:
        """The classes that are left after merging, as `of_classes`; None if all are."""
        return None if self.valid is None else self._kept()

    def minus_log(self, activation: str) -> Array:
        """−ln p′ of every class that is left."""
        x = self.merged(activation)
        if activation == "softmax":
            return self._cached("log softmax", lambda: -self.xp.log_softmax(x, self.axis))
        if activation == "sigmoid":
            raise ValueError("log_loss: found activation 'sigmoid', wanted 'softmax' or 'none'")
        return -self.xp.log(x)

    def log_odds(self, activation: str) -> Array:
        """ln p′ − ln(1 − p′) without cancellation; under sigmoid the logit of each class."""
        if activation == "sigmoid":
            return self.logits("sigmoid")
        return self._cached("log odds", lambda: self._log_odds(self.merged("softmax")))

    def numbers(self, name: str) -> Array:
        """The values of a map as they are, of voxels that do not count too."""
        return self._given_maps[name]

    def sum(self, integrand: Integrand, inside: Array | None = None) -> Array:
        """One integrand, summed over the voxels, or over those inside: (N, C)."""
        xp = self.xp
        weighted = self._weighted(integrand)
        if inside is not None:
            weighted = xp.where(inside, weighted, 0.0)
        total = _total(xp, weighted, 3 - self.axis)
        if self._scale is not None and integrand.name not in _COUNTS:
            total = total * xp.cast(self._scale, total)
        if integrand.name in ("voxels", "mapped") and self.classes > 1:
            total = total * xp.constant((1.0,) * self.classes, total)
        if self.valid is not None and not _is_merged(integrand):
            total = xp.where(self.valid, total, 0.0)
        return total

    def value(self, integrand: Integrand) -> Array:
        """One integrand, voxel by voxel."""
        xp = self.xp
        value = self._weighted(integrand)
        if self._scale is not None and integrand.name not in _COUNTS:
            value = value * xp.cast(self._scale, value)
        if self.valid is not None and not _is_merged(integrand):
            value = xp.where(self.of_classes(self.valid), value, 0.0)
        return value

    def _weighted(self, integrand: Integrand) -> Array:
        if integrand.name in _COUNTS:
            hits = self._hits(integrand)
            return self.xp.cast(hits if self.counted is None else hits & self.counted, self.x)
        weight = self.weight
        if integrand.map is not None:
            m = self._maps[integrand.map]
            weight = m if weight is None else weight * m
        if integrand.name in ("voxels", "mapped"):
            return self.xp.ones_like(self.first(self.x)) if weight is None else weight
        value = _INTEGRANDS[integrand.name](self, integrand)
        return value if weight is None else weight * value

    def _hits(self, integrand: Integrand) -> Array:
        """Where decision and reference are as the count wants them."""
        xp = self.xp
        if integrand.decision == "argmax":
            classes = self.class_numbers()
            predicted = xp.equal(xp.argmax(self.x, self.axis), classes)
            # A voxel whose target is all 0 has no class.
            there = xp.equal(xp.argmax(self.g, self.axis), classes) & (self.g > 0)
        else:
            activation = integrand.activation or "probabilities"
            least = float(integrand.decision or 0.0)
            predicted, there = self.probabilities(activation) >= least, self.g >= least
        if integrand.name == "true_positives":
            return predicted & there
        return predicted & ~there if integrand.name == "false_positives" else ~predicted & there

    def _kept(self) -> Array:
        """The classes that are not merged into class 0: the annotated ones and class 0 itself."""
        kept = self.of_classes(self.valid)
        first = self.first(kept)
        return self.xp.concatenate([self.xp.ones_like(first), self.rest(kept)], self.axis)

    def _merge(self, value: Array, elsewhere: Array) -> Array:
        """Class 0 with the unannotated classes added to it; another value where those were."""
        xp, kept = self.xp, self._kept()
        of_others = xp.sum(xp.where(kept, 0.0, value), self.axis, keepdims=True)
        others = self.rest(xp.where(kept, value, elsewhere))
        return xp.concatenate([self.first(value) + of_others, others], self.axis)

    def _merge_logits(self, x: Array) -> Array:
        """The same of probabilities, by their logits."""
        xp, kept = self.xp, self._kept()
        nothing = xp.lowest(x) / 4
        hidden = self.rest(xp.where(kept, nothing, x))
        inside = xp.concatenate([self.first(x), hidden], self.axis)
        background = xp.logsumexp(inside, self.axis)
        return xp.concatenate([background, self.rest(xp.where(kept, x, nothing))], self.axis)

    def _log_odds(self, x: Array) -> Array:
        """x_k − ln Σ_{j≠k} exp x_j for every k.

        Only the likeliest class can have p > ½, and so lose digits in 1 − p; for that one the
        others are added up themselves.
        """
        xp = self.xp
        first = xp.equal(xp.argmax(x, self.axis), self.class_numbers())
        of_others = xp.logsumexp(xp.where(first, xp.lowest(x) / 4, x), self.axis)
        log_p = xp.log_softmax(x, self.axis)
        unlikely = xp.where(first, 0.0, xp.exp(log_p))
        # ln p − ln(1 − p), with p ≤ ½.
        return xp.where(first, x - of_others, log_p - xp.log1p(-unlikely))


def _total(xp: Namespace, x: Array, axis: int) -> Array:
    """The sum along an axis, of many voxels by blocks: adding up a block in its own type costs few
    digits, and what is cast to float64 is no longer as large as the logits."""
    size = x.shape[axis]
    if not isinstance(size, int) or size < 16 * _BLOCK or xp.is_float64(x):
        return xp.total(x, axis)
    whole = size - size % _BLOCK
    before = (slice(None),) * axis
    blocks = x if whole == size else x[(*before, slice(whole))]
    shape = tuple(x.shape)
    # Where the number of samples is not known, it is what is left.
    first = tuple(-1 if length is None else length for length in shape[:axis])
    blocks = xp.reshape(blocks, (*first, whole // _BLOCK, _BLOCK, *shape[axis + 1 :]))
    total = xp.total(xp.sum(blocks, axis + 1), axis)
    if whole == size:
        return total
    return total + xp.total(x[(*before, slice(whole, size))], axis)


def _rounded(xp: Namespace, g: Array, slack: float) -> Array:
    """With 0 and 1 for what lies outside by no more than the slack."""
    if slack == 0.0:
        return g
    g = xp.where((g < 0) & (g >= -slack), 0.0, g)
    return xp.where((g > 1) & (g <= 1 + slack), 1.0, g)


def _is_merged(integrand: Integrand) -> bool:
    """Whether unannotated classes are added to class 0, instead of left out."""
    name, activation = integrand.name, integrand.activation
    return name in _MERGED or (name == "focal" and activation == "softmax")


def _focal(v: Voxels, integrand: Integrand, positive: bool) -> Array:
    """g (1 − p)^γ (−ln p), or the same of the opposite event."""
    xp = v.xp
    activation = integrand.activation or "probabilities"
    g = v.merged_reference() if activation == "softmax" else v.g
    share = g if positive else 1.0 - g
    if activation == "probabilities":
        p = v.probabilities("probabilities") if positive else 1.0 - v.probabilities("probabilities")
        p = xp.where(share == 0, 1.0, p)
        log_p, log_complement = xp.log(p), None
    else:
        z = v.log_odds(activation) if positive else -v.log_odds(activation)
        z = xp.where(share == 0, 0.0, z)
        log_p, log_complement = xp.log_sigmoid(z), xp.log_sigmoid(-z)
    if not any(integrand.values):
        return share * -log_p
    gamma: Array | float = integrand.values[0]
    if any(value != gamma for value in integrand.values):
        gamma = v.of_classes(xp.constant(integrand.values, v.x))
    if log_complement is None:
        return share * (1.0 - p) ** gamma * -log_p
    # The power by way of the logarithm: its slope is finite for γ < 1.
    return share * xp.exp(gamma * log_complement) * -log_p


def _positive(v: Voxels, integrand: Integrand) -> Array:
    return _focal(v, integrand._replace(values=()), positive=True)


def _negative(v: Voxels, integrand: Integrand) -> Array:
    return _focal(v, integrand._replace(values=()), positive=False)


def _transport(v: Voxels, integrand: Integrand) -> Array:
    distances = v.xp.reshape(v.xp.constant(integrand.values, v.x), (v.classes, v.classes))
    p = v.all_probabilities(integrand.activation or "probabilities")
    subscripts = "kl,nlv->nkv" if v.axis == 1 else "kl,nvl->nvk"
    return v.g * v.xp.einsum(subscripts, distances, p)


def _log_loss(v: Voxels, integrand: Integrand) -> Array:
    g = v.merged_reference()
    if integrand.activation == "probabilities":
        return g * -v.xp.log(v.xp.where(g == 0, 1.0, v.merged("probabilities")))
    return g * v.minus_log(integrand.activation or "probabilities")


def _log_loss_of_all(v: Voxels, integrand: Integrand) -> Array:
    value, members = v.minus_log(integrand.activation or "probabilities"), v.members()
    if members is None:
        return value / v.classes
    count = v.xp.sum(v.xp.cast(members, v.x), v.axis, keepdims=True)
    return v.xp.where(members, value, 0.0) / count


def _p(v: Voxels, integrand: Integrand) -> Array:
    return v.probabilities(integrand.activation or "probabilities")


#: Voxels that are added up in the type of the logits.
_BLOCK = 256
_COUNTS = ("true_positives", "false_positives", "false_negatives")
_MERGED = ("log_loss", "log_loss_of_all", "merged")
_INTEGRANDS: dict[str, Callable[[Voxels, Integrand], Array]] = {
    "reference": lambda v, i: v.g,
    "reference_squared": lambda v, i: v.g * v.g,
    "intersection": lambda v, i: _p(v, i) * v.g,
    "prediction": _p,
    "prediction_squared": lambda v, i: _p(v, i) * _p(v, i),
    "difference": lambda v, i: v.xp.abs(_p(v, i) - v.g),
    "magnitude": lambda v, i: v.xp.abs(_p(v, i)),
    "transport": _transport,
    "sensitivity_error": lambda v, i: v.g * (_p(v, i) - v.g) ** 2,
    "specificity_error": lambda v, i: (1.0 - v.g) * (_p(v, i) - v.g) ** 2,
    "squared_error": lambda v, i: (_p(v, i) - v.g) ** 2,
    "log_loss": _log_loss,
    "log_loss_of_all": _log_loss_of_all,
    "merged": lambda v, i: v.merged_reference(),
    "positive": _positive,
    "negative": _negative,
    "focal": lambda v, i: _focal(v, i, positive=True),
    "focal_negative": lambda v, i: _focal(v, i, positive=False),
}
SUMS = ("voxels", *_INTEGRANDS)
"""Every sum that can be asked for by name."""
