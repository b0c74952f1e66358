"""What is trained for: a weighted sum of terms, measured, evaluated and pulled back."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, Unpack

import numpy as np
from numpy.typing import ArrayLike

from . import _core, _maps, _options, _spec
from ._arrays import Array, Lent, view
from ._settings import Counted
from ._spec import Decision, Reduction, WeightedTerm
from ._terms import ClassWeights
from ._threads import get_num_threads
from .compounds import Compound
from .moments import Moments, expect_sums
from .terms import Absent, Activation, Pool, Term

__all__ = ["Objective", "TermVerdict", "Verdict"]

Value: TypeAlias = float | Array


@dataclass(frozen=True, eq=False)
class TermVerdict:
    """What one term says.

    Attributes:
        name: of the loss, as in the catalogue.
        weight: in the objective.
        loss: not multiplied by the weight.
        per_class: (C,): the loss of each class, NaN where nothing counted or where the loss couples
            the classes.
    """

    name: str
    weight: float
    loss: float
    per_class: Array


@dataclass(frozen=True, eq=False)
class Verdict:
    """The value of an objective, of its terms and classes, and its derivatives by the moments.

    Attributes:
        loss: the weighted sum of the terms; for reduction "none" the sum of all values.
        terms: in the order of the objective, compounds taken apart.
        values: for reduction "none" and overlap terms, the values in the shape that pooling leaves.
        soft_dice: (C,): 2Σpg / (Σp + Σg) of each class under the first activation, a mean over the
            samples that have the class, NaN if none has it. None if no term needs these sums.
        slopes: (rows, K, C): ∂loss/∂moments.
        cells: (rows, C): which of the values each class of each row is part of.
        integrands: what it has derivatives by, as `Moments.integrands`.
        is_pooled: whether the samples had been added up.
    """

    loss: float
    terms: tuple[TermVerdict, ...]
    values: Array | None
    soft_dice: Array | None
    slopes: Array = field(repr=False)
    cells: Array = field(repr=False)
    integrands: tuple[str, ...] = field(repr=False)
    is_pooled: bool


class Objective:
    """A weighted sum of terms, all measured in one sweep over the voxels.

    L = Σ_t λ_t L_t, over the terms t with weights λ::

        objective = Objective(
            [(1.0, Dice(background=False)), (0.5, CrossEntropy())],
            activation="softmax", pool="batch",
        )
        value, gradient = objective.loss_and_gradient(logits, labels, ignore_index=255)

    However many terms there are, logits and target are read twice: once for the sums, once to
    write the gradient. Nothing else of the data's size is allocated. Results do not depend on the
    number of threads (`dice_loss.set_num_threads`), bit for bit. Calls let go of the GIL.

    Args:
        terms: a term, or a sequence of pairs (weight, term); a bare term weighs 1. Compounds count
            as terms. A weight of 0 measures without training.
        activation: "softmax", "sigmoid" or "probabilities" (the input as it is), of the terms that
            name none. Always named, never guessed.
        pool: what overlap terms are computed over: "sample", each class of each sample; "batch",
            each class over the batch; "all", everything at once; "cell" and "blob", each instance
            of each class of each sample, with the voxels nearest to it or with the background, so
            that small ones count as much as large ones.
        absent: what a class counts that the reference lacks: "skip", nothing; "formula", what the
            formula says; "zero", a loss of 0 that stays in the mean.
        background: whether class 0 takes part in overlap terms; with one channel it always does.
        class_weights: one for each class, not negative, of the terms that have none of their own;
            they normalise the mean over classes. A sequence, or a mapping by class, which without
            `background` may leave out class 0.
        reduction: "mean" over what counts, "sum", or "none": overlap terms give (N, C) or what
            pooling leaves of it, voxel terms (N, 1, spatial…) or (N, C, spatial…).
        decision: also count hard decisions, by "argmax" or by a threshold on the probability of
            the first activation; see `Moments.counts`.
        sums: measured whatever the terms need, for formulas of one's own; there may be no terms at
            all. Names, such as "intersection", under `activation`; or with their parameters,
            `{"sum": "transport", "distances": [[0, 1], [1, 0]]}`. `Moments.names` has all of them.

    Raises:
        TypeError, ValueError: an option of the wrong kind, or out of its range.
    """

    __slots__ = ("_has_map", "_settings", "_spec", "_terms")

    def __init__(
        self,
        terms: Term | Compound | Iterable[WeightedTerm] = (),
        *,
        activation: Activation | None = None,
        pool: Pool = "sample",
        absent: Absent = "skip",
        background: bool = True,
        class_weights: ClassWeights | None = None,
        reduction: Reduction = "mean",
        decision: Decision | None = None,
        sums: Sequence[str | Mapping[str, Any]] = (),
    ) -> None:
        self._terms = _spec.listed(terms)
        self._settings: dict[str, Any] = {
            "activation": activation,
            "pool": pool,
            "absent": absent,
            "background": background,
            "class_weights": (
                None
                if class_weights is None
                else _options.class_weights("class_weights", class_weights, background=background)
            ),
            "reduction": reduction,
            "decision": decision,
            "sums": tuple(
                dict(entry) if isinstance(entry, Mapping) else entry
                for entry in _options.words("sums", sums)
            ),
        }
        self._spec = _spec.spec(self._terms, **self._settings)
        self._has_map = _spec.has_map(self._spec)

    @property
    def spec(self) -> str:
        """The objective as text: equal objectives have equal texts."""
        return self._spec

    def measure(self, logits: ArrayLike, target: ArrayLike, **counted: Unpack[Counted]) -> Moments:
        """The first sweep: reads logits and target once and leaves sums.

        Arguments and errors are those of `loss_and_gradient`.
        """
        return self._measure(self._lent(logits, target, **counted))

    def evaluate(self, moments: Moments) -> Verdict:
        """From sums to the loss and its derivatives by them; a few numbers for each class.

        Raises ValueError for moments of other sums than the objective's, and for pooled moments if
        a term is computed for each sample.
        """
        integrands = tuple(_core.integrands(self._spec, moments.classes))
        expect_sums("moments", moments.integrands, integrands)
        slopes = np.empty(moments.sums.shape)
        valid, is_pooled = view(moments.class_valid), moments.is_pooled
        found = _core.evaluate(self._spec, view(moments.sums), valid, is_pooled, view(slopes))
        values, soft_dice = found.values, found.soft_dice
        return Verdict(
            loss=found.loss,
            terms=tuple(
                TermVerdict(name, weight, loss, np.array(per_class))
                for name, weight, loss, per_class in found.terms
            ),
            values=None if values is None else np.array(values).reshape(found.shape),
            soft_dice=None if soft_dice is None else np.array(soft_dice),
            slopes=slopes,
            cells=np.array(found.cells, dtype=np.intp).reshape(moments.class_valid.shape),
            integrands=integrands,
            is_pooled=is_pooled,
        )

    def pull_back(
        self,
        verdict: Verdict,
        logits: ArrayLike,
        target: ArrayLike,
        *,
        upstream: ArrayLike = 1.0,
        **counted: Unpack[Counted],
    ) -> Array:
        """The second sweep: ∂loss/∂logits, times `upstream`, in the logits' shape and type.

        The verdict may be of more than this batch: moments of several batches or processes, pooled
        and added up, pull the loss of the whole back to each part.

        Args:
            verdict: what `evaluate` returned.
            logits, target, counted: as they were measured.
            upstream: a number; for reduction "none" and overlap terms it may have the shape of
                `verdict.values`.

        Raises ValueError for a verdict of other sums or of another number of samples.
        """
        integrands = tuple(_core.integrands(self._spec, verdict.cells.shape[1]))
        expect_sums("verdict", verdict.integrands, integrands)
        if self._has_map:
            raise ValueError(
                "pull_back: found reduction none of voxel terms, whose gradient is by each voxel; "
                "wanted loss_and_gradient"
            )
        return self._pull_back(verdict, self._lent(logits, target, **counted), upstream)

    def loss_and_gradient(
        self,
        logits: ArrayLike,
        target: ArrayLike,
        *,
        upstream: ArrayLike = 1.0,
        **counted: Unpack[Counted],
    ) -> tuple[Value, Array]:
        """The loss and ∂loss/∂logits.

        Args:
            logits: (N, C, spatial…), any number of spatial axes: float32, float64, float16, or
                bfloat16 of `ml_dtypes`. Any strides; only those that are neither channels-first
                nor channels-last (nor slices of it) are copied.
            target: labels (N, spatial…) or (N, 1, spatial…), integers; or dense (N, C, spatial…),
                one-hot, multilabel or soft, values in [0, 1] up to 4 roundings, bool, integers or
                floats. For one channel labels are 0 and 1.
            upstream: what the gradient is multiplied with: a number, or for reduction "none" an
                array of the shape of the values.
            ignore_index: voxels with this label do not count; an integer, which 255.0 is too. Of a
                dense target of several channels use `mask` instead.
            mask: (N, spatial…) or (N, 1, spatial…), or what is broadcast to it: 1 along an axis,
                (spatial…), (N,). Voxels where it is False or 0 do not count.
            voxel_weight: of that shape, 0 to 3.4e38: how much each voxel counts.
            class_valid: (N, C) or (C,) bool: which classes were annotated. Softmax cross-entropy
                and focal loss add the others to the background.
            regions: for labels 0, 1, …, the channels that each belongs to, which may overlap:
                `[[], [0], [0, 1]]`, or by label `{1: [0], 4: [0, 1]}`, where labels between that
                are not named belong to none. The target is a label map.
            maps: for each name that a term has as its `map`, (N, 1, spatial…), (N, spatial…) or
                (N, C, spatial…), finite where the voxel counts: what each voxel weighs in that
                term, in all classes alike or in each. What a loss can make of the target may be
                left out.

        What a masked array (`numpy.ma`) has masked in logits, target, mask or voxel_weight does not
        count: all classes of a voxel together, or it is an error. Masked in class_valid, a class is
        not annotated.

        Returns:
            The loss, a float (for reduction "none" an array), and the gradient in the shape, type
            and order of axes of the logits. A voxel that does not count has a gradient of 0, NaN
            in its logits included.

        Raises:
            TypeError: an array of a type that is not among those above.
            ValueError: shapes that do not fit; labels outside the classes; a dense target outside
                [0, 1]; options that do not fit the number of classes.
        """
        batch = self._lent(logits, target, **counted)
        if self._has_map:
            return self._map(batch), self._pull_back_map(batch, upstream)
        verdict = self.evaluate(self._measure(batch))
        value = verdict.loss if verdict.values is None else verdict.values
        return value, self._pull_back(verdict, batch, upstream)

    def loss(self, logits: ArrayLike, target: ArrayLike, **counted: Unpack[Counted]) -> Value:
        """The loss alone, in one sweep. Arguments and errors are those of `loss_and_gradient`."""
        batch = self._lent(logits, target, **counted)
        if self._has_map:
            return self._map(batch)
        verdict = self.evaluate(self._measure(batch))
        return verdict.loss if verdict.values is None else verdict.values

    def __eq__(self, other: object) -> bool:
        return self._spec == other._spec if isinstance(other, Objective) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._spec)

    def __repr__(self) -> str:
        defaults = inspect.signature(Objective).parameters
        settings = [
            f", {name}={value!r}"
            for name, value in self._settings.items()
            if value != defaults[name].default
        ]
        return f"Objective({list(self._terms)}{''.join(settings)})"

    def maps(
        self, logits: ArrayLike, target: ArrayLike, **counted: Unpack[Counted]
    ) -> dict[str, Array]:
        """The maps that the terms read, by name: those that are given, and what losses make of the
        target where none is.

        A data loader may call it ahead of the training, with logits of the right shape: of a map
        that looks at the prediction, as `HausdorffDT`'s does, the logits are read.

        Args:
            logits, target, counted: those of `loss_and_gradient`.

        Returns:
            (N, 1, spatial…) as it was given, or (N, C, spatial…) in float32.

        Raises ValueError for a map that has to be given and is not.
        """
        return dict(self._lent(logits, target, **counted).maps)

    def _lent(self, logits: ArrayLike, target: ArrayLike, **counted: Unpack[Counted]) -> Lent:
        """What a sweep reads, with the maps that the terms name."""
        wanted = _maps.wanted(self._spec)
        lent = Lent(logits, target, **counted, wanted=wanted)
        lent.make_maps(self._spec, [map.name for map in wanted if map.name not in lent.maps])
        return lent

    def _measure(self, batch: Lent) -> Moments:
        samples, classes = batch.logits.shape[:2]
        integrands = _core.integrands(self._spec, classes)
        sums = np.empty((samples, len(integrands), classes))
        _core.measure(self._spec, *batch.views, batch.options, get_num_threads(), view(sums))
        return Moments(integrands, sums, batch.valid)

    def _pull_back(self, verdict: Verdict, batch: Lent, upstream: ArrayLike) -> Array:
        slopes, samples = verdict.slopes, batch.logits.shape[0]
        if not verdict.is_pooled and slopes.shape[0] != samples:
            raise ValueError(
                f"logits: found {samples} samples, wanted the {slopes.shape[0]} of the verdict"
            )
        factor = np.asarray(upstream, dtype=np.float64)
        if factor.shape and (verdict.values is None or factor.shape != verdict.values.shape):
            wanted = "a number" if verdict.values is None else f"{verdict.values.shape} or a number"
            raise ValueError(f"upstream: found shape {factor.shape}, wanted {wanted}")
        if factor.shape:
            factor = factor.reshape(-1)[verdict.cells][:, None, :]
        # What has no upstream gradient has none, also where the slope is infinite.
        slopes = np.multiply(slopes, factor, out=np.zeros_like(slopes), where=factor != 0.0)
        gradient = batch.gradient()
        threads, out = get_num_threads(), view(gradient)
        _core.pull_back(self._spec, view(slopes), *batch.views, batch.options, threads, out)
        return gradient

    def _map(self, batch: Lent) -> Array:
        samples, classes, *spatial = batch.logits.shape
        channels = _core.map_channels(self._spec, classes)
        wide = np.float64 if batch.logits.dtype == np.float64 else np.float32
        losses = np.empty((samples, channels, *spatial), dtype=wide)
        threads = get_num_threads()
        _core.voxel_losses(self._spec, *batch.views, batch.options, threads, view(losses))
        return losses

    def _pull_back_map(self, batch: Lent, upstream: ArrayLike) -> Array:
        samples, classes, *spatial = batch.logits.shape
        shape = (samples, _core.map_channels(self._spec, classes), *spatial)
        factor: Array = np.asarray(upstream)
        if factor.shape not in ((), shape):
            raise ValueError(f"upstream: found shape {factor.shape}, wanted {shape} or a number")
        wide = np.float64 if batch.logits.dtype == np.float64 else np.float32
        factor = np.ascontiguousarray(np.broadcast_to(factor, shape), dtype=wide)
        gradient = batch.gradient()
        threads, out = get_num_threads(), view(gradient)
        _core.pull_back_map(self._spec, view(factor), *batch.views, batch.options, threads, out)
        return gradient
