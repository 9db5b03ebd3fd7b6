"""The napari plugin: the same verbs as everywhere, on layers.

`align_layers` and `fuse_layers` are what the buttons of the fusion workspace call, and work the
same from napari's console. Names are resolved on first use, so that the reader starts quickly.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Frame": "frame",
    "add_volume": "layers",
    "align_by_landmarks": "align.marking",
    "align_layers": "align.aligning",
    "change_layers": "fuse.changing",
    "colour_layers": "colour.colouring",
    "compare_layers": "compare.comparing",
    "from_layer": "layers",
    "fuse_layers": "actions",
    "measure_layers": "measure.measuring",
    "name_modality": "open.naming",
    "open_session": "session.file",
    "place_layer": "align.hand",
    "preview_layers": "fuse.preview",
    "refine_layers": "align.aligning",
    "save_session": "session.file",
    "set_palette": "colour.palettes",
    "show_plane": "views.letters",
    "to_layer": "layers",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'napari_fusion.gui' has no attribute {name!r}")
    return getattr(import_module(f"napari_fusion.gui.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
