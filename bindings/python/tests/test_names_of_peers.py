"""Every loss of MONAI, SMP and nnU-Net is in its drop-in module, or stands here with the reason."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
import warnings
from typing import NamedTuple

import pytest

pytest.importorskip("torch", reason="needs PyTorch")


class Peer(NamedTuple):
    """A library's losses, and what stands in for them."""

    losses: str
    ours: str
    #: By reason: what has no counterpart.
    outside: dict[str, tuple[str, ...]]
    #: What only ours has.
    own: tuple[str, ...] = ()


PEERS = {
    "monai": Peer(
        "monai.losses",
        "dice_loss.monai",
        {
            "compares images": (
                "GlobalMutualInformationLoss",
                "JukeboxLoss",
                "LocalNormalizedCrossCorrelationLoss",
                "SSIMLoss",
                "SURELoss",
                "complex_diff_abs_loss",
                "sure_loss_function",
            ),
            "compares features of a network": (
                "BarlowTwinsLoss",
                "ContrastiveLoss",
                "MedicalNetPerceptualSimilarity",
                "PerceptualLoss",
                "PerceptualNetworkType",
                "RadImageNetPerceptualSimilarity",
                "TorchvisionModelPerceptualSimilarity",
                "medicalnet_intensity_normalisation",
                "normalize_tensor",
                "spatial_average",
                "spatial_average_3d",
                "subtract_mean",
                "torchvision_zscore_norm",
            ),
            "judges a generator": ("AdversarialCriterions", "PatchAdversarialLoss"),
            "ranks cases, not voxels": ("AUCMLoss",),
            "is of boxes": ("BoxGIoULoss", "giou"),
            "is of deformation fields": (
                "BendingEnergyLoss",
                "DiffusionLoss",
                "spatial_gradient",
                "spatial_gradient_squared",
            ),
            "is a part of a loss, which monai.losses does not name": (
                "AsymmetricFocalLoss",
                "AsymmetricFocalTverskyLoss",
                "compute_tp_fp_fn",
                "ds_loss",
                "make_cauchy_kernel",
                "make_gaussian_kernel",
                "make_rectangular_kernel",
                "make_triangular_kernel",
                "mask_loss_inputs",
                "sigmoid_focal_loss",
                "soft_dilate",
                "soft_erode",
                "soft_open",
                "soft_skel",
                "softmax_focal_loss",
            ),
        },
    ),
    "smp": Peer(
        "segmentation_models_pytorch.losses",
        "dice_loss.smp",
        {
            "is in `functional`, as it is in `losses._functional`": (
                "focal_loss_with_logits",
                "soft_dice_score",
                "soft_jaccard_score",
                "soft_tversky_score",
                "softmax_focal_loss_with_logits",
            ),
            "is of log-probabilities, and SoftCrossEntropyLoss what it is for": (
                "label_smoothed_nll_loss",
            ),
            "is of landmarks": ("wing_loss",),
            "is no loss": ("isnan", "mean", "to_tensor"),
        },
        own=("BINARY_MODE", "MULTICLASS_MODE", "MULTILABEL_MODE", "functional"),
    ),
    "nnunet": Peer(
        "nnunetv2.training.loss",
        "dice_loss.nnunet",
        {"is no loss": ("get_tp_fp_fn_tn",)},
        own=("softmax_helper_dim1",),
    ),
}


def names_of(package: types.ModuleType) -> dict[str, object]:
    """Classes and functions that a package of losses gives, or one of its modules makes."""
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        made = importlib.import_module(f"{package.__name__}.{module.name}")
        found |= {k: v for k, v in vars(made).items() if _is_of(v, made.__name__)}
    return found | {k: v for k, v in vars(package).items() if _is_of(v, package.__name__)}


def _is_of(value: object, where: str) -> bool:
    if not isinstance(value, type | types.FunctionType) or value.__name__.startswith("_"):
        return False
    return f"{value.__module__}.".startswith(f"{where}.")


def missing(peer: Peer, theirs: dict[str, object]) -> set[str]:
    """What the peer has, and neither ours nor the list."""
    ours = importlib.import_module(peer.ours)
    return theirs.keys() - {*ours.__all__} - {*_outside(peer)}


def _outside(peer: Peer) -> list[str]:
    return [name for names in peer.outside.values() for name in names]


@pytest.fixture(params=PEERS)
def peer(request):
    described = PEERS[request.param]
    with warnings.catch_warnings():
        # What the peers' own imports are warned of is not tested here.
        warnings.simplefilter("ignore")
        # A folder of tests of that name would do for `monai`.
        package = pytest.importorskip(described.losses, reason=f"needs {described.losses}")
        return described, names_of(package)


def test_no_name_is_missing(peer):
    described, theirs = peer
    assert missing(described, theirs) == set()


def test_a_new_loss_is_noticed(peer):
    described, theirs = peer
    assert missing(described, theirs | {"NewLoss": object}) == {"NewLoss"}


def test_the_list_has_nothing_else(peer):
    described, theirs = peer
    ours = importlib.import_module(described.ours)
    listed = _outside(described)
    assert len(listed) == len({*listed}), "twice"
    assert {*listed} <= theirs.keys(), "gone from the peer"
    assert not {*listed} & {*ours.__all__}, "there by now"
    assert {*ours.__all__} - theirs.keys() == {*described.own}, "not the peer's"


def test_signatures(peer):
    described, theirs = peer
    ours = importlib.import_module(described.ours)
    found = {name: getattr(ours, name) for name in ours.__all__ if name in theirs}
    if described.ours == "dice_loss.smp":
        found |= {name: getattr(ours.functional, name) for name in ours.functional.__all__}
    assert found
    for name, value in found.items():
        wanted = theirs[name]
        if not inspect.isclass(wanted):
            assert parameters(value) == parameters(wanted), name
            continue
        assert value.__name__ == wanted.__name__, f"{name}: another loss of that name"
        for method in ("__init__", "forward"):
            pair = (getattr(value, method), getattr(wanted, method))
            assert parameters(pair[0]) == parameters(pair[1]), f"{name}.{method}"


def parameters(function):
    """Names, kinds and defaults; a class that is one by its name."""
    return [
        (p.name, p.kind, p.default.__name__ if inspect.isclass(p.default) else p.default)
        for p in inspect.signature(function).parameters.values()
    ]
