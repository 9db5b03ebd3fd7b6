"""May this picture be called fused? What is known, in words, about layers lying on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_fusion.errors import ParameterError
from napari_fusion.registration import Quality
from napari_fusion.registration.quality import AS_SCANNED
from napari_fusion.volume import Volume, patients_of

Word = Literal["PASS", "CHECK", "FAIL", "NOT REGISTERED", "DIFFERENT PATIENTS"]

TYPED = "DIFFERENT PATIENTS"
"""What has to be typed before layers of two patients are aligned or fused."""

_RANKS: tuple[Word, ...] = ("PASS", "CHECK", "FAIL", "NOT REGISTERED", "DIFFERENT PATIENTS")
_SIGNS = dict(zip(_RANKS, ("✔", "▲", "✖", "⚠", "‼"), strict=True))


@dataclass(frozen=True)
class Standing:
    """How far volumes may be trusted to lie on each other: one word and one sentence."""

    word: Word
    sentence: str

    @classmethod
    def of(cls, quality: Quality) -> Standing:
        """Take the gate's verdict on one alignment."""
        return cls(quality.verdict, quality.sentence)

    @property
    def rank(self) -> int:
        """0 to 4, from trusted to unknown."""
        return _RANKS.index(self.word)

    @property
    def sign(self) -> str:
        """A shape of its own for each word, for eyes that do not tell colours."""
        return _SIGNS[self.word]

    @property
    def text(self) -> str:
        """Shape, word and sentence, said once."""
        said = self.sentence.startswith(self.word)
        return (
            f"{self.sign} {self.sentence}" if said else f"{self.sign} {self.word}: {self.sentence}"
        )

    def label(self, name: str) -> str:
        """Write what is not known to be right onto an end of a picture's name, once.

        In the middle of it a list leaves it out, and a word there may be of a layer's own name.
        """
        front, back = ("", " (CHECK)") if self.word == "CHECK" else (f"{self.word}: ", "")
        if self.word == "PASS" or (name.startswith(front) and name.endswith(back)):
            return name
        return f"{front}{name}{back}"


@dataclass(frozen=True, eq=False)
class Aligned:
    """Which volume another was brought onto, and what the gate said of it."""

    fixed: Volume
    standing: Standing


@dataclass(frozen=True, eq=False)
class Source:
    """A layer as far as fusion is concerned: what it holds, and what it was aligned to."""

    name: str
    volume: Volume
    aligned: Aligned | None = None

    @property
    def anchor(self) -> Volume:
        """The volume in whose frame this one lies."""
        return self.aligned.fixed if self.aligned else self.volume


def standing(sources: Sequence[Source]) -> Standing:
    """Say how far sources may be trusted to lie on the first one; the worst of them counts."""
    first, *others = sources
    found = [_pair(first, other) for other in others]
    if not found:
        return Standing("PASS", "One volume lies on itself.")
    return max(found, key=lambda pair: pair.rank)


def _pair(first: Source, other: Source) -> Standing:
    if differ([first, other]):
        return Standing(
            "DIFFERENT PATIENTS", f"{other.name} and {first.name} show different patients."
        )
    judged = [s.aligned.standing for s in (first, other) if s.aligned]
    if not same_volume(first.anchor, other.anchor):
        uids = {first.anchor.frame_uid, other.anchor.frame_uid}
        if len(uids) > 1 or None in uids:
            return Standing(
                "NOT REGISTERED",
                f"Nothing says that {other.name} lies on {first.name}; align it first.",
            )
        judged.append(Standing("CHECK", AS_SCANNED))
    return max(judged, key=lambda one: one.rank, default=Standing("PASS", "The same volume."))


def same_volume(a: Volume, b: Volume) -> bool:
    """Whether two volumes hold the same voxels at the same place (every fourth one compared)."""
    if a is b:
        return True
    if a.grid != b.grid or a.history != b.history:
        return False
    thin = (slice(None, None, 4),) * 3
    return bool(np.array_equal(a.array[thin], b.array[thin]))


def differ(sources: Sequence[Source]) -> bool:
    """Whether sources are known to show different patients."""
    return len(patients_of(source.volume for source in sources)) > 1


def check_patients(sources: Sequence[Source], *, different_patients: bool) -> None:
    """Refuse volumes of different patients unless the user allowed it.

    Raises
    ------
    ParameterError
        Two volumes carry different patient tokens.
    """
    if different_patients or not differ(sources):
        return
    names = " and ".join(repr(source.name) for source in sources)
    raise ParameterError(
        f"the layers {names} belong to different patients: choose layers of one patient, or type "
        f"{TYPED} below the chosen layers (different_patients=True)"
    )
