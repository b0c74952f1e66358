"""What all losses have in common: a weighted sum of terms, as a module."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from typing import Any, ClassVar, Literal, overload

import torch
from torch import Tensor, nn

from .. import _options, _spec
from .._choices import ABSENT, ACTIVATION, POOL, REDUCTION
from .._terms import ClassWeights, Regions, has_option
from ..compounds import Compound
from ..terms import Absent, Activation, Pool, Term, VoxelTerm
from . import _ops, _plan
from ._details import LossDetails
from ._plan import Plan
from ._ranks import ProcessGroup
from ._tracing import is_at_hand

Weighted = Term | Compound | tuple[float, Term | Compound]


#: What becomes plain as it is set.
_READ: dict[str, Any] = {
    "terms": lambda what, value: _spec.listed(value),
    "ignore_index": partial(_options.optional, _options.integer),
    "regions": partial(_options.optional, _options.table),
}
_OPTIONS = frozenset(
    {
        "terms",
        "activation",
        "pool",
        "absent",
        "background",
        "class_weights",
        "reduction",
        "ignore_index",
        "regions",
        "target_kind",
        "process_group",
    }
)


class SegmentationLoss(nn.Module):
    """A weighted sum of losses, all of them in one sweep over the voxels.

    ::

        criterion = SegmentationLoss(
            [(1.0, Dice(background=False, pool="batch")), (0.5, CrossEntropy())],
            activation="softmax",
        )
        criterion(logits, target).backward()

    The terms are those of `dice_loss.terms` and `dice_loss.compounds`.

    **Shapes.** Logits are (N, C, spatial…), any number of spatial axes, float64, float32, float16
    or bfloat16, in either memory format; they are not copied. The loss is float32 (float64 of
    float64 logits), also under autocast, and the gradient has the type of the logits. For
    `reduction="none"` it is (N, C), (C), (N) or a number, by pool and kind of the loss, and of
    voxel losses a map (N, 1, spatial…), or (N, C, spatial…) for losses of each class by itself.

    **Targets.** With several channels, a target in the shape of the logits is dense: one-hot,
    multilabel or soft, in [0, 1], of any type. One value a voxel, (N, spatial…) or
    (N, 1, spatial…), is labels 0 to C − 1, of any type as long as they are integers (floats from a
    data loader are fine). With one channel, floating point and bool are dense, so that soft masks
    are, and integers are labels 0 and 1. `target_kind` overrules this.

    **Where it runs.** In main memory by the native engine, on `torch.get_num_threads()` threads; on
    CUDA devices by the package's kernels, without waiting for the device. On other devices, for a
    target that needs a gradient, for forward-mode differentiation and under `torch.func` by a plain
    torch implementation of the same numbers. A DTensor is refused: pass `.to_local()` and
    `process_group`.

    Args:
        terms: a term, or a sequence of terms, each alone or as `(weight, term)`.
        activation: softmax, sigmoid or probabilities (the input as it is), of the terms that do
            not say.
        pool: what the overlap terms are computed over: `"sample"` (the default, each class of
            each sample), `"batch"` (each class), `"all"` (everything), or, so that small
            instances count as much as large ones, `"cell"` or `"blob"` (each instance of each class
            of each sample, with the voxels nearest to it or with the background).
        absent: what a class counts that the reference lacks: `"skip"` (the default: nothing),
            `"formula"` or `"zero"`.
        background: whether class 0 takes part in overlap terms.
        class_weights: one for each class, at least 0; they normalise the mean over classes. A
            sequence, a tensor, or a mapping by class, which without `background` may leave out
            class 0. A buffer, saved in the state dict; one that is loaded or changed in place takes
            effect, in float32. On other devices than the CPU it is not looked at, and neither
            checked again. A term's own come first.
        reduction: `"mean"`, `"sum"` or `"none"`.
        ignore_index: voxels of this label do not count, whatever the logits hold there. An
            integer, which 255.0 is too.
        regions: for each label the channels that it belongs to, for targets of overlapping regions
            from a label map; use sigmoid. A row for each of the labels 0, 1, …, or a mapping by
            label, `{1: [0, 1], 2: [0], 4: [0, 1, 2]}`, where labels between that are not named
            belong to none.
        target_kind: `"labels"` or `"dense"`, where shape and type are not to decide.
        process_group: `"world"` or a group, whose ranks' batches are one batch; see
            `dice_loss.torch.distributed`. Unreduced values of samples and voxels stay with their
            rank.

    Options are attributes of the module, in a loss with a name of its own those of its formula too;
    one that is set later takes effect.

    Raises:
        ValueError: options out of range, or that do not fit each other.
    """

    terms: tuple[Weighted, ...]
    activation: Activation | None
    pool: Pool | None
    absent: Absent | None
    background: bool | None
    class_weights: Tensor | None
    reduction: _spec.Reduction
    ignore_index: int | None
    regions: Regions | None
    target_kind: str | None
    process_group: ProcessGroup | None
    #: What to compute, and the same without class weights.
    plan: Plan
    _unweighted: Plan
    _weights: list[float] | None
    #: Whether it is one loss under its own name.
    _is_named = False
    #: The weights, and the buffer's values that were found to be theirs.
    _seen: tuple[list[float] | None, Any] = (None, None)

    def __init__(
        self,
        terms: Term | Compound | Iterable[Weighted],
        *,
        activation: Activation | None = None,
        pool: Pool | None = None,
        absent: Absent | None = None,
        background: bool | None = None,
        class_weights: ClassWeights | Tensor | None = None,
        reduction: _spec.Reduction = "mean",
        ignore_index: int | None = None,
        regions: Regions | None = None,
        target_kind: str | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__()
        # None is a parameter, a module or a buffer, for which nn.Module would look at each.
        vars(self).update(
            terms=_spec.listed(terms),
            activation=activation,
            pool=pool,
            absent=absent,
            background=background,
            reduction=reduction,
            ignore_index=_options.optional(_options.integer, "ignore_index", ignore_index),
            regions=_options.optional(_options.table, "regions", regions),
            target_kind=target_kind,
            process_group=process_group,
        )
        vars(self)["_weights"] = self._read_weights(class_weights)
        self.register_buffer("class_weights", self._rounded())
        self._plan_again()

    def __setattr__(self, name: str, value: Any) -> None:
        """An option that is changed takes effect, or is refused."""
        if name not in _OPTIONS or "plan" not in self.__dict__:
            if type(self) is SegmentationLoss:
                _spec.refuse_option_of_terms(name, self.__dict__.get("terms", ()))
            super().__setattr__(name, value)
            return
        if name == "class_weights":
            self._set_weights(value)
            return
        # An option is no parameter nor module, which nn.Module would make of some values.
        options = vars(self)
        before = options[name]
        options[name] = _READ[name](name, value) if name in _READ else value
        try:
            self._plan_again()
        except Exception:
            options[name] = before
            raise

    def _set_weights(self, value: Any) -> None:
        if isinstance(value, nn.Parameter):
            raise TypeError(
                "class_weights: found a Parameter, wanted its `.detach()`, or numbers: they are a "
                "buffer, and nothing learns them"
            )
        before, weights = self.class_weights, self._weights
        if not (isinstance(value, Tensor) and self._has(value)):
            self._weights = self._read_weights(value)
        self._buffers["class_weights"] = value if isinstance(value, Tensor) else self._rounded()
        try:
            self._plan_again()
        except Exception:
            self._buffers["class_weights"] = before
            self._weights = weights
            raise

    def __prepare_scriptable__(self) -> None:
        """What `torch.jit.script` asks first of every module of a network."""
        raise RuntimeError(
            f"{type(self).__name__}: torch.jit.script cannot compile a loss; script the network "
            "without it, or use torch.compile"
        )

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        buffer = self.class_weights
        values = None if buffer is None else buffer.clone()
        super()._load_from_state_dict(*args, **kwargs)
        try:
            self._look_at_weights()
        except Exception:
            if buffer is not None and values is not None:
                with torch.no_grad():
                    buffer.copy_(values)
            self._buffers["class_weights"] = buffer
            raise

    def _rounded(self) -> Tensor | None:
        """The class weights as a buffer, where the last one was."""
        if self._weights is None:
            return None
        before = self.__dict__.get("_buffers", {}).get("class_weights")
        device = None if before is None else before.device
        return torch.tensor(self._weights, dtype=torch.float32, device=device)

    def _look_at_weights(self) -> None:
        """Follows the buffer, which someone may have changed; what it rounds stays exact."""
        buffer = self._buffers["class_weights"]
        if buffer is None or buffer.device.type == "meta":
            return
        values = buffer.tolist()
        known, seen = self._seen
        if known is self._weights and values == seen:
            return
        if self._has(buffer):
            self._seen = self._weights, values
            return
        weights, self._weights = self._weights, self._read_weights(buffer)
        try:
            self.plan = self._planned(self._weights, self._plain_options())
        except Exception:
            self._weights = weights
            raise

    def _has(self, buffer: Tensor) -> bool:
        """Whether the weights are those of the buffer, but for its rounding."""
        if self._weights is None:
            return False
        rounded = torch.tensor(self._weights, dtype=torch.float32).to(buffer.dtype)
        same: bool = buffer.tolist() == rounded.tolist()
        return same

    def _now(self) -> tuple[Plan, Tensor | None]:
        """What to compute, and the weights that it is without.

        In main memory the buffer is compared with what the plan was made for. Elsewhere, and where
        someone traces, it is an operand: reading it would wait for the device, or break the graph.
        """
        buffer = self._buffers["class_weights"]
        if buffer is None:
            return self.plan, None
        if not is_at_hand(buffer):
            return self._unweighted, buffer
        self._look_at_weights()
        return self.plan, None

    def _plan_again(self) -> None:
        options = self._plain_options()
        weights = self._weights
        plan = self._planned(weights, options)
        unweighted = plan if weights is None else self._planned(None, options)
        vars(self).update(plan=plan, _unweighted=unweighted)

    def _plain_options(self) -> tuple[Any, ...]:
        """What is planned beside the class weights, checked one by one."""
        if self.target_kind not in (None, "labels", "dense"):
            raise ValueError(
                f"target_kind: found {self.target_kind!r}, wanted 'labels', 'dense' or None"
            )
        optional = _options.optional
        return (
            self._is_named,
            _spec.with_weights(self.terms),
            optional(ACTIVATION["convert"], "activation", self.activation),
            optional(POOL["convert"], "pool", self.pool),
            optional(ABSENT["convert"], "absent", self.absent),
            optional(_options.flag, "background", self.background),
            REDUCTION["convert"]("reduction", self.reduction),
            self.ignore_index,
            self.regions,
            self.target_kind,
        )

    def _planned(self, class_weights: list[float] | None, options: tuple[Any, ...]) -> Plan:
        """What to compute; checks whether all fits."""
        plan = _planned(None if class_weights is None else tuple(class_weights), *options)
        # What belongs to a sample or a voxel stays with its rank.
        is_local = plan.is_unreduced and (plan.has_map or plan.needs_samples)
        if self.process_group is None or is_local:
            return plan
        return plan._replace(process_group=self.process_group)

    def _read_weights(self, value: Any) -> list[float] | None:
        """The weights as plain numbers."""
        if value is None:
            return None
        return [*_options.class_weights("class_weights", value, **self._taking_part())]

    def _taking_part(self) -> dict[str, Any]:
        """What says which classes take part."""
        return {"background": self.background}

    @overload
    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        *,
        mask: Tensor | None = None,
        voxel_weight: Tensor | None = None,
        class_valid: Tensor | None = None,
        maps: Mapping[str, Tensor] | None = None,
        details: Literal[False] = False,
    ) -> Tensor: ...

    @overload
    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        *,
        mask: Tensor | None = None,
        voxel_weight: Tensor | None = None,
        class_valid: Tensor | None = None,
        maps: Mapping[str, Tensor] | None = None,
        details: Literal[True],
    ) -> tuple[Tensor, LossDetails]: ...

    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        *,
        mask: Tensor | None = None,
        voxel_weight: Tensor | None = None,
        class_valid: Tensor | None = None,
        maps: Mapping[str, Tensor] | None = None,
        details: bool = False,
    ) -> Tensor | tuple[Tensor, LossDetails]:
        """The loss.

        Args:
            logits: (N, C, spatial…).
            target: labels or dense, see above.
            mask: (N, spatial…) or (N, 1, spatial…), or what is broadcast to it: 1 along an axis,
                (spatial…), (N,). Voxels where it is 0 do not count.
            voxel_weight: of the same shape, 0 to 3.4e38; how much each voxel counts.
            class_valid: (N, C); which classes were annotated in which sample (partial labels).
                Others are left out; under softmax, cross-entropy and focal loss count them as
                background.
            maps: for each name that a term has as its `map`, (N, 1, spatial…), (N, spatial…) or
                (N, C, spatial…), finite where the voxel counts: what each voxel weighs in that
                term, in all classes alike or in each. Of what a loss can make of the target, only
                what is to be used in its place.
            details: whether to return `(loss, LossDetails)`, from the same sweep.

        Raises:
            ValueError: shapes or devices that do not fit; a label that names no class, or a dense
                target, mask or weight out of range (on the CPU; on CUDA the loss becomes NaN, and
                elsewhere a label that names no class counts as none); tensors on the meta device or
                of a sparse layout.
            TypeError: no tensors, DTensors, or logits that are not floating point.
        """
        run = _plan.loss_with_details if details else _plan.loss
        plan, weights = self._now()
        return run(plan, logits, target, mask, voxel_weight, class_valid, maps, weights)

    def moments(
        self,
        logits: Tensor,
        target: Tensor,
        *,
        mask: Tensor | None = None,
        voxel_weight: Tensor | None = None,
        class_valid: Tensor | None = None,
        maps: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """The sums (N, K, C) that the loss is a function of, differentiable by the logits."""
        return _plan.moments(self.plan, logits, target, mask, voxel_weight, class_valid, maps)

    def maps(
        self,
        logits: Tensor,
        target: Tensor,
        *,
        mask: Tensor | None = None,
        voxel_weight: Tensor | None = None,
        class_valid: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The maps that the loss makes of the target where none are given, by name: to be made
        once, kept, and handed in as `maps`.

        Made on the CPU, whatever the device, and then put where the logits are. The logits are read
        by a map that looks at the prediction, as `HausdorffDTLoss`'s does; of others they say the
        shape.

        Args:
            logits, target, mask, voxel_weight, class_valid: those of `forward`.

        Returns:
            (N, C, spatial…) in float32 for each name.
        """
        return _plan.maps(self.plan, logits, target, mask, voxel_weight, class_valid)

    def evaluate(self, moments: Tensor, class_valid: Tensor | None = None) -> Tensor:
        """The loss of moments: of `moments`, or of several of them.

        Rows of several batches may be concatenated; if no term has a loss for each sample, they
        may be added up, across batches and processes.
        """
        plan, weights = self._now()
        weights = _plan.weights_of(weights, moments.transpose(1, 2))
        return _ops.of_moments(moments, class_valid, plan.spec, weights)

    def extra_repr(self) -> str:
        """What differs from the default."""
        listed = [repr(entry) for entry in self.terms]
        return ", ".join([f"[{', '.join(listed)}]", *self._settings_shown({})])

    def _settings_shown(self, defaults: dict[str, Any]) -> list[str]:
        shown = {
            "activation": self.activation,
            "pool": self.pool,
            "absent": self.absent,
            "background": self.background,
            "class_weights": self._weights,
            "reduction": None if self.reduction == "mean" else self.reduction,
            "ignore_index": self.ignore_index,
            "regions": self.regions,
            "target_kind": self.target_kind,
            "process_group": self.process_group,
        }
        return [
            f"{name}={value!r}"
            for name, value in shown.items()
            if value is not None and value != defaults.get(name)
        ]


@lru_cache(maxsize=256)
def _planned(
    class_weights: tuple[float, ...] | None,
    is_named: bool,
    weighted: tuple[tuple[float, Term | Compound], ...],
    activation: Activation | None,
    pool: Pool | None,
    absent: Absent | None,
    background: bool | None,
    reduction: _spec.Reduction,
    ignore_index: int | None,
    regions: Any,
    target_kind: str | None,
) -> Plan:
    """The plan of options that are plain already: equal ones of other types are refused before."""
    lack_of_channels = None
    if is_named and activation is not None:
        ((_, entry),) = weighted
        _spec.check_activation(entry, activation, _class_name)
        lack_of_channels = _spec.lack_of_channels(entry, activation, _class_name)
    if is_named and background is not None:
        # Voxel terms of a sum keep the background; by itself a voxel loss does what it is told.
        weighted = tuple(
            (weight, dataclasses.replace(entry, background=background))
            if isinstance(entry, VoxelTerm)
            else (weight, entry)
            for weight, entry in weighted
        )
    spec = _spec.spec(
        weighted,
        activation=activation,
        pool=pool,
        absent=absent,
        background=background,
        class_weights=class_weights,
        reduction=reduction,
    )
    return _plan.planned(spec, ignore_index, regions, target_kind, lack_of_channels)


def _class_name(loss: type[Term | Compound]) -> str:
    return f"{loss.short}Loss"


class NamedLoss(SegmentationLoss):
    """A loss with a name of its own: one term or compound, its options spelt out."""

    _is_named = True
    function: ClassVar[str]
    """The name of its function in `dice_loss.torch.functional`."""

    def __setattr__(self, name: str, value: Any) -> None:
        """The options of its term are its own."""
        if "plan" in self.__dict__:
            if name == "terms":
                raise AttributeError(_spec.other_terms(type(self).__name__))
            entry: Any = self.terms[0]
            if name not in _OPTIONS and has_option(entry, name):
                name, value = "terms", dataclasses.replace(entry, **{name: value})
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """An option of its term."""
        if name not in _OPTIONS:
            for entry in self.__dict__.get("terms", ()):
                if has_option(entry, name):
                    return getattr(entry, name)
        return super().__getattr__(name)

    def _taking_part(self) -> dict[str, Any]:
        return {"background": self.background, "classes": getattr(self.terms[0], "classes", None)}

    def extra_repr(self) -> str:
        """What differs from the default."""
        entry = self.terms[0]
        usual = entry.activations[0] if isinstance(entry, Term | Compound) else None
        options = repr(entry).split("(", 1)[1][:-1]
        settings = self._settings_shown({"activation": usual})
        return ", ".join([option for option in [options, *settings] if option])
