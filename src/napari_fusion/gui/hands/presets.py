"""Windows by number: what each modality is read with, in its own unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_fusion.gui.choices import DEFAULTS, chosen
from napari_fusion.gui.layers import VOLUME
from napari_fusion.slab import sample
from napari_fusion.volume import Volume

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_WINDOW = re.compile(rf"\s*(?P<name>.*?)\s*(?P<a>{_NUMBER})\s*(?P<sign>/|-)\s*(?P<b>{_NUMBER})\s*")


@dataclass(frozen=True)
class Preset:
    """A window by name.

    Parameters
    ----------
    name
        What it is for.
    low, high
        Values shown black and white; of MR, percentiles of what is not background.
    """

    name: str
    low: float
    high: float


def read_presets(words: str) -> list[Preset]:
    """Read presets as the settings hold them: "brain 80/40; lung 1500/-600", or "usual 0-5".

    Two numbers with a slash are width and level, with a dash the two ends. What cannot be read is
    left away.
    """
    found = []
    for part in words.split(";"):
        match = _WINDOW.fullmatch(part)
        if match is None:
            continue
        a, b = float(match["a"]), float(match["b"])
        low, high = (b - a / 2, b + a / 2) if match["sign"] == "/" else (a, b)
        if high > low:
            found.append(Preset(match["name"] or f"{low:g} to {high:g}", low, high))
    return found


def presets_for(volume: Volume) -> list[Preset]:
    """List the windows of a volume's modality, in the volume's unit, at most nine.

    CT not in HU and PET not in SUV have only the window they are shown with at first: a preset
    in another unit would be a wrong picture.
    """
    kind = {"CT": "ct", "MR": "mr", "PT": "pet"}.get(volume.modality, "")
    fitting = {"ct": volume.unit == "HU", "pet": volume.unit == "g/mL", "mr": True}
    if volume.is_share or not fitting.get(kind):
        window = volume.window()
        whole = Preset("whole", 0, 1) if volume.is_share or volume.modality == "FUSED" else None
        return [whole or Preset("usual", window.lower, window.upper)]
    told = read_presets(str(chosen("windows", kind)))
    told = (told or read_presets(DEFAULTS["windows"][kind]))[:9]
    return [_percentiles(volume, one) for one in told] if kind == "mr" else told


def presets_of(layer: Any) -> list[Preset]:
    """List the windows of a layer of ours; none of others' layers."""
    volume = layer.metadata.get(VOLUME)
    return presets_for(volume) if isinstance(volume, Volume) else []


def _percentiles(volume: Volume, preset: Preset) -> Preset:
    values = sample(volume.array)
    inside = values[values > values.min()]
    if inside.size == 0:
        return Preset(preset.name, float(values.min()), float(values.min()) + 1)
    low, high = (float(v) for v in np.percentile(inside, [preset.low, preset.high]))
    return Preset(preset.name, low, high if high > low else low + 1)
