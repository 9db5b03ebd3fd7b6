"""What the user keeps from one day to the next: napari's own settings of this plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_fusion.slab import CT_WINDOWS

DEFAULTS: dict[str, dict[str, Any]] = {
    "windows": {
        "ct": "; ".join(
            f"{name} {one.upper - one.lower:g}/{(one.upper + one.lower) / 2:g}"
            for name, one in CT_WINDOWS.items()
        ),
        "mr": "usual 1-99; softer 0-99.9; harder 5-95",
        "pet": "usual 0-5; hot lesions 0-10; brain 0-15",
    },
    "last": {"method": "auto", "model": "rigid", "left_on": "right", "folder": "", "networks": ""},
}
"""As in the manifest, for when napari has not read it (scripts, a viewer without a window)."""

MOST_NETWORKS = 8
"""So many of the user's own networks are offered."""


def chosen(group: str, name: str) -> Any:
    """Give a setting: the user's, else the default."""
    settings = _settings()
    if settings is None:
        return DEFAULTS[group][name]
    return getattr(getattr(settings, group), name)


def keep(group: str, name: str, value: Any) -> None:
    """Keep a setting for the next time; napari writes it to its own file."""
    settings = _settings()
    if settings is not None and getattr(getattr(settings, group), name) != value:
        setattr(getattr(settings, group), name, value)


def networks() -> list[str]:
    """Give the files of the user's own networks that are still there, the last opened last."""
    return [path for path in str(chosen("last", "networks")).splitlines() if Path(path).is_file()]


def keep_network(path: str) -> None:
    """Keep the file of a network, so that *Fuse* offers it."""
    others = [known for known in networks() if known != path]
    keep("last", "networks", "\n".join([*others[1 - MOST_NETWORKS :], path]))


def _settings() -> Any:
    from napari.settings import get_plugin_settings

    try:
        return get_plugin_settings("napari-fusion")
    except KeyError:  # napari has not discovered its plugins
        return None
