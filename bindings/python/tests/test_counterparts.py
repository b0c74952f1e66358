"""What other libraries call it: each counterpart is there, is the same, and is told."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import get_args

import counterparts_page
import dice_loss
import numpy as np
import pytest
from dice_loss import _choices, metrics, terms
from dice_loss._counterparts import PEERS

PACKAGE = Path(dice_loss.__file__).parent
#: Folders with the arguments of the peers.
DROP_INS = ("monai", "smp", "nnunet")
ARGUMENTS = [(peer.name, argument) for peer in PEERS for argument in peer.arguments]


def parameters():
    """Those of every function and class, whether its framework is there or not."""
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] in DROP_INS or path.name == "builtin.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found = node.args
                yield {a.arg for a in (*found.posonlyargs, *found.args, *found.kwonlyargs)}


def texts(argument):
    return [argument.ours] if isinstance(argument.ours, str) else [*argument.ours.values()]


def test_each_counterpart_is_an_option_of_ours():
    signatures = [*parameters()]
    for peer, argument in ARGUMENTS:
        assert any(argument.options <= names for names in signatures), (peer, argument)


def test_each_word_is_one_of_the_choices():
    words = {
        name.lower(): get_args(value) for name, value in vars(_choices).items() if get_args(value)
    }
    words["weight"] = words["volumeweight"] + words["transportweight"]
    words["process_group"] = ("world",)
    seen = 0
    everything = [text for _, argument in ARGUMENTS for text in texts(argument)]
    everything += [loss.ours for peer in PEERS for loss in peer.losses]
    for option, word in re.findall(r"(\w+)='(\w+)'", " ".join(everything)):
        if option != "weights":
            assert word in words[option], (option, word)
            seen += 1
    assert seen > 20


def test_each_loss_is_one_of_ours():
    torch_losses = pytest.importorskip("dice_loss.torch", reason="needs PyTorch")
    for peer in PEERS:
        for loss in peer.losses:
            # The rest is words, or wants something in place of the dots.
            if loss.ours and "…" not in loss.ours:
                made = eval(loss.ours, vars(torch_losses))
                assert inspect.isclass(made) or type(made).__module__.startswith("dice_loss")


@pytest.mark.skipif(not counterparts_page.PAGE.exists(), reason="needs the repository")
def test_the_page_has_the_tables():
    page = counterparts_page.PAGE.read_text(encoding="utf-8")
    assert page == counterparts_page.written(page), "python tests/counterparts_page.py writes it"


def told(call, *args, **options):
    with pytest.raises(TypeError) as raised:
        call(*args, **options)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return str(raised.value)


@pytest.mark.parametrize(
    ("call", "options", "wanted"),
    [
        (terms.Dice, {"squared_pred": True}, "Dice: found squared_pred=True, wanted squared=True"),
        (terms.Dice, {"batch": False}, "Dice: found batch=False, wanted pool='sample'"),
        (
            terms.GeneralizedDice,
            {"w_type": "simple"},
            "GeneralizedDice: found w_type='simple', wanted weight='inverse'",
        ),
        (
            terms.GeneralizedDice,
            {"w_type": "other"},
            "GeneralizedDice: found w_type='other', wanted weight='inverse_square' for 'square', "
            "weight='inverse' for 'simple', weight='uniform' for 'uniform'",
        ),
        (
            dice_loss.Objective,
            {"terms": [], "do_bg": False},
            "Objective: found do_bg=False, wanted background=False",
        ),
        (terms.Dice, {"jaccard": True}, "Dice: found jaccard=True, wanted the IoU loss"),
        (
            dice_loss.compounds.DiceCrossEntropy,
            {"lambda_ce": np.float32(2.0)},
            "DiceCrossEntropy: found 'lambda_ce', wanted cross_entropy_weight=…",
        ),
        (
            terms.Dice,
            {"smooth": 1.0},
            "Dice: found smooth=1.0, wanted smoothing=2 * 1.0 (SMP DiceLoss, optax dice_loss) or "
            "smoothing=1.0 (SMP JaccardLoss, TverskyLoss, nnU-Net)",
        ),
        (
            dice_loss.dice,
            {"y_pred": None, "y_true": None, "from_logits": True},
            "dice: found y_pred=None, wanted logits=None; found y_true=None, wanted target=None; "
            "found from_logits=True, wanted it left out",
        ),
        (
            dice_loss.dice,
            {"to_onehot_y": True, "smothing": 1.0},
            "dice: found to_onehot_y=True, wanted it left out: labels are read as they are, never "
            "expanded; found 'smothing', wanted 'smoothing'",
        ),
        (
            metrics.iou,
            {"preds": 1, "num_classes": 3},
            "iou: found preds=1, wanted prediction=1; found num_classes=3, wanted classes=3",
        ),
        (
            terms.Kappa,
            {"colour": "red"},
            "Kappa: found 'colour', wanted one of activation, background, classes, class_weights, "
            "map, pool, absent, smoothing",
        ),
    ],
)
def test_unknown_options(call, options, wanted):
    assert told(call, **options) == wanted


def test_options_of_methods():
    objective = dice_loss.Objective(terms.Dice(), activation="softmax")
    logits, labels = np.zeros((1, 2, 4)), np.zeros((1, 4), dtype=int)
    for method in ("loss", "loss_and_gradient", "measure"):
        found = told(getattr(objective, method), logits, labels, loss_mask=labels)
        assert found == f"Objective.{method}: found 'loss_mask', wanted mask=…"
        found = told(getattr(objective, method), logits, labels, pool="batch")
        assert found == f"Objective.{method}: found 'pool', wanted it where it is made"


def test_an_option_without_a_name():
    found = told(terms.Kappa, "multiclass")
    assert found == (
        "Kappa: found 'multiclass' as a positional argument, wanted activation, background, "
        "classes, class_weights, map, pool, absent, smoothing by name; what SMP calls "
        "mode='multiclass' is activation='softmax'"
    )


def test_other_errors_of_type_stay():
    assert told(terms.Dice, smoothing="x") == "Dice: smoothing: found 'x', wanted a number"
    assert "missing 2 required positional arguments" in told(dice_loss.dice)


def test_every_public_loss_tells():
    for name in (*dice_loss.losses.__all__, *dice_loss.ranked.__all__):
        wanted = f"{name}: found include_background=False, wanted background=False"
        assert told(getattr(dice_loss, name), include_background=False) == wanted
    for name in (*terms.__all__, *dice_loss.compounds.__all__):
        if name != "BackgroundForeground":
            wanted = f"{name}: found include_background=False, wanted background=False"
            assert told(getattr(dice_loss, name), include_background=False) == wanted


def test_signatures_are_not_touched():
    assert [*inspect.signature(terms.Kappa).parameters][-1] == "smoothing"
    assert dice_loss.dice is dice_loss.losses.dice
    assert dice_loss.dice.__name__ == "dice" and "Dice loss" in dice_loss.dice.__doc__
