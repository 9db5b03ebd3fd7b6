"""Describe and judge what headers hold: one `Series` for each volume, with its light."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from napari_fusion.errors import ReadError
from napari_fusion.io import codestreams, identity, pixels
from napari_fusion.io import header as dicom
from napari_fusion.io.budget import check_present, check_volume, memory_doubt
from napari_fusion.io.frames import Frame, frames_of
from napari_fusion.io.header import Header
from napari_fusion.io.meaning import meaning_of, modality_of
from napari_fusion.io.pet import info_of, missing_for_suv
from napari_fusion.io.placement import Placement, place
from napari_fusion.io.plain import plainly
from napari_fusion.io.series import Light, Series, time_doubt
from napari_fusion.io.source import Source
from napari_fusion.io.stacks import Stack, stacks_of
from napari_fusion.volume import Unit

_GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"


def is_image(header: Header) -> bool:
    """Whether a file holds measured pixels, rather than a report, contours or a label map."""
    return (
        header.pixels is not None
        and header.integer(dicom.ROWS) > 0
        and header.text(dicom.SOP_CLASS) not in {SEGMENTATION, DOSE}
    )


def is_cut_short(header: Header) -> bool:
    """Whether a file describes an image and breaks off before its pixels."""
    return header.pixels is None and header.integer(dicom.ROWS) > 0


def beside(damaged: int, series: Series) -> Series:
    """Note that damaged files were left out: one of them may have belonged to this series."""
    if not damaged:
        return series
    light: Light = "amber" if series.light == "green" else series.light
    reasons = [series.reason, damage(damaged)] if series.reason else [damage(damaged)]
    reason = series.reason if light == "red" else "; ".join(reasons)
    return replace(series, damaged=damaged, light=light, reason=reason)


def damage(count: int) -> str:
    """Say that damaged files were left out."""
    return f"damaged DICOM files beside it, left out: {count}"


def series_of(headers: Iterable[Header], source: Source) -> list[Series]:
    """Assemble headers into the volumes they make."""
    frames: list[Frame] = []
    refused: list[Series] = []
    for header in headers:
        try:
            frames.extend(frames_of(header, source))
        except ReadError as fault:
            refused.append(_refused(header, str(fault), source))
    found: list[Series] = []
    for stack in stacks_of(frames):
        count = sum(1 for series in found if series.uid.split("#")[0] == stack.uid)
        uid = stack.uid if count == 0 else f"{stack.uid}#{count + 1}"
        found.append(_series(stack, uid, source))
    return found + refused


def _series(stack: Stack, uid: str, source: Source) -> Series:
    """Describe a stack and judge it."""
    frames = stack.frames
    head = frames[0].header
    rows, columns = head.integer(dicom.ROWS), head.integer(dicom.COLUMNS)
    shape = (len(frames), rows, columns)
    placement = place(frames, rows, columns)
    light, reason = _judge(stack, placement, source)
    spacing = None
    if isinstance(placement, Placement):
        lengths = np.linalg.norm(placement.affine[:3, :3], axis=0)
        step = placement.along[-1] / (len(frames) - 1)
        spacing = (float(step), float(lengths[1]), float(lengths[2]))
    modality = modality_of(head)
    corrected, missing = _suv(stack, source) if modality == "PT" else (None, None)
    return Series(
        uid,
        modality,
        _text(head, dicom.SERIES_DESCRIPTION),
        _date(head.text(dicom.STUDY_DATE)),
        len(frames),
        shape,
        spacing,
        light,
        reason,
        tuple(dict.fromkeys(f.header.path for time in stack.times for f in time)),
        unit=_unit(stack),
        frames=len(stack.times),
        frame_uid=head.text(dicom.FRAME_OF_REFERENCE) or None,
        study_uid=head.text(dicom.STUDY) or None,
        patient=_patient(head),
        attenuation_corrected=corrected,
        suv_missing=missing,
        part=stack.part,
        gap=isinstance(placement, Placement) and reason == placement.missing != "",
        source=source.path,
        stack=stack,
    )


def _unit(stack: Stack) -> Unit:
    try:
        return meaning_of(stack.frames).unit
    except ReadError:
        return "1"


def _judge(stack: Stack, placement: Placement | str, source: Source) -> tuple[Light, str]:
    """Give the geometry light and its reason."""
    fault = _no_volume(stack, source)
    if fault:
        return "red", fault
    if isinstance(placement, str):
        return "red", placement
    if placement.missing:
        return "red", placement.missing
    try:
        meaning = meaning_of(stack.frames)
    except ReadError as unclear:
        return "red", str(unclear)
    doubts = [*placement.notes, *meaning.notes]
    if placement.tilted:
        doubts.append(
            f"tilted by {placement.tilt_deg:.1f}° ({placement.drift_mm:.1f} mm end to end), "
            "straightened on loading"
        )
    if placement.uneven:
        doubts.append(f"{placement.uneven}, made even on loading")
    doubts += numbering(stack)
    doubts += memory_doubt((len(stack.frames), *placement.shape[1:]))
    doubts += time_doubt(len(stack.times))
    return ("amber", "; ".join(doubts)) if doubts else ("green", "")


def numbering(stack: Stack) -> list[str]:
    """Say when numbers in the headers tell that slices are missing at an end."""
    if len(stack.times) > 1 or stack.part:
        return []
    head, here = stack.frames[0].header, len(stack.frames)
    numbers = [f.header.count(dicom.INSTANCE, 1) for f in stack.frames]
    if min(numbers) > 1:
        return [f"numbering starts at {min(numbers)}: slices may be missing at an end"]
    announced = max(head.integer(dicom.IN_PET), head.count(dicom.IN_ACQUISITION, 0))
    if announced > here and sorted(numbers) == list(range(1, here + 1)):
        return [
            f"headers announce {announced} slices, {here} are here: some may be missing at an end"
        ]
    return []


def _no_volume(stack: Stack, source: Source) -> str:
    """Say why frames make no volume, whatever their places."""
    head = stack.frames[0].header
    patients = {_patient(f.header) for time in stack.times for f in time} - {None}
    if len(patients) > 1:
        return f"{len(patients)} patients share this series: it cannot be one volume"
    photometric = head.text(dicom.PHOTOMETRIC)
    if photometric not in _GREY or head.integer(dicom.SAMPLES, 1) != 1:
        return "it is a colour picture, not measured values"
    if stack.fault:
        return stack.fault
    if len(stack.frames) == 1:
        return "it is a single slice, not a volume"
    try:
        for frame in stack.frames:
            pixels.stored_type(frame.header)
            codestreams.check_syntax(frame.header)
            _check_whole(frame.header, source)
        check_volume(
            (len(stack.frames), head.integer(dicom.ROWS), head.integer(dicom.COLUMNS)), "it"
        )
    except ReadError as fault:
        return str(fault)
    return ""


def _check_whole(header: Header, source: Source) -> None:
    """Refuse a file that ends before its pixels do."""
    pixel = header.pixels
    if pixel is not None and pixel.length is not None and header.syntax != dicom.DEFLATED:
        check_present(pixel.offset + pixel.length, source.size(header.path), header.path.name)


def _refused(header: Header, reason: str, source: Source) -> Series:
    """Describe a file whose frames cannot be placed."""
    return Series(
        header.text(dicom.SERIES),
        modality_of(header),
        _text(header, dicom.SERIES_DESCRIPTION),
        _date(header.text(dicom.STUDY_DATE)),
        header.count(dicom.FRAMES, 1),
        (header.count(dicom.FRAMES, 1), header.integer(dicom.ROWS), header.integer(dicom.COLUMNS)),
        None,
        "red",
        reason,
        (header.path,),
        patient=_patient(header),
        source=source.path,
    )


def _patient(header: Header) -> str | None:
    return identity.token(header.text(dicom.PATIENT_ID), header.text(dicom.ISSUER))


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else ""


def _text(header: Header, tag: int) -> str:
    """Decode free text by the file's own character set."""
    raw = header.values.get(tag, b"")
    if raw.isascii() and b"\x1b" not in raw:
        return header.text(tag)
    from pydicom.charset import convert_encodings, decode_bytes

    with plainly(header.path.name, "DICOM"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what cannot be decoded is replaced and shown
        names = header.text(dicom.CHARSET).split("\\")
        decoded: str = decode_bytes(raw, convert_encodings(names), set("\\^="))
    return decoded.strip(" \0")


def _suv(stack: Stack, source: Source) -> tuple[bool | None, tuple[str, ...] | None]:
    """Say for the list whether a PET is corrected and what SUV lacks."""
    try:
        info, _ = info_of(stack.frames, source)
    except ReadError:
        return None, ("a readable header",)
    return info.attenuation_corrected, missing_for_suv(info)
