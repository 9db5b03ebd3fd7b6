"""Which two volumes an alignment was judged on, told by their fingerprints."""

from __future__ import annotations

from collections.abc import Sequence

from napari_fusion.registration.quality import Quality

Prints = tuple[str, ...]
"""What a volume is known by, as `Volume.fingerprints` gives it; empty where it is not known."""

Pair = tuple[Prints, Prints]
"""Of the fixed and the moving volume."""

ROLES = ("fixed", "moving")


def doubted(words: str) -> Quality:
    """Give the quality of an alignment whose own verdict does not count any more, and why."""
    return Quality(verdict="CHECK", sentence=f"{words}: check it by eye.")


def other_voxels(role: str) -> Quality:
    """Give the quality that an alignment has for a volume it was not judged on."""
    return doubted(f"This alignment was judged on other voxels than the {role} volume's")


def unlike(judged: Pair | None, given: Sequence[Prints]) -> list[str]:
    """Name those of two volumes ("fixed", "moving") that are known not to be the ones judged."""
    if judged is None:
        return []
    both = zip(ROLES, judged, given, strict=True)
    return [role for role, known, own in both if known and own and not {*known} & {*own}]
