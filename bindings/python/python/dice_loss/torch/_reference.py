"""The sums over the voxels in plain torch: any device, any transform, any order of derivative.

The native engine computes the same numbers in one sweep and without intermediate tensors. This is
what runs where it cannot: on other devices, under `torch.func` transforms, in forward-mode
differentiation, and for double backward. Everything is computed in float32 or wider, and summed up
in float64 where the device has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ._target import Target
from ._tracing import constant


class Integrand(NamedTuple):
    """What one of the moments sums up over the voxels of a sample, for each class.

    w is the voxel's weight, p the probability that the activation gives the class, g the reference;
    p′ and g′ have the unannotated classes added to the background.

    - `reference`: w g
    - `reference_squared`: w g²
    - `voxels`: w
    - `true_positives`: 1 where decision and reference have the class
    - `false_positives`: 1 where only the decision has it
    - `false_negatives`: 1 where only the reference has it
    - `intersection`: w p g
    - `prediction`: w p
    - `prediction_squared`: w p²
    - `difference`: w |p − g|
    - `magnitude`: w |p|
    - `transport`: w g_k Σ_l M_kl p_l; `values` holds M, row-major
    - `log_loss`: w g′ (−ln p′)
    - `log_loss_of_all`: w (−ln p′) / C′, of each of the C′ classes alike
    - `merged`: w g′
    - `positive`: w g (−ln p)
    - `negative`: w (1 − g) (−ln(1 − p))
    - `focal`: w g (1 − p)^γ (−ln p), of g′ and p′ under softmax; γ in `values`
    - `focal_negative`: w (1 − g) p^γ (−ln(1 − p))
    """

    name: str
    activation: str | None = None
    values: tuple[float, ...] = ()
    #: `"argmax"` or the least probability, for the hard counts.
    decision: str | float | None = None


def moments(integrands: Sequence[Integrand], logits: Tensor, target: Target) -> Tensor:
    """The sums (N, K, C) of K integrands, differentiable by logits, weights and dense target."""
    voxels = Voxels(logits, target)
    return torch.stack([voxels.sum(integrand) for integrand in integrands], dim=1)


def sum_dtype(device: torch.device) -> torch.dtype:
    """What sums are kept in: float64, where the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


class Voxels:
    """Logits and target as (N, C, V), with zeros where a voxel does not count."""

    def __init__(self, logits: Tensor, target: Target) -> None:
        wide = torch.float64 if logits.dtype is torch.float64 else torch.float32
        logits = logits.to(wide)
        self.x = logits.flatten(2) if logits.dim() > 2 else logits.unsqueeze(2)
        self.classes = self.x.shape[1]
        self.valid = None if target.class_valid is None else target.class_valid.to(torch.bool)
        self.counted = self._counted(target)
        self.weight = self._weight(target)
        self.g = self._reference(target)
        self._cache: dict[str, Tensor] = {}

    def _counted(self, target: Target) -> Tensor | None:
        """Where a voxel counts, (N, 1, V); None if all do."""
        conditions = []
        if target.mask is not None:
            conditions.append(self._flat(target.mask) != 0)
        if target.ignore_index is not None:
            conditions.append(self._flat(target.tensor) != target.ignore_index)
        if target.voxel_weight is not None:
            conditions.append(self._flat(target.voxel_weight) != 0)
        counted = None
        for condition in conditions:
            counted = condition if counted is None else counted & condition
        return counted

    def _weight(self, target: Target) -> Tensor:
        """The weight of each voxel, (N, 1, V)."""
        if target.voxel_weight is not None:
            weight = self._flat(target.voxel_weight).to(self.x.dtype)
        else:
            weight = torch.ones_like(self.x[:, :1])
        return weight if self.counted is None else torch.where(self.counted, weight, 0.0)

    def _reference(self, target: Target) -> Tensor:
        """How much of each voxel belongs to each class, (N, C, V)."""
        if target.kind == "dense":
            g = target.tensor
            g = (g.flatten(2) if g.dim() > 2 else g.unsqueeze(2)).to(self.x.dtype)
            return g if self.counted is None else torch.where(self.counted, g, 0.0)
        labels = self._flat(target.tensor)
        if self.counted is not None:
            labels = torch.where(self.counted, labels, torch.zeros_like(labels))
        if target.kind == "regions":
            return self._regions(labels, target)
        if self.classes == 1:
            return (labels == 1).to(self.x.dtype)
        classes = torch.arange(self.classes, device=labels.device).view(1, -1, 1)
        return (labels == classes).to(self.x.dtype)

    def _regions(self, labels: Tensor, target: Target) -> Tensor:
        """Each label's voxels in every channel that it belongs to."""
        table = target.regions or ()
        g = torch.zeros_like(self.x)
        for label, channels in enumerate(table):
            inside = [float(channel in channels) for channel in range(self.classes)]
            row = constant(inside, self.x).view(1, -1, 1)
            g = g + (labels == label) * row
        return g

    @staticmethod
    def _flat(tensor: Tensor) -> Tensor:
        """(N, spatial…) or (N, 1, spatial…), which have one value a voxel, as (N, 1, V)."""
        return tensor.flatten(1).unsqueeze(1) if tensor.dim() > 1 else tensor.view(-1, 1, 1)

    def _cached(self, key: str, make: Callable[[], Tensor]) -> Tensor:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def counted_logits(self, activation: str) -> Tensor:
        """The logits, with harmless numbers where a voxel does not count."""

        def make() -> Tensor:
            fill = 0.5 if activation == "probabilities" else 0.0
            x = self.x if self.counted is None else torch.where(self.counted, self.x, fill)
            # The limit of a probability of 0 without an infinite number.
            return x.clamp(min=torch.finfo(x.dtype).min / 4) if activation == "softmax" else x

        return self._cached(f"x {activation}", make)

    def logits(self, activation: str) -> Tensor:
        """The same, and where a class was not annotated, if it stands by itself."""
        x, valid = self.counted_logits(activation), self.valid
        if valid is None or activation == "softmax":
            return x
        fill = 0.5 if activation == "probabilities" else 0.0
        return self._cached(
            f"annotated {activation}", lambda: torch.where(valid.unsqueeze(2), x, fill)
        )

    def probabilities(self, activation: str) -> Tensor:
        """p, (N, C, V)."""
        x = self.logits(activation)
        if activation == "softmax":
            return self._cached("p softmax", lambda: torch.softmax(x, 1))
        if activation == "sigmoid":
            return self._cached("p sigmoid", lambda: torch.sigmoid(x))
        return x

    def all_probabilities(self, activation: str) -> Tensor:
        """p, those of classes that were not annotated included."""
        if activation == "probabilities":
            return self.counted_logits(activation)
        if activation == "sigmoid":
            return torch.sigmoid(self.counted_logits(activation))
        return self.probabilities(activation)

    def merged_reference(self) -> Tensor:
        """g′: the unannotated classes added to class 0."""
        valid = self.valid
        if valid is None:
            return self.g
        return self._cached("g merged", lambda: _merge(self.g, valid, torch.zeros_like(self.g)))

    def merged(self, activation: str) -> Tensor:
        """The logits, or probabilities, of which the unannotated classes are added to class 0."""
        x, valid = self.counted_logits(activation), self.valid
        if valid is None:
            return x
        if activation == "softmax":
            return self._cached("x merged", lambda: _merge_logits(x, valid))
        return self._cached("p merged", lambda: _merge(x, valid, torch.ones_like(x)))

    def members(self) -> Tensor | None:
        """The classes that are left after merging, (N, C, 1); None if all are."""
        if self.valid is None:
            return None
        return _kept(self.valid).unsqueeze(2)

    def minus_log(self, activation: str) -> Tensor:
        """−ln p′ of every class that is left."""
        x = self.merged(activation)
        if activation == "softmax":
            return self._cached("log softmax", lambda: -torch.log_softmax(x, 1))
        if activation == "sigmoid":
            raise ValueError("log_loss: found activation 'sigmoid', wanted 'softmax' or 'none'")
        return -torch.log(x)

    def log_odds(self, activation: str) -> Tensor:
        """ln p′ − ln(1 − p′) without cancellation; under sigmoid the logit of each class."""
        if activation == "sigmoid":
            return self.logits("sigmoid")
        return self._cached("log odds", lambda: _log_odds(self.merged("softmax")))

    def sum(self, integrand: Integrand) -> Tensor:
        """One integrand, summed over the voxels: (N, C)."""
        value = self._weighted(integrand)
        total = value.sum(2, dtype=sum_dtype(value.device))
        total = total.expand(total.shape[0], self.classes)
        if self.valid is not None and not _is_merged(integrand):
            total = torch.where(self.valid, total, 0.0)
        return total

    def value(self, integrand: Integrand) -> Tensor:
        """One integrand, voxel by voxel: (N, C, V)."""
        value = self._weighted(integrand)
        if self.valid is not None and not _is_merged(integrand):
            value = torch.where(self.valid.unsqueeze(2), value, 0.0)
        return value

    def _weighted(self, integrand: Integrand) -> Tensor:
        if integrand.name in _COUNTS:
            hits = self._hits(integrand)
            return (hits if self.counted is None else hits & self.counted).to(self.x.dtype)
        if integrand.name == "voxels":
            return self.weight
        return self.weight * _INTEGRANDS[integrand.name](self, integrand)

    def _hits(self, integrand: Integrand) -> Tensor:
        """Where decision and reference are as the count wants them."""
        if integrand.decision == "argmax":
            classes = torch.arange(self.classes, device=self.x.device).view(1, -1, 1)
            predicted = self.x.argmax(1, keepdim=True) == classes
            # A voxel whose target is all 0 has no class.
            there = (self.g.argmax(1, keepdim=True) == classes) & (self.g > 0)
        else:
            activation = integrand.activation or "probabilities"
            least = float(integrand.decision or 0.0)
            predicted, there = self.probabilities(activation) >= least, self.g >= least
        if integrand.name == "true_positives":
            return predicted & there
        return predicted & ~there if integrand.name == "false_positives" else ~predicted & there


def _is_merged(integrand: Integrand) -> bool:
    """Whether unannotated classes are added to class 0, instead of left out."""
    name, activation = integrand.name, integrand.activation
    return name in _MERGED or (name == "focal" and activation == "softmax")


def _merge(value: Tensor, valid: Tensor, elsewhere: Tensor) -> Tensor:
    """Class 0 with the unannotated classes added to it; another value where those were."""
    kept = _kept(valid).unsqueeze(2)
    background = value[:, :1] + torch.where(kept, 0.0, value).sum(1, keepdim=True)
    return torch.cat([background, torch.where(kept, value, elsewhere)[:, 1:]], 1)


def _merge_logits(x: Tensor, valid: Tensor) -> Tensor:
    """The same of probabilities, by their logits."""
    kept = _kept(valid).unsqueeze(2)
    nothing = torch.finfo(x.dtype).min / 4
    inside = torch.cat([x[:, :1], torch.where(kept, nothing, x)[:, 1:]], 1)
    background = torch.logsumexp(inside, 1, keepdim=True)
    return torch.cat([background, torch.where(kept, x, nothing)[:, 1:]], 1)


def _kept(valid: Tensor) -> Tensor:
    """The classes that are not merged into class 0: the annotated ones and class 0 itself."""
    return torch.cat([torch.ones_like(valid[:, :1]), valid[:, 1:]], 1)


def _log_odds(x: Tensor) -> Tensor:
    """x_k − ln Σ_{j≠k} exp x_j for every k.

    Only the likeliest class can have p > ½, and so lose digits in 1 − p; for that one the others
    are added up themselves.
    """
    likeliest = x.argmax(1, keepdim=True)
    classes = torch.arange(x.shape[1], device=x.device).view(1, -1, 1)
    first = likeliest == classes
    others = torch.where(first, torch.finfo(x.dtype).min / 4, x)
    of_others = torch.logsumexp(others, 1, keepdim=True)
    log_p = torch.log_softmax(x, 1)
    unlikely = torch.where(first, 0.0, torch.exp(log_p))
    # ln p − ln(1 − p), with p ≤ ½.
    return torch.where(first, x - of_others, log_p - torch.log1p(-unlikely))


def _focal(v: Voxels, integrand: Integrand, positive: bool) -> Tensor:
    """g (1 − p)^γ (−ln p), or the same of the opposite event."""
    activation = integrand.activation or "probabilities"
    g = v.merged_reference() if activation == "softmax" else v.g
    share = g if positive else 1.0 - g
    if activation == "probabilities":
        p = v.probabilities("probabilities") if positive else 1.0 - v.probabilities("probabilities")
        p = torch.where(share == 0, 1.0, p)
        log_p, log_complement = torch.log(p), None
    else:
        z = v.log_odds(activation) if positive else -v.log_odds(activation)
        z = torch.where(share == 0, 0.0, z)
        log_p, log_complement = logsigmoid(z), logsigmoid(-z)
    if not any(integrand.values):
        return share * -log_p
    gamma: Tensor | float = integrand.values[0]
    if any(value != gamma for value in integrand.values):
        gamma = constant(integrand.values, v.x).view(1, -1, 1)
    if log_complement is None:
        return share * (1.0 - p) ** gamma * -log_p
    # The power by way of the logarithm: its slope is finite for γ < 1.
    return share * torch.exp(gamma * log_complement) * -log_p


def _positive(v: Voxels, integrand: Integrand) -> Tensor:
    return _focal(v, integrand._replace(values=()), positive=True)


def _negative(v: Voxels, integrand: Integrand) -> Tensor:
    return _focal(v, integrand._replace(values=()), positive=False)


def _transport(v: Voxels, integrand: Integrand) -> Tensor:
    distances = constant(integrand.values, v.x).view(v.classes, v.classes)
    with torch.autocast(v.x.device.type, enabled=False):
        p = v.all_probabilities(integrand.activation or "probabilities")
        return v.g * torch.einsum("kl,nlv->nkv", distances, p)


def _log_loss(v: Voxels, integrand: Integrand) -> Tensor:
    g = v.merged_reference()
    if integrand.activation == "probabilities":
        return g * -torch.log(torch.where(g == 0, 1.0, v.merged("probabilities")))
    return g * v.minus_log(integrand.activation or "probabilities")


def _log_loss_of_all(v: Voxels, integrand: Integrand) -> Tensor:
    value, members = v.minus_log(integrand.activation or "probabilities"), v.members()
    if members is None:
        return value / v.classes
    return torch.where(members, value, 0.0) / members.sum(1, keepdim=True)


def _p(v: Voxels, integrand: Integrand) -> Tensor:
    return v.probabilities(integrand.activation or "probabilities")


_COUNTS = ("true_positives", "false_positives", "false_negatives")
_MERGED = ("log_loss", "log_loss_of_all", "merged")
_INTEGRANDS: dict[str, Callable[[Voxels, Integrand], Tensor]] = {
    "reference": lambda v, i: v.g,
    "reference_squared": lambda v, i: v.g * v.g,
    "intersection": lambda v, i: _p(v, i) * v.g,
    "prediction": _p,
    "prediction_squared": lambda v, i: _p(v, i) * _p(v, i),
    "difference": lambda v, i: (_p(v, i) - v.g).abs(),
    "magnitude": lambda v, i: _p(v, i).abs(),
    "transport": _transport,
    "log_loss": _log_loss,
    "log_loss_of_all": _log_loss_of_all,
    "merged": lambda v, i: v.merged_reference(),
    "positive": _positive,
    "negative": _negative,
    "focal": lambda v, i: _focal(v, i, positive=True),
    "focal_negative": lambda v, i: _focal(v, i, positive=False),
}
#: Every sum that can be asked for by name.
SUMS = ("voxels", *_INTEGRANDS)
