"""napari's hints at keys, without those that are ours: "use <2> for transform" is not true here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

KEY = re.compile(r"<([^>]+)>")
"""A key in a hint."""


class Hints:
    """Takes hints at keys of ours out of the status bar, as often as napari gives them.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    is_ours
        Says whether a key is ours now.
    """

    def __init__(self, viewer: Any, is_ours: Callable[[str], bool]) -> None:
        self._viewer, self._is_ours = viewer, is_ours
        viewer.events.help.connect(self._said)
        self._said()

    def close(self) -> None:
        """Give napari its hints back."""
        self._viewer.events.help.disconnect(self._said)
        active = self._viewer.layers.selection.active
        self._viewer.help = "" if active is None else active.help

    def _said(self, event: object = None) -> None:
        hints = str(self._viewer.help).split(", ")
        kept = [one for one in hints if not any(map(self._is_ours, KEY.findall(one)))]
        if kept != hints:
            self._viewer.help = ", ".join(kept)
