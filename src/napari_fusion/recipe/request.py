"""What to do, as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, PlainSerializer

from napari_fusion.checked import Settings
from napari_fusion.quantify import SuvKind
from napari_fusion.registration import AlignOptions
from napari_fusion.registration.quality import Verdict
from napari_fusion.slab import Window

Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""Millimetres, more than none."""


Params = Annotated[
    Mapping[str, JsonValue],
    AfterValidator(lambda given: MappingProxyType(dict(given))),
    PlainSerializer(dict, return_type=dict[str, JsonValue]),
]
"""Values by name that nobody can change."""


class Recipe(Settings):
    """What to do with one fixed and one or more moving volumes; frozen, JSON both ways.

    Parameters
    ----------
    version
        Of the format, so that a later one is told apart.
    align
        How to register each moving volume to the fixed one; None takes them as they lie.
    accept
        The worst verdict of the registration gate that may still be fused.
    spacing
        Voxel size (mm, array order) of the result over the fixed volume's box; None keeps the
        fixed grid.
    suv
        The kind of standardised uptake values that PET becomes first (`napari_fusion.to_suv`);
        None fuses it as it is.
    windows
        One window per source, fixed first; None where the modality's default is meant.
    method, params
        Name of a fusion method and its parameters.
    axis
        Array axis across slices; None takes a single slice's own, or the coarsest.
    nan
        Whether voxels that are not finite refuse the job or count as background.
    different_patients
        Allow volumes whose DICOM PatientID differs.
    unknown_sides
        Allow volumes whose files do not say which side is the patient's left.
    metrics
        Names of the measures of fusion quality to report.

    Raises
    ------
    ParameterError
        The first value that does not fit, by name.

    Examples
    --------
    >>> Recipe.model_validate_json(Recipe(method="maximum").model_dump_json()).method
    'maximum'
    """

    version: Literal[1] = 1
    align: AlignOptions | None = AlignOptions()
    accept: Verdict = "CHECK"
    spacing: tuple[Length, Length, Length] | None = None
    suv: SuvKind | None = None
    windows: tuple[Window | None, ...] | None = None
    method: str = "laplacian"
    params: Params = Field(default_factory=dict, validate_default=True)
    axis: Annotated[int, Field(ge=0, le=2)] | None = None
    nan: Literal["refuse", "background"] = "refuse"
    different_patients: bool = False
    unknown_sides: bool = False
    metrics: tuple[str, ...] = ("q_abf", "mutual_information", "ssim")

    def __deepcopy__(self, memo: object = None) -> Self:
        return self.model_copy()  # there is nothing in it that could change

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).model_validate, (self.model_dump(),)
