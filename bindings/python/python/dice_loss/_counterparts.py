"""What the losses and arguments of other libraries are called here.

One table: the hints of `_hints` are read from it, and docs/migrate/from-any-library.md is written
from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ._options import shown

_NOTHING = "it left out"
_OPTION = re.compile(r"\b(\w+)=(?!=)")


class Argument(NamedTuple):
    """An argument of a library."""

    name: str
    #: What to write here, `{}` for its value, or that for each value; empty if nothing is.
    ours: str | Mapping[Any, str]
    #: What differs; or why nothing takes its place.
    about: str = ""
    #: Of which losses, if not of all that have it.
    losses: str = ""
    #: An option of ours, without which a loss has no counterpart.
    beside: str = ""

    @property
    def options(self) -> set[str]:
        """The options of ours that it names, or that a loss has to have."""
        texts = [self.ours] if isinstance(self.ours, str) else self.ours.values()
        named = {option for text in texts for option in _OPTION.findall(text)}
        return named | ({self.beside} - {""})

    def here(self, value: Any) -> str:
        """What to write for a value, in a sentence."""
        if not self.ours:
            return f"it left out: {self.about}"
        if isinstance(self.ours, str):
            is_short = isinstance(value, bool | int | float | str | None)
            return self.ours.replace("{}", shown(value) if is_short else "…")
        try:
            return self.ours[value] or _NOTHING
        except (KeyError, TypeError):
            each = [f"{here or _NOTHING} for {theirs!r}" for theirs, here in self.ours.items()]
            return ", ".join(each)


class Loss(NamedTuple):
    """A loss of a library, and which of the catalogue it is."""

    name: str
    #: In `dice_loss.torch`, with the options that make it the same.
    ours: str
    about: str = ""


class Peer(NamedTuple):
    """A library."""

    name: str
    version: str
    #: Where its arguments are not ours but a page of its own says so: a file beside the page.
    page: str
    losses: tuple[Loss, ...]
    arguments: tuple[Argument, ...]


_LABELS = "labels are read as they are, never expanded"
_CALLED = "where the loss is called"

MONAI = Peer(
    "MONAI",
    "1.6.1",
    "monai.md",
    (
        Loss("DiceLoss, Dice", "DiceLoss(absent='formula')"),
        Loss("DiceLoss(jaccard=True)", "IoULoss(absent='formula')", "half the smoothing"),
        Loss("MaskedDiceLoss", "DiceLoss, called with mask=…", "there labels join class 0"),
        Loss(
            "GeneralizedDiceLoss",
            "GeneralizedDiceLoss",
            "absent classes have no part here; smoothing counts a little otherwise",
        ),
        Loss("GeneralizedWassersteinDiceLoss", "GeneralizedWassersteinDiceLoss(absent='formula')"),
        Loss("DiceCELoss", "DiceCELoss(absent='formula')", "`DiceBCELoss` of one channel"),
        Loss("DiceFocalLoss", "DiceFocalLoss(absent='formula')"),
        Loss("GeneralizedDiceFocalLoss", "GeneralizedDiceFocalLoss", "as GeneralizedDiceLoss"),
        Loss("FocalLoss", "FocalLoss(activation='sigmoid')"),
        Loss(
            "FocalLoss(use_softmax=True)",
            "FocalLoss",
            "there the mean is over classes too: C times smaller",
        ),
        Loss("TverskyLoss", "TverskyLoss(alpha=0.5, beta=0.5, absent='formula')"),
        Loss(
            "AsymmetricUnifiedFocalLoss",
            "UnifiedFocalLoss(asymmetric=True)",
            "there of probabilities, of two classes, and with other means",
        ),
        Loss("MCCLoss", "MatthewsCorrelationLoss", "the same but for smoothing"),
        Loss("HausdorffDTLoss", "HausdorffDTLoss(absent='formula', background=False)"),
        Loss(
            "LogHausdorffDTLoss",
            "HausdorffDTLoss(log=True, absent='formula', background=False)",
            "of each class; there the logarithm of the mean",
        ),
        Loss("BoundaryLoss", "BoundaryLoss(absent='formula')"),
        Loss("DeepSupervisionLoss", "DeepSupervisionLoss(…, weights='exp')"),
        Loss("MaskedLoss", "any, called with mask=…", "there masked voxels count with input 0"),
        Loss(
            "SoftclDiceLoss",
            "ClDiceLoss(epsilon=1e-4, absent='formula')",
            "there the sums of all channels of a sample are one ratio",
        ),
        Loss(
            "SoftDiceclDiceLoss",
            "ClDiceLoss(alpha=0.5, absent='formula')",
            "Dice and clDice as above, with their own smoothing there",
        ),
        Loss("NACLLoss, MultiScaleLoss", "", "in `dice_loss.monai` only"),
    ),
    (
        Argument("include_background", "background={}"),
        Argument("to_onehot_y", "", _LABELS),
        Argument("sigmoid", {True: "activation='sigmoid'", False: ""}),
        Argument(
            "softmax",
            {True: "activation='softmax'", False: ""},
            "neither is `activation='probabilities'`",
        ),
        Argument("use_softmax", {True: "activation='softmax'", False: "activation='sigmoid'"}),
        Argument("other_act", "activation='probabilities'", "apply it first"),
        Argument("squared_pred", "squared={}"),
        Argument(
            "jaccard",
            {True: "the IoU loss", False: ""},
            "there the smoothing of it counts half",
            beside="overlap",
        ),
        Argument("smooth_nr", "smoothing=({}, …)", "the pair is (numerator, denominator)"),
        Argument("smooth_dr", "smoothing=(…, {})"),
        Argument(
            "batch",
            {True: "pool='batch'", False: "pool='sample'"},
            "of each class; `pool='all'` pools the classes too",
        ),
        Argument(
            "weight",
            "class_weights={}",
            "they divide the mean over classes, there they do not; one for every class, those that "
            "take no part too",
        ),
        Argument("weight", "lambda_={}", "", "AsymmetricUnifiedFocalLoss"),
        Argument("soft_label", {True: "overlap='l1'", False: ""}),
        Argument(
            "ignore_index", "ignore_index={}", "of labels only; of a dense target it is a `mask`"
        ),
        Argument("reduction", "reduction={}", "'none' is (N, C) or what pooling leaves of it"),
        Argument(
            "w_type",
            {
                "square": "weight='inverse_square'",
                "simple": "weight='inverse'",
                "uniform": "weight='uniform'",
            },
        ),
        Argument("dist_matrix", "distances={}"),
        Argument(
            "weighting_mode",
            {"default": "weight='foreground'", "GDL": "weight='inverse'"},
            "there 1 / (1 + G)",
            beside="distances",
        ),
        Argument("lambda_dice", "dice_weight={}"),
        Argument("lambda_ce", "cross_entropy_weight={}"),
        Argument("lambda_focal", "focal_weight={}"),
        Argument("lambda_gdl", "generalized_dice_weight={}"),
        Argument("label_smoothing", "label_smoothing={}"),
        Argument("gamma", "gamma={}"),
        Argument(
            "alpha",
            "alpha={}",
            "for both sides; there one number is for both, a sequence for positives",
            "FocalLoss",
        ),
        Argument("alpha", "alpha={}", "0.3 by default here", "TverskyLoss"),
        Argument("alpha", "alpha={}", "", "HausdorffDTLoss"),
        Argument("alpha", "alpha={}", "1 by default here, clDice alone", "SoftDiceclDiceLoss"),
        Argument("iter_", "iterations={}"),
        Argument("smooth", "epsilon={}", "0 by default here", "SoftclDiceLoss"),
        Argument("beta", "beta={}", "0.7 by default here", "TverskyLoss"),
        Argument("delta", "delta={}"),
        Argument("num_classes", "", "the channels of the logits say it", beside="activation"),
        Argument("weight_mode", "weights={}", "'exp', 'two' or 'same'", beside="loss"),
        Argument("weights", "weights={}"),
        Argument("loss", "loss={}"),
        Argument("input", "logits={}", _CALLED),
        Argument("y_pred", "logits={}", _CALLED),
        Argument("target", "target={}", _CALLED),
        Argument("y_true", "target={}", _CALLED),
        Argument("mask", "mask={}", _CALLED),
    ),
)

SMP = Peer(
    "SMP",
    "0.6.0",
    "smp.md",
    (
        Loss("DiceLoss", "DiceLoss(pool='batch', absent='zero', overlap='l1', smoothing=0.0)"),
        Loss("JaccardLoss", "IoULoss(pool='batch', absent='zero', overlap='l1', smoothing=0.0)"),
        Loss(
            "DiceLoss(log_loss=True)",
            "LogDiceLoss(gamma=1.0, pool='batch', absent='zero', overlap='l1', smoothing=0.0)",
        ),
        Loss(
            "TverskyLoss",
            "TverskyLoss(alpha=0.5, beta=0.5, pool='batch', absent='zero', overlap='l1', "
            "smoothing=0.0)",
            "`FocalTverskyLoss` with a `gamma`, of each class",
        ),
        Loss("FocalLoss", "FocalLoss(activation='sigmoid')", "there a sigmoid of each class"),
        Loss("LovaszLoss('multiclass')", "LovaszSoftmaxLoss(pool='batch', absent='skip')"),
        Loss("LovaszLoss('binary')", "LovaszHingeLoss(pool='batch')"),
        Loss("LovaszLoss('multilabel')", "LovaszHingeLoss(pool='batch')", "of each class"),
        Loss("SoftBCEWithLogitsLoss", "BCELoss", "there ignored voxels count in the mean"),
        Loss("SoftCrossEntropyLoss", "CrossEntropyLoss", "there ignored voxels count in the mean"),
        Loss("MCCLoss", "MatthewsCorrelationLoss(activation='probabilities', pool='batch')"),
    ),
    (
        Argument(
            "mode",
            {
                "binary": "activation='sigmoid'",
                "multiclass": "activation='softmax'",
                "multilabel": "activation='sigmoid'",
            },
        ),
        Argument("classes", "classes={}"),
        Argument(
            "log_loss",
            {True: "the log-Dice loss", False: ""},
            "a mean of −ln D; of Jaccard and Tversky there is none",
            "DiceLoss",
            beside="overlap",
        ),
        Argument("from_logits", {True: "", False: "activation='probabilities'"}),
        Argument(
            "smooth",
            "smoothing=2 * {}",
            "it is added to half the numerator and denominator of Dice",
            "DiceLoss",
        ),
        Argument("smooth", "smoothing={}", "", "JaccardLoss, TverskyLoss"),
        Argument(
            "eps", "smoothing=(…, {})", "there the least denominator, not added", "DiceLoss, …"
        ),
        Argument("ignore_index", "ignore_index={}", "there −100 by default in some; None here"),
        Argument(
            "class_weights",
            "class_weights={}",
        ),
        Argument("alpha", "alpha={}"),
        Argument("beta", "beta={}"),
        Argument("gamma", "gamma={}", "there of the mean over classes", "TverskyLoss"),
        Argument("gamma", "gamma={}", "", "FocalLoss"),
        Argument("normalized", "", "the loss divided by the sum of its weights has no counterpart"),
        Argument("reduced_threshold", "", "it has no counterpart"),
        Argument(
            "per_image", {True: "pool='sample'", False: "pool='batch'"}, "the default differs"
        ),
        Argument(
            "smooth_factor",
            "label_smoothing={}",
            "of cross-entropy; of binary cross-entropy smooth the target",
            "SoftCrossEntropyLoss",
        ),
        Argument("weight", "voxel_weight={}", f"{_CALLED}; (N, spatial…)", "SoftBCEWithLogitsLoss"),
        Argument("pos_weight", "pos_weight={}"),
        Argument("reduction", "reduction={}"),
        Argument("dim", "", "classes are on axis 1"),
        Argument("y_pred", "logits={}", _CALLED),
        Argument("y_true", "target={}", _CALLED),
    ),
)

NNUNET = Peer(
    "nnU-Net",
    "2.8.1",
    "nnunet.md",
    (
        Loss(
            "SoftDiceLoss, MemoryEfficientSoftDiceLoss",
            "DiceLoss(smoothing=1.0, absent='formula')",
            "−Dice there, 1 − Dice here",
        ),
        Loss("DC_and_CE_loss", "DiceCELoss(absent='formula')", "−Dice there"),
        Loss("DC_and_BCE_loss", "DiceBCELoss(absent='formula')", "−Dice there"),
        Loss("RobustCrossEntropyLoss", "CrossEntropyLoss"),
        Loss("TopKLoss", "CrossEntropyLoss(top_k=0.1)", "there the k % are of ignored voxels too"),
        Loss("DC_and_topk_loss", "DiceCELoss(top_k=0.1, absent='formula')", "−Dice there"),
        Loss("DeepSupervisionWrapper", "DeepSupervisionLoss", "its default weights are nnU-Net's"),
    ),
    (
        Argument(
            "apply_nonlin",
            "activation=…",
            "'softmax' of `softmax_helper_dim1`, 'sigmoid' of `torch.sigmoid`, 'probabilities' of "
            "None",
        ),
        Argument("batch_dice", {True: "pool='batch'", False: "pool='sample'"}),
        Argument("do_bg", "background={}"),
        Argument("smooth", "smoothing={}"),
        Argument(
            "ddp", {True: "process_group='world'", False: ""}, "of all terms, cross-entropy too"
        ),
        Argument("clip_tp", "", "it has no counterpart"),
        Argument("soft_dice_kwargs", "", "its entries are options of the loss"),
        Argument("ce_kwargs", "", "its entries are options of the loss"),
        Argument("bce_kwargs", "", "its entries are options of the loss"),
        Argument("weight_dice", "dice_weight={}"),
        Argument("weight_ce", "cross_entropy_weight={}"),
        Argument("ignore_label", "ignore_index={}"),
        Argument(
            "use_ignore_label",
            "",
            "of regions, pass `mask=` where the loss is called; of a label map, `regions` and "
            "`ignore_index`",
        ),
        Argument("dice_class", "", "there is one Dice"),
        Argument("weight", "class_weights={}", "", "RobustCrossEntropyLoss"),
        Argument("ignore_index", "ignore_index={}", "there −100 by default; None here"),
        Argument("label_smoothing", "label_smoothing={}"),
        Argument("reduction", "reduction={}"),
        Argument("size_average", "", "`reduction` says it"),
        Argument("reduce", "", "`reduction` says it"),
        Argument("k", "top_k={} / 100", "a share of the voxels that count; there of all"),
        Argument("weight_factors", "weights={}", beside="loss"),
        Argument("loss", "loss={}"),
        Argument("loss_mask", "mask={}", _CALLED),
        Argument("net_output", "logits={}", _CALLED),
        Argument("x", "logits={}", _CALLED),
        Argument("input", "logits={}", _CALLED),
        Argument("inp", "logits={}", _CALLED),
        Argument("y", "target={}", _CALLED),
        Argument("target", "target={}", _CALLED),
    ),
)

KERAS = Peer(
    "Keras",
    "3.15.1",
    "keras.md",
    (
        Loss(
            "Dice",
            "DiceLoss(activation='probabilities', pool='all', absent='formula', "
            "smoothing=(0.0, 1e-7))",
            "`dice_loss.keras.Dice` in Keras itself",
        ),
        Loss(
            "Tversky",
            "TverskyLoss(activation='probabilities', pool='all', absent='formula', "
            "smoothing=(0.0, 1e-7))",
            "up to 3.15.1 α and β are swapped there",
        ),
        Loss("BinaryCrossentropy", "BCELoss", "of logits, as all below"),
        Loss("CategoricalCrossentropy, SparseCategoricalCrossentropy", "CrossEntropyLoss"),
        Loss("BinaryFocalCrossentropy", "FocalLoss(activation='sigmoid')"),
        Loss("CategoricalFocalCrossentropy", "FocalLoss(alpha=0.25)"),
        Loss("MeanIoU, IoU, OneHotIoU, OneHotMeanIoU, BinaryIoU", "", "`dice_loss.keras.IoUScore`"),
    ),
    (
        Argument(
            "axis",
            {
                None: "pool='all'",
                (1, 2): "pool='sample'",
                (1, 2, 3): "pool='sample'",
                (0, 1, 2): "pool='batch'",
                (0, 1, 2, 3): "pool='batch'",
            },
            "there what is summed over; in `dice_loss.keras` it is the axis of the classes",
            "Dice, Tversky",
            beside="pool",
        ),
        Argument("axis", "", "the axis of the classes, 1 here", "cross-entropy and focal"),
        Argument("from_logits", {True: "", False: "activation='probabilities'"}),
        Argument("label_smoothing", "label_smoothing={}", "of cross-entropy"),
        Argument("ignore_class", "ignore_index={}"),
        Argument(
            "alpha",
            "alpha={}",
            "weighs false positives, there false negatives up to 3.15.1; 0.3 by default here",
            "Tversky",
        ),
        Argument("alpha", "alpha={}", "", "focal"),
        Argument("beta", "beta={}", "0.7 by default here"),
        Argument("gamma", "gamma={}"),
        Argument("apply_class_balancing", "", "`alpha` alone says it, and is None without"),
        Argument(
            "reduction",
            {"sum_over_batch_size": "reduction='mean'", "sum": "reduction='sum'"},
        ),
        Argument("name", "", "`dice_loss.keras` has it"),
        Argument("dtype", "", "`dice_loss.keras` has it"),
        Argument("num_classes", "classes={}", beside="prediction"),
        Argument("target_class_ids", "class_id=…", "one of them", beside="class_id"),
        Argument("sparse_y_true", "target_kind=…", "'labels' or 'dense', where shapes do not say"),
        Argument("sparse_y_pred", "", "predictions have a channel for each class"),
        Argument("threshold", "threshold={}"),
        Argument("sample_weight", "voxel_weight={}", f"{_CALLED}; (N, spatial…)"),
        Argument("y_pred", "logits={}", _CALLED),
        Argument("y_true", "target={}", _CALLED),
    ),
)

TORCH = Peer(
    "torch",
    "2.15",
    "",
    (
        Loss("nn.CrossEntropyLoss", "CrossEntropyLoss", "a dense target there divides by N · S"),
        Loss("nn.BCEWithLogitsLoss", "BCELoss"),
    ),
    (
        Argument("weight", "class_weights={}", "", "CrossEntropyLoss"),
        Argument("weight", "voxel_weight={}", f"{_CALLED}; (N, spatial…)", "BCEWithLogitsLoss"),
        Argument("pos_weight", "pos_weight={}"),
        Argument("ignore_index", "ignore_index={}", "there −100 by default; None here"),
        Argument("label_smoothing", "label_smoothing={}"),
        Argument("reduction", "reduction={}"),
        Argument("size_average", "", "`reduction` says it"),
        Argument("reduce", "", "`reduction` says it"),
        Argument("input", "logits={}", _CALLED),
        Argument("target", "target={}", _CALLED),
    ),
)

TORCHVISION = Peer(
    "torchvision",
    "0.29",
    "",
    (
        Loss(
            "ops.sigmoid_focal_loss",
            "FocalLoss(activation='sigmoid', alpha=0.25)",
            "`reduction='none'` by default there",
        ),
    ),
    (
        Argument("alpha", "alpha={}", "None here is −1 there"),
        Argument("gamma", "gamma={}", "below 1 its slope is finite here"),
        Argument("reduction", "reduction={}", "'none' by default there"),
        Argument("inputs", "logits={}", _CALLED),
        Argument("targets", "target={}", _CALLED),
    ),
)

OPTAX = Peer(
    "optax",
    "0.2.8",
    "",
    (
        Loss(
            "dice_loss",
            "TverskyLoss(alpha=0.5, beta=0.5, smoothing=1.0, absent='formula')",
            "with `channel_axis=-1` of `dice_loss.jax`; there one for each sample",
        ),
        Loss("binary_dice_loss", "DiceLoss(activation='sigmoid', smoothing=2.0, absent='formula')"),
        Loss(
            "multiclass_generalized_dice_loss",
            "GeneralizedDiceLoss",
            "there a mean of Dice losses, weighed by 1 / G² of the batch",
        ),
        Loss("sigmoid_focal_loss", "FocalLoss(activation='sigmoid')", "unreduced there"),
        Loss("softmax_cross_entropy, …_with_integer_labels", "CrossEntropyLoss", "unreduced there"),
        Loss("sigmoid_binary_cross_entropy", "BCELoss", "unreduced there"),
    ),
    (
        Argument("smooth", "smoothing=2 * {}", "it is added to half of Dice's ratio", "dice_loss"),
        Argument(
            "class_weights", "class_weights={}", "they divide the mean here, there they do not"
        ),
        Argument("alpha", "the Tversky loss", "", "dice_loss", beside="overlap"),
        Argument("beta", "the Tversky loss", "", "dice_loss", beside="overlap"),
        Argument("apply_softmax", {True: "", False: "activation='probabilities'"}),
        Argument(
            "apply_sigmoid", {True: "activation='sigmoid'", False: "activation='probabilities'"}
        ),
        Argument("ignore_background", {True: "background=False", False: "background=True"}),
        Argument("axis", "pool=…", "there what is summed over", "dice_loss", beside="pool"),
        Argument(
            "axis",
            "channel_axis={}",
            "of the classes, 1 by default here",
            "softmax_cross_entropy",
        ),
        Argument("where", "mask={}"),
        Argument("reduction", "reduction={}"),
        Argument("gamma", "gamma={}"),
        Argument("alpha", "alpha={}", "", "sigmoid_focal_loss"),
        Argument("logits", "logits={}"),
        Argument("labels", "target={}"),
        Argument("predictions", "logits={}"),
        Argument("targets", "target={}"),
    ),
)

TORCHMETRICS = Peer(
    "torchmetrics",
    "1.9.0",
    "",
    (
        Loss("segmentation.DiceScore", "", "`dice_loss.metrics.dice_coefficient`"),
        Loss("segmentation.MeanIoU", "", "`dice_loss.metrics.iou`"),
        Loss("segmentation.GeneralizedDiceScore, HausdorffDistance", "", "have no counterpart"),
    ),
    (
        Argument("num_classes", "classes={}", beside="prediction"),
        Argument(
            "include_background", "", "every class has a score: drop the first", beside="prediction"
        ),
        Argument("average", "", "every class has a score: take the mean of them"),
        Argument("per_class", "", "every class has a score"),
        Argument("aggregation_level", {"samplewise": "pool='sample'", "global": "pool='batch'"}),
        Argument("input_format", "", "label maps and one-hot masks are told apart by their shape"),
        Argument("preds", "prediction={}"),
        Argument("target", "reference={}"),
    ),
)

KORNIA = Peer(
    "kornia",
    "0.9.0",
    "",
    (
        Loss(
            "DiceLoss(average='macro')",
            "DiceLoss(smoothing=(0.0, 1e-8))",
            "there the mean of each sample first",
        ),
        Loss(
            "DiceLoss(average='micro')",
            "DiceLoss(pool='all', smoothing=(0.0, 1e-8))",
            "there of each sample",
        ),
        Loss(
            "TverskyLoss",
            "TverskyLoss(smoothing=(0.0, 1e-8))",
            "there the mean of each sample first",
        ),
        Loss("FocalLoss", "FocalLoss", "there the mean is over classes too: C times smaller"),
        Loss("BinaryFocalLossWithLogits", "FocalLoss(activation='sigmoid')"),
        Loss("LovaszHingeLoss", "LovaszHingeLoss"),
        Loss(
            "LovaszSoftmaxLoss",
            "LovaszSoftmaxLoss(absent='formula')",
            "up to 0.8.3 it ranks by raw labels, wrong for more than two classes",
        ),
        Loss("HausdorffERLoss, HausdorffERLoss3D", "HausdorffDTLoss", "by erosion there"),
    ),
    (
        Argument(
            "average",
            {"macro": "pool='sample'", "micro": "pool='all'"},
            "'micro' pools the classes of each sample, 'all' those of the batch",
        ),
        Argument("eps", "smoothing=(0.0, {})"),
        Argument("weight", "class_weights={}"),
        Argument("ignore_index", "ignore_index={}", "there −100 by default; None here"),
        Argument("alpha", "alpha={}"),
        Argument(
            "alpha",
            "alpha={}",
            "there of all but class 0, which has 1 − α: `BackgroundForeground(1 - a, a)`",
            "FocalLoss",
        ),
        Argument("beta", "beta={}"),
        Argument("gamma", "gamma={}"),
        Argument("pos_weight", "pos_weight={}"),
        Argument("reduction", "reduction={}", "'none' by default there"),
        Argument("k", "", "distances are exact, not those of k erosions", beside="spacing"),
        Argument("pred", "logits={}", _CALLED),
        Argument("target", "target={}", _CALLED),
    ),
)

PEERS = (MONAI, SMP, NNUNET, KERAS, TORCH, TORCHVISION, OPTAX, TORCHMETRICS, KORNIA)
