"""Which arguments of a peer's losses its table does not name."""

from __future__ import annotations

import inspect

from dice_loss._counterparts import PEERS


def lacking(name, losses, methods=("__init__", "forward")):
    """Of classes by their constructor and their call, of functions by themselves."""
    (peer,) = [peer for peer in PEERS if peer.name == name]
    known = {argument.name for argument in peer.arguments}
    found = {}
    for loss in losses:
        called = [getattr(loss, m) for m in methods] if inspect.isclass(loss) else [loss]
        parameters = [p for each in called for p in inspect.signature(each).parameters.values()]
        names = {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        if names - known - {"self"}:
            found[loss.__name__] = names - known - {"self"}
    return found
