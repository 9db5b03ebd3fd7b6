"""A network's card as a page of text: what it is, what it learned from, what it can do."""

from collections.abc import Mapping

from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.model import size
from napari_fusion.volume import JSON

TOLD = (
    "title", "data", "licence", "limits", "validation", "seed", "code", "pruned_by",
    "int8_psnr_db",
)  # fmt: skip
"""What is told in words, in this order; the rest of a card is for programs."""


def card(checkpoint: Checkpoint) -> str:
    """Tell what a network is: its shape and size, then what its card knows, a line each."""
    config = checkpoint.config
    parameters, macs = size(config)
    lines = [
        f"{len(config.widths)} {config.block} convolutions, widths "
        f"{' '.join(map(str, config.widths))}, dilations {' '.join(map(str, config.dilations))}",
        f"{parameters} parameters, {macs / 1e6:.0f} million multiply-accumulates for two slices of "
        f"256 × 256, weights {checkpoint.card.get('weights', 'float32')}",
    ]
    for key in TOLD:
        if key in checkpoint.card:
            lines += _told(key.replace("_", " "), checkpoint.card[key])
    return "\n".join([*lines, *_graded(checkpoint.card), *_learned(checkpoint.card)])


def _graded(card: Mapping[str, JSON]) -> list[str]:
    """Tell the metrics of the original and the pruned network side by side, a line a set."""
    known = card.get("metrics")
    if not isinstance(known, Mapping):
        return []
    original, pruned = (known.get(role) for role in ("original", "pruned"))
    if not (isinstance(original, Mapping) and isinstance(pruned, Mapping)):
        return []
    lines = ["metrics, original and pruned:"]
    for group, before in original.items():
        after = pruned.get(group)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            pairs = [f"{name} {value} {after.get(name)}" for name, value in before.items()]
            lines.append(f"  {group}: {', '.join(pairs)}")
    return lines


def _learned(card: Mapping[str, JSON]) -> list[str]:
    """Tell how the last training ended, where the card has no validation in words."""
    curve = card.get("curve")
    last = curve[-1] if isinstance(curve, list) and curve else None
    if "validation" in card or not isinstance(last, list):
        return []
    return [f"validation: loss {last[2]:.3f} after {last[0]:.0f} steps"] if last[2] else []


def _told(name: str, value: JSON) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{name}:", *(f"  {key}: {each}" for key, each in value.items())]
    if isinstance(value, list):
        return [f"{name}:", *(f"  {each}" for each in value)]
    return [f"{name}: {value}"]
