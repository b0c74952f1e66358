"""What all losses have in common: a weighted sum of terms, as a `keras.losses.Loss`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal

import keras
from keras import ops

from .. import _maps, _options, _spec
from .._choices import ABSENT, POOL
from .._plain.objective import objective
from .._terms import ClassWeights, Regions, has_option
from ..compounds import Compound
from ..terms import Absent, Pool, Term, VoxelTerm
from . import _configuration, _plan
from ._batch import batch_of, mask_of
from ._configuration import Weighted
from ._namespace import dtype_of
from ._plan import Plan

Tensor = Any
Activation = Literal["softmax", "sigmoid"]
Reduction = Literal["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"] | None

REDUCTIONS: dict[str | None, _spec.Reduction] = {
    "sum_over_batch_size": "mean",
    "mean": "mean",
    "mean_with_sample_weight": "mean",
    "sum": "sum",
    "none": "none",
    None: "none",
}


def _terms(what: str, value: Any) -> tuple[Weighted, ...]:
    listed = [value] if isinstance(value, dict) else _spec.listed(value)
    terms = tuple(_configuration.read(entry) for entry in listed)
    _spec.with_weights(terms)
    return terms


def _reduction(what: str, value: Any) -> Reduction:
    if not (value is None or isinstance(value, str)) or value not in REDUCTIONS:
        wanted = ", ".join(repr(name) for name in REDUCTIONS if name is not None)
        raise ValueError(f"{what}: found {_options.shown(value)}, wanted {wanted} or None")
    return value  # type: ignore[return-value]


def _optional(convert: Any) -> Any:
    return partial(_options.optional, convert)


#: Every option, and what makes it plain as it is set: nothing that can be changed in place.
OPTIONS: dict[str, Any] = {
    "terms": _terms,
    "from_logits": _options.flag,
    "activation": _options.one_of("softmax", "sigmoid"),
    "axis": _options.integer,
    "pool": _optional(POOL["convert"]),
    "absent": _optional(ABSENT["convert"]),
    "background": _optional(_options.flag),
    "class_weights": _options.class_weights,
    "ignore_index": _optional(_options.integer),
    "regions": _optional(_options.table),
    "sparse_y_true": _optional(_options.flag),
    "reduction": _reduction,
    "native": _optional(_options.flag),
}


@keras.saving.register_keras_serializable(package="dice_loss")
class SegmentationLoss(keras.losses.Loss):  # type: ignore[misc]
    """A weighted sum of losses, all of them in one sweep over the voxels.

    ::

        from dice_loss.terms import CrossEntropy, Dice

        loss = SegmentationLoss(
            [(1.0, Dice(background=False, pool="batch")), (0.5, CrossEntropy())],
            from_logits=True,
        )
        model.compile("adam", loss)

    The terms are those of `dice_loss.terms` and `dice_loss.compounds`.

    **Predictions.** (N, spatial…, C) with any number of spatial axes, or with the classes on
    another `axis`; read where they lie. Any floating point type; everything is computed in float32
    or wider, and the loss is float32 (float64 of float64 predictions).

    **Targets.** `y_true` of the shape of `y_pred` is dense: one-hot, multilabel or soft, in
    [0, 1]. One value a voxel, (N, spatial…) or (N, spatial…, 1), is labels 0 to C − 1; floats
    that hold integers are fine. With one class every target is dense, which for 0 and 1 is the
    same. `sparse_y_true` overrules the shape.

    **Weights.** `sample_weight` of shape (N) weighs samples: it multiplies what each sample adds
    to the loss, and where samples are pooled, their sums. As everywhere in Keras, a mean divides
    by what would count without weights, but for `reduction="mean_with_sample_weight"`. Of shape
    (N, spatial…) or (N, spatial…, 1) it weighs voxels, and enters every sum over them: a voxel of
    weight 2 counts as two, one of weight 0 not at all, whatever the prediction holds there; an axis
    of size 1 holds along it, (spatial…) for every sample. The mask that Keras attaches to `y_pred`
    leaves out voxels, or samples.

    **Where it runs.** In main memory by the engine on the torch and JAX backends. On TensorFlow
    too, from 65,536 logits on, wherever they may leave the graph: on a machine of CPUs alone, where
    XLA does not compile, without a `tf.distribute` strategy; all else is by `keras.ops`.
    `native=True` takes the engine, and fails where it cannot, `native=False` `keras.ops`
    everywhere. Numbers are the same.

    Args:
        terms: a term, or a sequence of terms, each alone or as `(weight, term)`.
        from_logits: whether `y_pred` holds logits; probabilities otherwise. In losses of their
            logarithm, probabilities are kept `keras.config.epsilon()` away from 0 and 1.
        activation: what makes probabilities of logits: `"softmax"` for classes that exclude each
            other, `"sigmoid"` for those that do not and for a single one. A term's own comes first.
        axis: of the classes.
        pool: what overlap terms are computed over: `"sample"` (the default, each class of each
            sample), `"batch"` (each class), `"all"` (everything), or, so that small instances count
            as much as large ones, `"cell"` or `"blob"` (each instance of each class of each sample,
            with the voxels nearest to it or with the background).
        absent: what a class counts that the reference lacks: `"skip"` (the default: nothing),
            `"formula"` or `"zero"`.
        background: whether class 0 takes part in overlap terms.
        class_weights: one for each class, at least 0; they normalise the mean over classes. A
            sequence, or a mapping by class as `fit` takes it, which without `background` may leave
            out class 0.
        ignore_index: voxels of this label do not count. An integer, which 255.0 is too.
        regions: for each label the classes that it belongs to, for overlapping regions from a
            label map: a row for each of the labels 0, 1, …, or a mapping by label,
            `{1: [0], 4: [0, 1]}`, where labels between that are not named belong to none.
        sparse_y_true: whether `y_true` holds labels; by default its shape decides.
        reduction: `"sum_over_batch_size"` or `"mean"`, the mean over everything that counts
            (classes of samples, voxels); `"mean_with_sample_weight"`; `"sum"`; or `"none"`:
            (N, C) or what pooling leaves of it, and of voxel losses (N, spatial…), or the shape
            of `y_pred` for losses of each class by itself.
        native: whether the engine computes it; by default wherever it can and is the
            faster.
        name: of the loss.
        dtype: of the loss, `"float64"` or `"float32"`.

    Options are attributes; one that is set later takes effect, from the next `compile` on where
    `fit` has compiled already.

    Raises:
        ValueError: options out of range, or that do not fit each other.
    """

    terms: tuple[Weighted, ...]
    from_logits: bool
    activation: Activation
    axis: int
    pool: Pool | None
    absent: Absent | None
    background: bool | None
    class_weights: tuple[float, ...] | None
    ignore_index: int | None
    regions: tuple[tuple[int, ...], ...] | None
    sparse_y_true: bool | None
    reduction: Reduction
    native: bool | None

    def __init__(
        self,
        terms: Term | Compound | Iterable[Weighted],
        *,
        from_logits: bool = False,
        activation: Activation = "softmax",
        axis: int = -1,
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        class_weights: ClassWeights | None = None,
        ignore_index: int | None = None,
        regions: Regions | None = None,
        sparse_y_true: bool | None = None,
        reduction: Reduction = "sum_over_batch_size",
        native: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.terms = terms  # type: ignore[assignment]
        self.from_logits = from_logits
        self.activation = activation
        self.axis = axis
        self.pool = pool
        self.absent = absent
        self.background = background
        self.class_weights = class_weights  # type: ignore[assignment]
        self.ignore_index = ignore_index
        self.regions = regions  # type: ignore[assignment]
        self.sparse_y_true = sparse_y_true
        self.native = native
        self._dtype_wanted = dtype
        self._plan = self._planned()

    def __setattr__(self, name: str, value: Any) -> None:
        """An option that is changed takes effect, or is refused."""
        if name not in OPTIONS:
            if type(self) is SegmentationLoss:
                _spec.refuse_option_of_terms(name, vars(self).get("terms", ()))
            super().__setattr__(name, value)
            return
        read = OPTIONS[name]
        if name == "class_weights":
            read = _optional(partial(read, **self._taking_part()))
        value = read(name, value)
        before = vars(self).get(name)
        super().__setattr__(name, value)
        if "_plan" not in vars(self):
            return
        try:
            self._plan = self._planned()
        except Exception:
            super().__setattr__(name, before)
            raise

    def _planned(self) -> Plan:
        """What to compute; checks whether all options fit."""
        weighted = self._weighted()
        plain = [entry[1] if isinstance(entry, tuple) else entry for entry in weighted]
        named = [
            term.activation for term in plain if term.activation not in (None, "probabilities")
        ]
        if named and not self.from_logits:
            raise ValueError(
                f"from_logits: found False beside a term with activation {named[0]!r}, wanted True"
            )
        takes_logits = self.from_logits or any(
            "probabilities" not in term.activations for term in plain
        )
        activation: Any = self.activation if takes_logits else "probabilities"
        lack_of_channels = self._check_activation(activation)
        spec = _spec.spec(
            weighted,
            activation=activation,
            pool=self.pool,
            absent=self.absent,
            background=self.background,
            class_weights=self.class_weights,
            reduction=REDUCTIONS[self.reduction],
        )
        whole = objective(spec)
        activations = sorted({term.activation for term in whole.terms})
        if len(activations) > 1 and not self.from_logits:
            raise ValueError(
                f"from_logits: found False beside terms with {' and '.join(activations)}, wanted "
                "True: the probabilities of one do not tell those of the other"
            )
        return Plan(
            spec,
            whole,
            normalise=self.reduction == "mean_with_sample_weight",
            native=self.native,
            takes_logits=takes_logits,
            clips=not self.from_logits and not all(term.is_overlap for term in whole.terms),
            lack_of_channels=lack_of_channels,
        )

    def _weighted(self) -> tuple[Weighted, ...]:
        """The terms with what the loss says of each."""
        return self.terms

    def _check_activation(self, activation: Any) -> str | None:
        """What is wrong with one class; None where the engine has the words for it."""
        return None

    def _taking_part(self) -> dict[str, Any]:
        """What says which classes take part."""
        return {"background": self.background}

    def __call__(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        maps: Mapping[str, Any] | None = None,
    ) -> Tensor:
        """The loss.

        Args:
            y_true: labels or dense, see above.
            y_pred: (N, spatial…, C), logits or probabilities.
            sample_weight: (N), or (N, spatial…) with or without a last axis of size 1, or what
                broadcasts to it; at least 0.
            maps: for each name that a term has as its `map`, in the layout of y_pred with 1 class
                or C, or without that axis: what each voxel weighs in that term. `fit` hands none
                over: a training step of one's own does.

        Raises:
            ValueError: shapes that do not fit. By the engine also labels that name no class, dense
                targets outside [0, 1] and negative weights; `keras.ops` cannot look at values.
            TypeError: predictions that are not floating point.
        """
        mask = mask_of(y_pred)
        with keras.name_scope(self.name):
            batch = batch_of(
                y_true,
                y_pred,
                sample_weight,
                mask,
                axis=self.axis,
                regions=self.regions,
                ignore_index=self.ignore_index,
                sparse_y_true=self.sparse_y_true,
                maps=maps,
                wanted=_maps.wanted(self._plan.spec),
            )
            lack_of_channels = self._plan.lack_of_channels
            if lack_of_channels is not None and batch.logits.shape[batch.axis] == 1:
                raise ValueError(lack_of_channels)
            batch = batch._replace(logits=self._predictions(batch.logits))
            value = _plan.loss(self._plan, batch)
            if self._dtype_wanted is not None:
                value = ops.cast(value, self.dtype)
            return value if REDUCTIONS[self.reduction] != "mean" else share_of_replica(value)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The loss without weights."""
        return self(y_true, y_pred)

    def _predictions(self, y_pred: Tensor) -> Tensor:
        """As the terms take them: logits, or probabilities of which a logarithm is finite."""
        if self._dtype_wanted is not None and self.dtype == "float64":
            y_pred = ops.cast(y_pred, "float64")
        if not self._plan.clips:
            return y_pred
        if dtype_of(y_pred) != "float64":
            y_pred = ops.cast(y_pred, "float32")
        epsilon = keras.config.epsilon()
        y_pred = ops.clip(y_pred, epsilon, 1.0 - epsilon)
        if not self._plan.takes_logits:
            return y_pred
        log_odds = ops.log(y_pred)
        return log_odds if self.activation == "softmax" else log_odds - ops.log1p(-y_pred)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same loss of."""
        return {
            "terms": [_configuration.written(entry) for entry in self.terms],
            **self._settings(),
        }

    def _settings(self) -> dict[str, Any]:
        return {
            "from_logits": self.from_logits,
            "activation": self.activation,
            "axis": self.axis,
            "pool": self.pool,
            "absent": self.absent,
            "background": self.background,
            "class_weights": _configuration.plain(self.class_weights),
            "ignore_index": self.ignore_index,
            "regions": _configuration.plain(self.regions),
            "sparse_y_true": self.sparse_y_true,
            "reduction": self.reduction,
            "native": self.native,
            "name": self.name,
            "dtype": None if self._dtype_wanted is None else self.dtype,
        }


class NamedLoss(SegmentationLoss):
    """A loss with a name of its own: one term or compound, its options spelt out."""

    def __setattr__(self, name: str, value: Any) -> None:
        """The options of its term are its own."""
        if "_plan" in vars(self):
            if name == "terms":
                raise AttributeError(_spec.other_terms(type(self).__name__))
            ((_, entry),) = _spec.with_weights(self.terms)
            if name not in OPTIONS and has_option(entry, name):
                name, value = "terms", dataclasses.replace(entry, **{name: value})
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """An option of its term."""
        for _, entry in _spec.with_weights(vars(self).get("terms", ())):
            if has_option(entry, name):
                return getattr(entry, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _weighted(self) -> tuple[Weighted, ...]:
        if self.background is None:
            return self.terms
        # Voxel terms of a sum keep the background; by itself a voxel loss does what it is told.
        return tuple(
            dataclasses.replace(entry, background=self.background)
            if isinstance(entry, VoxelTerm)
            else entry
            for entry in self.terms
        )

    def _check_activation(self, activation: Any) -> str | None:
        (entry,) = self.terms
        assert isinstance(entry, Term | Compound)
        _spec.check_activation(entry, activation, _class_name)
        return _spec.lack_of_channels(entry, activation, _class_name)

    def _taking_part(self) -> dict[str, Any]:
        return {"background": self.background, "classes": getattr(self.terms[0], "classes", None)}

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same loss of."""
        (entry,) = self.terms
        settings = self._settings()
        return {
            name: settings[name] if name in settings else _configuration.plain(getattr(entry, name))
            for name in inspect.signature(type(self)).parameters
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> NamedLoss:
        """The loss of `get_config`."""
        loss: NamedLoss = cls(**config)
        return loss


def _class_name(loss: type[Term | Compound]) -> str:
    return loss.short


def share_of_replica(value: Tensor) -> Tensor:
    """Under `tf.distribute`, gradients of replicas are added up: each has its share of a mean."""
    if keras.backend.backend() != "tensorflow":
        return value
    import tensorflow as tf

    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return value if replicas == 1 else value / replicas
