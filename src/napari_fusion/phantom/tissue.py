"""What the head is made of, and what each scanner would read in it."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType

import numpy as np

from napari_fusion.volume import Modality, Unit

MODALITIES = ("CT", "T1", "T2", "PET", "SPECT")
"""The kinds of image the head can be rendered as."""

MEANING: dict[str, tuple[Modality, Unit]] = {
    "CT": ("CT", "HU"),
    "T1": ("MR", "1"),
    "T2": ("MR", "1"),
    "PET": ("PT", "Bq/mL"),
    "SPECT": ("NM", "1"),
}
"""What the kinds are called outside, and their units."""

_KEEP = np.nan  # this scanner does not see it: what lies under it stays


class Tissue(IntEnum):
    """The classes of `phantom.tissues`, in the order of their label."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    BONE = 4
    MARROW = 5
    TOOTH = 6
    MUCOSA = 7
    GLAND = 8
    DURA = 9
    BLOOD = 10
    CSF = 11
    GREY = 12
    WHITE = 13
    CAUDATE = 14
    PUTAMEN = 15
    PALLIDUM = 16
    THALAMUS = 17
    CEREBELLAR_GREY = 18
    BRAINSTEM = 19
    VITREOUS = 20
    LENS = 21
    NERVE = 22
    CALCIFICATION = 23
    PET_LESION = 24
    MR_LESION = 25
    TUMOUR = 26
    OEDEMA = 27
    PETROUS = 28
    CARTILAGE = 29
    CAPSULE = 30


# CT in HU; T1 and T2 in a scanner's own units; PET (FDG) in Bq/mL; SPECT (perfusion) in counts.
READINGS: MappingProxyType[Tissue, tuple[float, ...]] = MappingProxyType(
    {
        #                         CT     T1     T2     PET   SPECT
        Tissue.AIR: (-1000.0, 0.0, 0.0, 0.0, 0.0),
        Tissue.SKIN: (35.0, 420.0, 260.0, 1800.0, 9.0),
        Tissue.FAT: (-95.0, 980.0, 640.0, 900.0, 4.0),
        Tissue.MUSCLE: (58.0, 370.0, 150.0, 3200.0, 11.0),
        Tissue.BONE: (1250.0, 40.0, 30.0, 900.0, 3.0),
        Tissue.MARROW: (560.0, 520.0, 300.0, 3000.0, 7.0),
        Tissue.TOOTH: (2300.0, 20.0, 15.0, 300.0, 1.0),
        Tissue.MUCOSA: (35.0, 430.0, 760.0, 5200.0, 16.0),
        Tissue.GLAND: (20.0, 520.0, 420.0, 4800.0, 26.0),
        Tissue.DURA: (65.0, 330.0, 130.0, 3000.0, 9.0),
        Tissue.BLOOD: (58.0, 110.0, 60.0, 5500.0, 22.0),
        Tissue.CSF: (7.0, 130.0, 1000.0, 1200.0, 3.0),
        Tissue.GREY: (39.0, 470.0, 450.0, 31000.0, 100.0),
        Tissue.WHITE: (29.0, 700.0, 320.0, 9500.0, 32.0),
        Tissue.CAUDATE: (40.0, 500.0, 410.0, 33000.0, 104.0),
        Tissue.PUTAMEN: (41.0, 520.0, 390.0, 35000.0, 108.0),
        Tissue.PALLIDUM: (42.0, 610.0, 250.0, 20000.0, 62.0),
        Tissue.THALAMUS: (38.0, 560.0, 400.0, 29000.0, 98.0),
        Tissue.CEREBELLAR_GREY: (39.0, 480.0, 440.0, 25000.0, 112.0),
        Tissue.BRAINSTEM: (31.0, 650.0, 350.0, 13500.0, 52.0),
        Tissue.VITREOUS: (8.0, 110.0, 980.0, 1100.0, 2.0),
        Tissue.LENS: (85.0, 330.0, 120.0, 1500.0, 2.0),
        Tissue.NERVE: (34.0, 480.0, 330.0, 5000.0, 12.0),
        Tissue.CALCIFICATION: (420.0, 240.0, 90.0, _KEEP, _KEEP),
        Tissue.PET_LESION: (_KEEP, _KEEP, _KEEP, 46000.0, _KEEP),
        Tissue.MR_LESION: (_KEEP, 430.0, 780.0, _KEEP, _KEEP),
        Tissue.TUMOUR: (42.0, 400.0, 640.0, 43000.0, 120.0),
        Tissue.OEDEMA: (20.0, 520.0, 690.0, 7000.0, 24.0),
        Tissue.PETROUS: (1550.0, 30.0, 25.0, 900.0, 3.0),
        Tissue.CARTILAGE: (70.0, 330.0, 250.0, 1800.0, 8.0),
        Tissue.CAPSULE: (-60.0, 1050.0, 700.0, 0.0, 0.0),
    }
)


def reading(tissue: Tissue, kind: str) -> float:
    """Give what a scanner of this kind reads in a tissue; NaN where it does not see it."""
    return READINGS[tissue][MODALITIES.index(kind)]
