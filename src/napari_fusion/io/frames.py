"""Single frames with their place in the patient, from classic and from multi-frame DICOM files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_fusion.errors import ReadError
from napari_fusion.io import header as dicom
from napari_fusion.io.header import Header
from napari_fusion.io.plain import plainly
from napari_fusion.io.source import Source

if TYPE_CHECKING:
    import pydicom

NM_CLASS = "1.2.840.10008.5.1.4.1.1.20"
_ENHANCED = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2.1", "2.2", "4.1", "4.4", "128.1", "130")
)
"""Enhanced and legacy converted CT, MR and PET."""

TIME, ECHO, DIFFUSION, STACK = "time", "echo time", "b-value", "stack"


@dataclass(frozen=True, slots=True)
class Frame:
    """One plane of pixels and where it lies.

    Parameters
    ----------
    header
        The file it is in.
    number
        Its index in that file.
    position
        LPS mm of the centre of the first pixel; None when the file does not say.
    orientation
        Unit vectors along a row and along a column, in LPS; None when the file does not say.
    spacing
        Millimetres between rows and between columns; None when the file does not say.
    slope, intercept
        Rescale of stored values; None when absent, NaN when unusable.
    keys
        Values that tell frames at one place apart, where they are not in the header.
    """

    header: Header
    number: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    slope: float | None
    intercept: float | None
    keys: dict[str, str] = field(default_factory=dict)


def frames_of(header: Header, source: Source) -> list[Frame]:
    """List the frames of a file.

    Raises
    ------
    ReadError
        A multi-frame file whose frames cannot be placed.
    """
    count = header.count(dicom.FRAMES, 1)
    sop = header.text(dicom.SOP_CLASS)
    enhanced = sop in _ENHANCED
    if count == 1 and not enhanced:
        return [_classic(header)]
    if sop == NM_CLASS:
        return list(_nuclear(header, full_header(header, source), count))
    if enhanced:
        return list(_enhanced(header, full_header(header, source), count))
    return [_unplaced(header, number) for number in range(count)]


def full_header(header: Header, source: Source) -> pydicom.Dataset:
    """Read the whole header with pydicom."""
    import pydicom

    with plainly(header.path.name, "DICOM"), source.open(header.path) as stream:
        return pydicom.dcmread(stream, stop_before_pixels=True)


def _classic(header: Header) -> Frame:
    return Frame(
        header,
        0,
        _numbers(header.numbers(dicom.POSITION), 3),
        _numbers(header.numbers(dicom.ORIENTATION), 6),
        _numbers(header.numbers(dicom.SPACING), 2),
        header.number(dicom.SLOPE),
        header.number(dicom.INTERCEPT),
    )


def _unplaced(header: Header, number: int) -> Frame:
    spacing = _numbers(header.numbers(dicom.SPACING), 2)
    slope, intercept = header.number(dicom.SLOPE), header.number(dicom.INTERCEPT)
    return Frame(header, number, None, None, spacing, slope, intercept)


def _enhanced(header: Header, full: pydicom.Dataset, count: int) -> Iterator[Frame]:
    """Place each frame by its functional groups, shared or its own."""
    with plainly(header.path.name, "DICOM"):
        shared = _first(full, "SharedFunctionalGroupsSequence")
        each = list(full.get("PerFrameFunctionalGroupsSequence", []))
        if not each:
            yield from (_unplaced(header, number) for number in range(count))
            return
        if len(each) != count:
            raise ReadError(
                f"{header.path.name} says it has {count} frames and describes {len(each)}"
            )
        for number, own in enumerate(each):
            yield _enhanced_frame(header, number, own, shared)


def _enhanced_frame(header: Header, number: int, own: Any, shared: Any) -> Frame:
    def group(name: str) -> Any:
        return _first(own, name) or _first(shared, name)

    measures, rescale = group("PixelMeasuresSequence"), group("PixelValueTransformationSequence")
    content, echo = group("FrameContentSequence"), group("MREchoSequence")
    diffusion, cardiac = group("MRDiffusionSequence"), group("CardiacSynchronizationSequence")
    times = [
        _value(content, "TemporalPositionIndex"),
        _value(cardiac, "NominalCardiacTriggerDelayTime"),
    ]
    keys = {
        STACK: _value(content, "StackID"),
        ECHO: _value(echo, "EffectiveEchoTime"),
        DIFFUSION: _value(diffusion, "DiffusionBValue"),
        TIME: "/".join(times).strip("/"),
        "acquisition": _value(content, "FrameAcquisitionNumber"),
    }
    return Frame(
        header,
        number,
        _sequence(group("PlanePositionSequence"), "ImagePositionPatient", 3),
        _sequence(group("PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        _sequence(measures, "PixelSpacing", 2),
        _decimal(rescale, "RescaleSlope"),
        _decimal(rescale, "RescaleIntercept"),
        keys,
    )


def _nuclear(header: Header, full: pydicom.Dataset, count: int) -> Iterator[Frame]:
    """Place the slices of a reconstructed NM study along the normal of its first one."""
    kind = header.texts(dicom.IMAGE_TYPE)
    name = header.path.name
    if "RECON TOMO" not in kind and "RECON GATED TOMO" not in kind:
        raise ReadError(f"{name} holds planar or raw projection images, not a reconstructed volume")
    with plainly(name, "DICOM"):
        detector = _first(full, "DetectorInformationSequence") or full
        origin = _sequence(detector, "ImagePositionPatient", 3)
        orientation = _sequence(detector, "ImageOrientationPatient", 6)
        between = _decimal(full, "SpacingBetweenSlices")
        if between is None or not math.isfinite(between) or between == 0:
            raise ReadError(f"{name} does not say how far apart its slices are")
        slices = [int(n) for n in _listed(full, "SliceVector")] or list(range(1, count + 1))
        slots = _listed(full, "TimeSlotVector") or [""] * count
        windows = _listed(full, "EnergyWindowVector") or [""] * count
        if len(slices) != count or len(slots) != count or len(windows) != count:
            raise ReadError(f"{name} numbers its slices and its frames differently")
    spacing = _numbers(header.numbers(dicom.SPACING), 2)
    slope, intercept = header.number(dicom.SLOPE), header.number(dicom.INTERCEPT)
    for number in range(count):
        position = None
        if origin is not None and orientation is not None:
            normal = _cross(orientation)
            steps = (slices[number] - 1) * between
            position = tuple(o + steps * n for o, n in zip(origin, normal, strict=True))
        keys = {TIME: str(slots[number]), "energy window": str(windows[number])}
        yield Frame(header, number, position, orientation, spacing, slope, intercept, keys)


def _cross(orientation: tuple[float, ...]) -> tuple[float, float, float]:
    a, b, c, d, e, f = orientation
    return b * f - c * e, c * d - a * f, a * e - b * d


def _numbers(values: list[float], count: int) -> tuple[float, ...] | None:
    """Give a tuple of finite numbers; anything else is as good as absent."""
    return tuple(values) if len(values) == count and all(map(math.isfinite, values)) else None


def _first(item: Any, name: str) -> Any:
    sequence = item.get(name) if item is not None else None
    return sequence[0] if sequence else None


def _value(item: Any, name: str) -> str:
    value = item.get(name) if item is not None else None
    return "" if value is None else str(value)


def _decimal(item: Any, name: str) -> float | None:
    value = item.get(name) if item is not None else None
    return None if value is None else float(value)


def _sequence(item: Any, name: str, count: int) -> tuple[float, ...] | None:
    value = item.get(name) if item is not None else None
    return None if value is None else _numbers([float(v) for v in value], count)


def _listed(item: Any, name: str) -> list[Any]:
    value = item.get(name)
    if value is None or value == "":
        return []
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else [value]
