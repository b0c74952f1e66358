"""What the losses declare, as `declared.json` has it, and as each front end takes it."""

from __future__ import annotations

import json
from pathlib import Path

from dice_loss import BackgroundForeground

_WHOLE = json.loads(Path(__file__).with_name("declared.json").read_text(encoding="utf-8"))
#: Trial values are for so many.
CLASSES = _WHOLE["classes"]
SETTINGS = {setting["name"]: setting for setting in _WHOLE["settings"]}
LOSSES = {loss["name"]: loss for loss in _WHOLE["losses"]}


def value_of(plain):
    """A value as Python takes it."""
    return BackgroundForeground(**plain) if isinstance(plain, dict) else plain


def default_of(option):
    """The default as a signature has it: of a pair of equal numbers the one."""
    default = option["default"]
    if option["kind"] == "smoothing" and default[0] == default[1]:
        return default[0]
    return value_of(default)


def trials_of(name):
    """Every option of a loss at each of its trial values, one by one and then together."""
    options = LOSSES[name]["options"]
    single = [{option["name"]: value_of(value)} for option in options for value in option["trials"]]
    together = {option["name"]: value_of(option["trials"][-1]) for option in options}
    return [*single, together] if len(options) > 1 else single
