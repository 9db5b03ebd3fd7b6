"""An outcome as files: volumes, transforms, pictures and a record from which it can be replayed."""

from __future__ import annotations

import json
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import metadata
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import napari_fusion
from napari_fusion.digest import array_digest
from napari_fusion.errors import WriteError, expect
from napari_fusion.io import save
from napari_fusion.io.atomic import check_writable
from napari_fusion.io.exchange import exchange
from napari_fusion.io.plain import place_of
from napari_fusion.recipe import Outcome
from napari_fusion.registration import Alignment
from napari_fusion.review import change_montage, montage
from napari_fusion.volume import JSON, Step, Volume, roles

Superseded = Callable[[Sequence[str]], Sequence[str]]

NOTICE = "Not a medical device: for research and teaching, not for diagnosis or treatment."
_PACKAGES = ("numpy", "scipy", "SimpleITK", "nibabel", "pydicom", "opencv-python-headless")


RECORD = "record.json"
MONTAGE = "montage.png"

RESULTS = (
    r"(fused|change|colour|moving(_\d+)?_on_fixed|attribution(_\d+)?)\.nii\.gz"
    r"|alignment(_\d+)?\.tfm|(montage|window|colour|change)\.png|record\.json"
)
"""Names that belong to one outcome, and go when another takes its folder."""


def prepared(folder: Path) -> Path:
    """Make the output folder, and prove before any long work that files can be written there.

    Raises
    ------
    WriteError
        The folder cannot be made or written to.
    """
    with left_as_it_was(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise _unusable(folder, error) from error
    return folder


@contextmanager
def left_as_it_was(folder: Path) -> Iterator[None]:
    """Remove, after a fault, what is empty of the folders that were not there before."""
    made = _missing(folder)
    try:
        yield
    except BaseException:
        _remove(made)
        raise


def _remove(folders: Sequence[Path]) -> None:
    """Remove empty folders, the innermost first, up to one that is not there or not empty."""
    with suppress(OSError):
        for one in folders:
            one.rmdir()


def _missing(folder: Path) -> list[Path]:
    """List the folders that would have to be made, the innermost first."""
    try:
        return list(takewhile(lambda one: not one.exists(), (folder, *folder.parents)))
    except OSError as error:  # a folder above may not be entered, or the name is too long
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> WriteError:
    return WriteError(
        f"nothing can be written to {folder} ({error.strerror}): choose another --out folder"
    )


def check_folder(folder: Path, inputs: Sequence[Path], written: str = RESULTS) -> None:
    """Prove that results can be written to a folder, over no input, and leave it as it was.

    Parameters
    ----------
    folder
        Where results will go.
    inputs
        Files and folders that are read.
    written
        A regular expression that matches the names of results.

    Raises
    ------
    WriteError
        The folder cannot be made or written to, it is read from, or a result would take the place
        of an input.
    """
    for path in inputs:
        place = path.resolve()
        if place == folder.resolve():
            raise WriteError(f"--out {folder} is one of the inputs: choose another folder")
        if place.parent == folder.resolve() and re.fullmatch(written, place.name):
            raise WriteError(
                f"{path.name} in {folder} is one of the inputs and would be written over: choose "
                "another --out folder"
            )
    made = _missing(folder)
    try:
        prepared(folder)
    finally:  # also when the process is told to end just then
        _remove(made)


def export_outcome(outcome: Outcome, folder: str | Path) -> tuple[Path, ...]:
    """Write everything an outcome holds; files appear together at the end, the record last.

    Parameters
    ----------
    outcome
        What `run` returned.
    folder
        Made when missing. Gets ``fused.nii.gz``, ``moving_on_fixed.nii.gz``, ``alignment.tfm``,
        ``attribution.nii.gz`` (the moving volume's share, 0 to 1), ``montage.png`` and
        ``record.json``; a second moving volume adds ``moving_2_on_fixed.nii.gz`` and so on. The
        results of an earlier outcome there are replaced, all of them.

    Raises
    ------
    WriteError
        A file could not be written or did not read back the same.
    """
    expect(Outcome, outcome=outcome)
    return _exported(place_of(folder, "folder"), lambda partial: _write(outcome, partial))


def _exported(folder: Path, write: Callable[[Path], None]) -> tuple[Path, ...]:
    """Write an outcome in the place of an earlier one."""
    return together(folder, write, lambda names: _superseded(folder, names))


def together(
    folder: Path, write: Callable[[Path], None], superseded: Superseded | None = None
) -> tuple[Path, ...]:
    """Have results written to a hidden folder, and let all of them take their places, or none.

    Parameters
    ----------
    folder
        Made when missing; what is there under the same names is replaced.
    write
        Writes the results into the folder that it is given.
    superseded
        Names the files of the folder that go without a successor.

    Raises
    ------
    WriteError
        A file could not be written; everything is as it was.
    """
    with left_as_it_was(folder):
        return _put(prepared(folder), write, superseded)


def _put(
    folder: Path, write: Callable[[Path], None], superseded: Superseded | None
) -> tuple[Path, ...]:
    """Write beside the results of a folder that is there, and exchange them."""
    hidden = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
    try:
        write(hidden)
        names = sorted((p.name for p in hidden.iterdir()), key=lambda n: (n == RECORD, n))
        for name in names:
            check_writable(folder / name)
        exchange(hidden, folder, names, superseded(names) if superseded else [])
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(f"writing to {folder} failed ({error.strerror}): nothing kept") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return tuple(folder / name for name in names)


def summary_of_change(found: Volume) -> dict[str, Any]:
    """Give what a change amounts to, and what was taken for none, as JSON values."""
    known = found.array[np.isfinite(found.array)]
    voxel_ml = float(found.grid.spacing.prod()) / 1000
    return {
        "lowest": float(known.min(initial=0)),
        "highest": float(known.max(initial=0)),
        "share": float(np.count_nonzero(known) / max(known.size, 1)),
        "more_ml": float(np.count_nonzero(known > 0)) * voxel_ml,
        "less_ml": float(np.count_nonzero(known < 0)) * voxel_ml,
        "unit": found.unit,
        **found.history[-1].parameters,
        "warnings": list(found.history[-1].warnings),
    }


def export_change(
    found: Volume, outcome: Outcome, folder: Path, caption: str, summary: dict[str, Any]
) -> tuple[Path, ...]:
    """Write an outcome as `export_outcome` does, with what changed: all of it, or nothing.

    Adds ``change.nii.gz``, ``change.png``, which shows the largest lump of it over the baseline,
    and what the change amounts to in the record.

    Parameters
    ----------
    found
        What `recipe.changed` returned, on the grid of the outcome.
    outcome
        The fusion of both dates.
    folder
        Made when missing.
    caption
        What was taken for no change, in words.
    summary
        As `summary_of_change` gives it.

    Raises
    ------
    WriteError
        A file could not be written or did not read back the same.
    """

    def write(partial: Path) -> None:
        _write(outcome, partial, change=summary | {"array_sha256": digest(found)})
        save(found, partial / "change.nii.gz")
        _write_change(found, outcome, partial / "change.png", caption)

    return _exported(folder, write)


def _write_change(found: Volume, outcome: Outcome, path: Path, caption: str) -> None:
    from PIL import Image

    doubts = [f"{warning}." for warning in found.history[-1].warnings]
    told = [f"Change that {caption}.", "Planes through its largest lump.", *doubts, outcome.state]
    words = " ".join(told)
    picture = change_montage(found, _shown(outcome), ["baseline", "follow-up"], words)
    Image.fromarray(picture).save(path)


def _superseded(folder: Path, names: Sequence[str]) -> list[str]:
    """Name the results of an earlier outcome, if there is one, that the new one does not have."""
    if not (folder / RECORD).exists():
        return []
    there = [path.name for path in folder.iterdir() if path.is_file()]
    return [name for name in there if re.fullmatch(RESULTS, name) and name not in names]


def _write(outcome: Outcome, folder: Path, **more: Any) -> None:
    save(outcome.fused, folder / "fused.nii.gz")
    moved = zip(outcome.moving_on_fixed, outcome.shares[1:], outcome.alignments, strict=True)
    for i, (volume, share, alignment) in enumerate(moved, start=1):
        number = "" if i == 1 else f"_{i}"
        save(volume, folder / f"moving{number}_on_fixed.nii.gz")
        save(share, folder / f"attribution{number}.nii.gz")
        pair = outcome.inputs[0], outcome.inputs[i]
        alignment.save(folder / f"alignment{number}.tfm", fixed=pair[0], moving=pair[1])
    _write_montage(outcome, folder / MONTAGE)
    text = json.dumps(record(outcome) | more, indent=2, allow_nan=False) + "\n"
    (folder / RECORD).write_text(text, encoding="utf-8")


def _write_montage(outcome: Outcome, path: Path) -> None:
    from PIL import Image

    more = " ".join(f"{w}." for w in outcome.warnings if w not in outcome.state)
    picture = montage(
        outcome.fused,
        _shown(outcome),
        [share.array for share in outcome.shares],
        labels(outcome),
        f"{outcome.recipe.method} fusion. {outcome.state} {more}",
    )
    Image.fromarray(picture).save(path)


def _shown(outcome: Outcome) -> list[NDArray[np.float32]]:
    """Give the sources as they were windowed, in [0, 1]."""
    windows = outcome.recipe.windows or ()
    return [w(v.array) for w, v in zip(windows, outcome.sources, strict=True) if w is not None]


def labels(outcome: Outcome) -> list[str]:
    """Name each source by its role and modality, e.g. "fixed CT", "moving MR on fixed"."""
    named = zip(roles(len(outcome.sources)), outcome.sources, strict=True)
    fixed, *moving = (f"{role} {volume.spoken}".rstrip() for role, volume in named)
    return [fixed, *(f"{name} on fixed" for name in moving)]


def record(outcome: Outcome) -> dict[str, Any]:
    """Give everything needed to check and repeat an outcome, as JSON values, without identity."""
    return {
        "notice": NOTICE,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "state": outcome.state,
        "warnings": list(outcome.warnings),
        "recipe": outcome.recipe.model_dump(mode="json"),
        "inputs": [_described(v) for v in outcome.inputs],
        "alignments": [_alignment(a) for a in outcome.alignments],
        "fixed": {"array_sha256": digest(outcome.fixed)},
        "fused": _described(outcome.fused) | {"array_sha256": digest(outcome.fused)},
        "metrics": {name: _number(value) for name, value in outcome.metrics.items()},
        "seconds": outcome.seconds,
        "versions": versions(),
    }


def summary(outcome: Outcome) -> dict[str, Any]:
    """Give the little that a terminal shows of an outcome, as JSON values."""
    return {
        "state": outcome.state,
        "verdicts": [a.quality.verdict for a in outcome.alignments],
        "uncertainty_mm": [_number(a.quality.uncertainty_mm) for a in outcome.alignments],
        "metrics": {name: _number(value) for name, value in outcome.metrics.items()},
        "warnings": list(outcome.warnings),
        "seconds": outcome.seconds,
    }


def digest(volume: Volume) -> str:
    """Hash a volume's voxels, as `array_digest` does."""
    return array_digest(volume.array)


def versions() -> dict[str, str]:
    """Name the versions of what the numbers depend on."""
    return {
        "napari-fusion": napari_fusion.__version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def _described(volume: Volume) -> dict[str, JSON]:
    return {
        "modality": volume.modality,
        "unit": volume.unit,
        "shape": list(volume.grid.shape),
        "affine_lps": volume.grid.affine.tolist(),
        "history": [_nameless(step) for step in volume.history],
    }


def _nameless(step: Step) -> dict[str, JSON]:
    """Leave out what a source was called: file names may be those of people."""
    told = step.to_json()
    if step.name == "source":
        told["parameters"] = {k: v for k, v in step.parameters.items() if k != "name"}
    return told


def _alignment(alignment: Alignment) -> dict[str, Any]:
    quality = alignment.quality
    return {
        "fixed_to_moving_lps": alignment.matrix.tolist(),
        "field_sha256": alignment.field.sha256 if alignment.field else None,
        "verdict": quality.verdict,
        "sentence": quality.sentence,
        "uncertainty_mm": _number(quality.uncertainty_mm),
        "numbers": {name: _number(value) for name, value in quality.numbers.items()},
        "uncertainty_form": quality.model_dump(mode="json")["uncertainty_form"],
    }


def _number(value: float | None) -> float | None:
    """JSON has no NaN: a number that could not be computed is null."""
    return float(value) if value is not None and np.isfinite(value) else None
