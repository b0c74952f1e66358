"""The tables of docs/migrate/from-any-library.md, from what the package knows of its peers.

`python bindings/python/tests/counterparts_page.py` writes them into the page.
"""

from __future__ import annotations

import re
from pathlib import Path

from dice_loss._counterparts import PEERS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "migrate" / "from-any-library.md"
_TABLES = re.compile(r"(?<=<!-- tables -->\n).*(?=<!-- end -->)", re.DOTALL)


def written(page):
    """The page with its tables as they are to be."""
    return _TABLES.sub(lambda _: tables(), page)


def tables():
    """Of each peer its losses and its arguments."""
    return "\n".join(["", *(line for peer in PEERS for line in _of(peer))])


def _of(peer):
    where = f" There is a [drop-in]({peer.page}) too." if peer.page else ""
    yield from (f"## {peer.name}", "", f"Release {peer.version}.{where}", "")
    yield from ("| Loss | Here | |", "|---|---|---|")
    for loss in peer.losses:
        names = ", ".join(map(_code, re.split(r", (?![^(]*\))", loss.name)))
        yield _row(names, _ours(loss.ours), loss.about)
    yield from ("", "| Argument | Here | |", "|---|---|---|")
    for argument in peer.arguments:
        yield _row(*_argument(argument))
    yield ""


def _argument(argument):
    about = argument.about
    if argument.losses:
        about = f"of {argument.losses}; {about}" if about else f"of {argument.losses}"
    if isinstance(argument.ours, str):
        ours = argument.ours.replace("={}", "").replace("{}", argument.name)
        return _code(argument.name), _ours(ours), about
    theirs = [_code(f"{argument.name}={value!r}") for value in argument.ours]
    ours = [_ours(text) for text in argument.ours.values()]
    return "<br>".join(theirs), "<br>".join(ours), about


def _ours(text):
    if not text:
        return "—"
    is_code = re.match(r"\w+($|=|\()", text)
    return _code(text) if is_code else text


def _code(text):
    return f"`{text}`"


def _row(*cells):
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
