"""NIfTI and Analyze files opened by nibabel, under the names and with the headers they have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_fusion.errors import ReadError

if TYPE_CHECKING:
    import nibabel as nib


def opened(path: Path, suffixes: tuple[str, ...]) -> nib.AnalyzeImage:
    """Open a file of one of these suffixes under the very name it has.

    nibabel looks for "x.Nii" as "x.nii": for another file, or none.

    Raises
    ------
    ReadError
        A pair of files whose names end in mixed case.
    """
    import nibabel as nib
    from nibabel.openers import ImageOpener

    suffix = max((s for s in suffixes if path.name.lower().endswith(s)), key=len, default="")
    ending = path.name[len(path.name) - len(suffix) :]
    if ending in (suffix, suffix.upper()):
        return nib.load(path)
    if suffix not in (".nii", ".nii.gz"):
        raise ReadError(
            f"{path.name} is one of a pair of files: write both endings in small letters"
        )
    with ImageOpener(str(path)) as stream:
        start = stream.read(nib.Nifti2Header.sizeof_hdr)
    second = nib.Nifti2Header.may_contain_header(start)
    kind = nib.Nifti2Image if second else nib.Nifti1Image
    return kind.from_file_map({"image": nib.FileHolder(str(path))})


def as_written(image: nib.AnalyzeImage) -> nib.Nifti1Header:
    """Read the header again as it stands: nibabel has already replaced lengths of 0 or less."""
    holder = image.file_map.get("header") or image.file_map["image"]
    with holder.get_prepare_fileobj("rb") as stream:
        return type(image.header).from_fileobj(stream, check=False)
