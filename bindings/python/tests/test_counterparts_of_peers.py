"""The table of counterparts beside the installed peers: every argument, and the same numbers."""

from __future__ import annotations

import warnings

import counterpart_arguments
import keras_backend
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
with warnings.catch_warnings():
    # What the peers' own imports are warned of is not tested here.
    warnings.simplefilter("ignore")
    monai = pytest.importorskip("monai.losses", reason="needs monai")
    smp = pytest.importorskip(
        "segmentation_models_pytorch.losses", reason="needs segmentation-models-pytorch"
    )
    pytest.importorskip("nnunetv2.training.loss.dice", reason="needs nnunetv2")
    if reason := keras_backend.lacking():
        pytest.skip(f"Keras: {reason}", allow_module_level=True)
    import dice_loss.torch
    import keras
    from dice_loss import monai as our_monai
    from dice_loss import nnunet
    from dice_loss import smp as our_smp
    from dice_loss._counterparts import PEERS
    from nnunetv2.training.loss import compound_losses, deep_supervision, robust_ce_loss
    from nnunetv2.training.loss import dice as nnunet_dice
    from nnunetv2.utilities.helpers import softmax_helper_dim1
    from torchvision.ops import sigmoid_focal_loss

#: Wrappers of any loss, and those that only a drop-in has.
WITHOUT_COUNTERPART = {"NACLLoss", "MaskedLoss", "MultiScaleLoss"}


def test_every_argument_is_in_the_table():
    names = {*our_monai.__all__} - WITHOUT_COUNTERPART
    losses = [getattr(monai, name) for name in names]
    assert counterpart_arguments.lacking("MONAI", losses) == {}
    losses = [getattr(smp, name) for name in our_smp.__all__ if name.endswith("Loss")]
    assert counterpart_arguments.lacking("SMP", losses) == {}
    modules = (nnunet_dice, compound_losses, robust_ce_loss, deep_supervision)
    names = [name for name in nnunet.__all__ if name != "softmax_helper_dim1"]
    losses = [next(getattr(m, n) for m in modules if hasattr(m, n)) for n in names]
    assert counterpart_arguments.lacking("nnU-Net", losses) == {}
    assert counterpart_arguments.lacking("torchvision", [sigmoid_focal_loss]) == {}
    losses = [torch.nn.CrossEntropyLoss, torch.nn.BCEWithLogitsLoss]
    assert counterpart_arguments.lacking("torch", losses) == {}


def batch():
    """Logits, labels of which the first sample lacks one, and masks that may overlap."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((2, 4, 8, 9), generator=generator)
    labels = torch.randint(0, 4, (2, 8, 9), generator=generator)
    labels[0][labels[0] == 3] = 0
    masks = torch.rand(logits.shape, generator=generator) < 0.3
    masks[0, 2] = False
    return logits, labels, masks.float()


def last(x):
    """The classes on the last axis."""
    return x.movedim(1, -1)


def one_hot(labels):
    """(N, 1, spatial…) with the classes on the last axis."""
    return torch.nn.functional.one_hot(labels[:, 0], 4).float()


ONE_HOT = {"to_onehot_y": True, "softmax": True}
DICE = {"ddp": False, "smooth": 1e-5}
DISTANCES = 1 - torch.eye(4)

#: By peer and the row of its table: what they make of a batch.
THEIRS = {
    "MONAI": {
        "DiceLoss, Dice": lambda x, y, m: monai.DiceLoss(**ONE_HOT)(x, y),
        "GeneralizedWassersteinDiceLoss": lambda x, y, m: monai.GeneralizedWassersteinDiceLoss(
            DISTANCES
        )(x, y),
        "DiceFocalLoss": lambda x, y, m: monai.DiceFocalLoss(**ONE_HOT)(x, y),
        "FocalLoss": lambda x, y, m: monai.FocalLoss(to_onehot_y=True)(x, y),
        "FocalLoss(use_softmax=True)": lambda x, y, m: (
            4 * monai.FocalLoss(to_onehot_y=True, use_softmax=True)(x, y)
        ),
        "DiceCELoss": lambda x, y, m: monai.DiceCELoss(**ONE_HOT)(x, y),
        "TverskyLoss": lambda x, y, m: monai.TverskyLoss(**ONE_HOT)(x, y),
        "HausdorffDTLoss": lambda x, y, m: monai.HausdorffDTLoss(**ONE_HOT)(x, y),
        "BoundaryLoss": lambda x, y, m: monai.BoundaryLoss(**ONE_HOT)(x, y),
    },
    "SMP": {
        "DiceLoss": lambda x, y, m: smp.DiceLoss("multiclass")(x, y[:, 0]),
        "JaccardLoss": lambda x, y, m: smp.JaccardLoss("multiclass")(x, y[:, 0]),
        "DiceLoss(log_loss=True)": lambda x, y, m: smp.DiceLoss("multiclass", log_loss=True)(
            x, y[:, 0]
        ),
        "TverskyLoss": lambda x, y, m: smp.TverskyLoss("multiclass")(x, y[:, 0]),
        "FocalLoss": lambda x, y, m: smp.FocalLoss("multiclass")(x, y[:, 0]),
        "LovaszLoss('multiclass')": lambda x, y, m: smp.LovaszLoss("multiclass")(x, y[:, 0]),
        "LovaszLoss('binary')": lambda x, y, m: smp.LovaszLoss("binary")(x[:, :1], m[:, 0]),
        "SoftBCEWithLogitsLoss": lambda x, y, m: smp.SoftBCEWithLogitsLoss()(x, m),
        "SoftCrossEntropyLoss": lambda x, y, m: smp.SoftCrossEntropyLoss(smooth_factor=0.0)(
            x, y[:, 0]
        ),
        "MCCLoss": lambda x, y, m: smp.MCCLoss()(x[:, :1].sigmoid(), m[:, :1]),
    },
    "nnU-Net": {
        "SoftDiceLoss, MemoryEfficientSoftDiceLoss": lambda x, y, m: (
            1 + nnunet_dice.SoftDiceLoss(softmax_helper_dim1, ddp=False)(x, y)
        ),
        "DC_and_CE_loss": lambda x, y, m: 1 + compound_losses.DC_and_CE_loss(DICE, {})(x, y),
        "DC_and_BCE_loss": lambda x, y, m: 1 + compound_losses.DC_and_BCE_loss({}, DICE)(x, m),
        "RobustCrossEntropyLoss": lambda x, y, m: robust_ce_loss.RobustCrossEntropyLoss()(x, y),
    },
    "Keras": {
        "Dice": lambda x, y, m: keras.losses.Dice()(one_hot(y), last(x)),
        "Tversky": lambda x, y, m: keras.losses.Tversky()(one_hot(y), last(x)),
        "BinaryCrossentropy": lambda x, y, m: keras.losses.BinaryCrossentropy(from_logits=True)(
            last(m), last(x)
        ),
        "CategoricalCrossentropy, SparseCategoricalCrossentropy": lambda x, y, m: (
            keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y[:, 0], last(x))
        ),
        "BinaryFocalCrossentropy": lambda x, y, m: keras.losses.BinaryFocalCrossentropy(
            from_logits=True
        )(last(m), last(x)),
        "CategoricalFocalCrossentropy": lambda x, y, m: keras.losses.CategoricalFocalCrossentropy(
            from_logits=True
        )(one_hot(y), last(x)),
    },
    "torch": {
        "nn.CrossEntropyLoss": lambda x, y, m: torch.nn.CrossEntropyLoss()(x, y[:, 0]),
        "nn.BCEWithLogitsLoss": lambda x, y, m: torch.nn.BCEWithLogitsLoss()(x, m),
    },
    "torchvision": {
        "ops.sigmoid_focal_loss": lambda x, y, m: sigmoid_focal_loss(x, m, reduction="mean"),
    },
}
#: By row: what ours takes, if it is not logits and labels.
TAKES = {
    ("SMP", "LovaszLoss('binary')"): lambda x, m: (x[:, :1], m[:, :1]),
    ("SMP", "MCCLoss"): lambda x, m: (x[:, :1].sigmoid(), m[:, :1]),
    ("SMP", "SoftBCEWithLogitsLoss"): lambda x, m: (x, m),
    ("nnU-Net", "DC_and_BCE_loss"): lambda x, m: (x, m),
    ("Keras", "BinaryCrossentropy"): lambda x, m: (x, m),
    ("Keras", "BinaryFocalCrossentropy"): lambda x, m: (x, m),
    ("torch", "nn.BCEWithLogitsLoss"): lambda x, m: (x, m),
    ("torchvision", "ops.sigmoid_focal_loss"): lambda x, m: (x, m),
}
OURS = {(peer.name, loss.name): loss for peer in PEERS for loss in peer.losses}


def test_what_has_no_caveat_is_compared():
    """But for what wraps any loss."""
    compared = {(peer, name) for peer, rows in THEIRS.items() for name in rows}
    for row, loss in OURS.items():
        if row[0] in THEIRS and not loss.about and loss.name != "DeepSupervisionLoss":
            assert row in compared


@pytest.mark.parametrize(
    ("peer", "name"), [(peer, name) for peer in THEIRS for name in THEIRS[peer]]
)
def test_the_same_numbers(peer, name):
    x, labels, masks = batch()
    if "probabilities" in OURS[peer, name].ours and peer == "Keras":
        x = x.softmax(1)
    made = eval(OURS[peer, name].ours, vars(dice_loss.torch))
    made = made() if isinstance(made, type) else made
    if (peer, name) == ("Keras", "Tversky"):
        # Up to 3.15.1 the two are swapped; here they are the same.
        made.alpha = made.beta = 0.5
    if hasattr(made, "distances"):
        made.distances = DISTANCES.tolist()
    takes = TAKES.get((peer, name))
    found = made(x, labels) if takes is None else made(*takes(x, masks))
    wanted = THEIRS[peer][name](x, labels[:, None], masks)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=0.0)


def test_the_smoothing_of_smp():
    """On half of Dice's ratio, and on the whole of the others."""
    x, labels, _ = batch()
    like_smp = {"pool": "batch", "absent": "zero", "overlap": "l1"}
    pairs = [
        (smp.DiceLoss, {}, dice_loss.torch.DiceLoss, {"smoothing": 2 * 3.0}),
        (smp.JaccardLoss, {}, dice_loss.torch.IoULoss, {"smoothing": 3.0}),
        (smp.TverskyLoss, {"alpha": 0.2, "beta": 0.8}, dice_loss.torch.TverskyLoss, {}),
    ]
    for theirs, options, ours, own in pairs:
        wanted = theirs("multiclass", smooth=3.0, **options)(x, labels)
        found = ours(**{"smoothing": 3.0, **like_smp, **options, **own})(x, labels)
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=0.0)


def test_the_smoothing_of_monai_with_jaccard_counts_half():
    x, labels, _ = batch()
    wanted = monai.DiceLoss(jaccard=True, smooth_nr=2.0, smooth_dr=4.0, **ONE_HOT)
    found = dice_loss.torch.IoULoss(smoothing=(1.0, 2.0), absent="formula")
    torch.testing.assert_close(found(x, labels), wanted(x, labels[:, None]), rtol=1e-5, atol=0.0)
