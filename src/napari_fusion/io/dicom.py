"""DICOM: headers to stacks to volumes; slope and padding by slice, position decides the order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from napari_fusion.errors import GeometryError, ReadError
from napari_fusion.grid import Grid
from napari_fusion.io import header as dicom
from napari_fusion.io import pixels
from napari_fusion.io.frames import Frame
from napari_fusion.io.judging import damage, numbering
from napari_fusion.io.meaning import Meaning, meaning_of
from napari_fusion.io.nifti import choose_frame
from napari_fusion.io.pet import info_of
from napari_fusion.io.placement import Placement, place
from napari_fusion.io.plain import plainly
from napari_fusion.io.resampling import straightened
from napari_fusion.io.series import Series
from napari_fusion.io.source import Source
from napari_fusion.io.voxels import Voxels
from napari_fusion.io.workspace import workspace
from napari_fusion.volume import JSON, PetInfo, Step, Volume, spoken


def read(
    series: Series, source: Source, frame: int | None = None, *, across_gaps: bool = False
) -> Volume:
    """Load one series; `across_gaps` interpolates where a slice is missing.

    Raises
    ------
    ReadError
        The series is no volume, its pixels cannot be read, or a frame has to be chosen.
    GeometryError
        Its slices lie on no grid that can be made rectangular without guessing.
    """
    gap = across_gaps and series.gap
    if series.stack is None or (series.light == "red" and not gap):
        raise _refusal(series)
    chosen = choose_frame(frame, series.frames, series.source.name)
    frames = series.stack.times[chosen]
    head = frames[0].header
    placement = place(frames, head.integer(dicom.ROWS), head.integer(dicom.COLUMNS))
    if isinstance(placement, str) or (placement.missing and not gap):
        raise _refusal(series)
    return assemble(series, source, chosen, placement)


def assemble(series: Series, source: Source, chosen: int, placement: Placement) -> Volume:
    """Read the pixels of one time point and put them on a rectangular grid."""
    assert series.stack is not None
    frames = series.stack.times[chosen]
    meaning = meaning_of(frames)
    # a stack that has to be straightened is first held in the order of the file
    grid = placement.grid if placement.square else Grid.regular(placement.shape)
    voxels = Voxels(grid, series.source.name, final=placement.square)
    sha256 = _fill(voxels, frames, source, meaning)
    array, grid = voxels.array, voxels.grid
    warnings = [*placement.notes, *meaning.notes, *numbering(series.stack), *voxels.warnings]
    if not placement.square:
        array, grid, said = straightened(voxels.array, placement, meaning.background)
        warnings.append(said)
    if series.damaged:
        warnings.append(damage(series.damaged))
    pet, pet_notes = _pet(series, source, frames)
    warnings += pet_notes
    if any(pixels.lossy(f.header) for f in frames):
        warnings.append("the pixels were stored with lossy compression")
    parameters: dict[str, JSON] = {"format": "DICOM", "sha256": sha256, "files": len(series.files)}
    if series.frames > 1:
        parameters["frame"] = chosen
    if frames[0].header.text(dicom.PHOTOMETRIC) == "MONOCHROME1":
        parameters["photometric"] = "MONOCHROME1"
    return Volume(
        array,
        grid,
        modality=series.modality,
        unit=meaning.unit,
        frame_uid=series.frame_uid,
        pet=pet,
        history=(Step("load", parameters, tuple(dict.fromkeys(warnings))),),
        patient=series.patient,
        name=spoken(series.modality) or "image",
    )


def _fill(voxels: Voxels, frames: Sequence[Frame], source: Source, meaning: Meaning) -> str:
    """Read the pixels file by file, in the order of position; give the hash of all files."""
    places: dict[Path, list[int]] = {}
    for index, frame in enumerate(frames):
        places.setdefault(frame.header.path, []).append(index)
    hashes = []
    for path, indices in places.items():
        header = frames[indices[0]].header
        with plainly(path.name, "DICOM"):
            workspace().expect(source.size(path))
            with source.open(path) as stream:
                data = stream.read()
            hashes.append(hashlib.sha256(data).hexdigest())
            raw = pixels.stored(header, data, header.count(dicom.FRAMES, 1))
        span = pixels.padding(header)
        padding = None if span is None else (*span, meaning.background)
        for index in indices:
            number = frames[index].number
            voxels.put(index, raw[number : number + 1], *meaning.rescale[index], padding)
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()


def _refusal(series: Series) -> ReadError | GeometryError:
    """Make the error for a series with a red light."""
    told = f"{series.source.name} ({series.modality}): {series.reason}"
    if not series.gap:
        return ReadError(told)
    return GeometryError(f"{told}; load it with rectified() (--rectify) to interpolate across it")


def _pet(
    series: Series, source: Source, frames: Sequence[Frame]
) -> tuple[PetInfo | None, tuple[str, ...]]:
    """Read what SUV needs, for PET."""
    if series.modality != "PT":
        return None, ()
    info, notes = info_of(frames, source)
    if info.attenuation_corrected is False:
        notes = (*notes, "not attenuation-corrected: its values are no activity, and give no SUV")
    return info, notes
