"""Function in its palette over grey anatomy, as one layer of colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_fusion.errors import ParameterError, Progress, silent
from napari_fusion.fusion.colour import Convention, colour
from napari_fusion.gui.actions import named, on_grid
from napari_fusion.gui.check.gate import Source, check_patients, standing
from napari_fusion.gui.check.sides import check_sides
from napari_fusion.gui.colour.rgb import Coloured, rgb_layer
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.line import line_of
from napari_fusion.gui.origin import ORIGIN, Made
from napari_fusion.gui.snapshot import STATE, Result, Snapshot, show
from napari_fusion.palette import Palette, palette
from napari_fusion.slab import Window
from napari_fusion.volume import FUNCTIONAL, JSON, Step, Volume

if TYPE_CHECKING:
    from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class Colouring:
    """Colour one layer by another: the job behind *Colour*.

    Parameters
    ----------
    snapshot
        The viewer's layers.
    names
        The fused or anatomical layer, on whose grid the picture lies, and the functional one.
    palette
        A name from `napari_fusion.palette.palettes`.
    windows
        (lower, upper) of each; None takes the windows they are shown with.
    different_patients, unknown_sides
        As for `fuse_layers`.
    """

    snapshot: Snapshot
    names: tuple[str, ...]
    palette: Palette = "hot iron"
    windows: Sequence[tuple[float, float]] | None = None
    different_patients: bool = False
    unknown_sides: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be done before any work, and write the windows out."""
        self.snapshot.check(self.names)
        asked = self.windows or [self.snapshot.window(name) for name in self.names]
        if len(self.names) != 2 or len(asked) != 2:
            raise ParameterError(
                "a colour picture is made of two layers, each with one window: the grey one and "
                f"the functional one, not {len(self.names)} with {len(asked)} windows"
            )
        windows = tuple((float(low), float(high)) for low, high in asked)
        object.__setattr__(self, "windows", windows)
        palette(self.palette)  # refuses a name there is not

    def line(self) -> str:
        """Write the Python that repeats this."""
        return line_of(
            *("colour_layers", list(self.names), self.palette),
            windows=list(self.windows or ()),
            different_patients=self.different_patients or None,
            unknown_sides=self.unknown_sides or None,
        )

    def compute(self, progress: Progress) -> Result:
        """Draw the function on the grid of the grey layer and colour it; touches no layer."""
        sources = [self.snapshot.source(name) for name in self.names]
        check_patients(sources, different_patients=self.different_patients)
        check_sides(sources, unknown_sides=self.unknown_sides)
        stands = standing(sources)
        progress(0.1, "drawing on the grid of the grey layer")
        base = sources[0].volume
        function = on_grid(sources[1], base.grid)
        progress(0.4, "colouring")
        window, scale = (Window(lower=low, upper=high) for low, high in self.windows or ())
        seen = (
            base
            if base.modality == "FUSED"
            else base.with_array(window(base.array), Step("window"))
        )
        convention: Convention = "luminance" if base.modality == "FUSED" else "lightness"
        picture = colour(seen, function, self.palette, convention, window=scale)
        volumes = base, sources[1].volume
        step = self._step(sources, convention, stands.text if stands.word != "PASS" else "")
        frame = Frame.of(base.grid)
        made = Coloured(
            picture=picture,
            grid=base.grid,
            frame=frame,
            sources=volumes,
            names=self.names,
            windows=tuple(self.windows or ()),
            palette=self.palette,
            history=(*base.history, step),
        )
        grey, functional = self.names
        layer = rgb_layer(made, stands.label(f"colour: {functional} on {grey}"))
        layer[1]["metadata"] |= {STATE: stands.text, ORIGIN: self._origin()}
        hidden = self.snapshot.replaced(self.names)
        return Result(stands, [layer], self.snapshot.turned(frame), hidden)

    def _origin(self) -> Made:
        asked: dict[str, JSON] = {
            "palette": self.palette,
            "windows": [list(window) for window in self.windows or ()],
            "different_patients": self.different_patients,
            "unknown_sides": self.unknown_sides,
        }
        return Made("colour", self.snapshot.ids(self.names), asked)

    def _step(self, sources: list[Source], convention: str, warning: str) -> Step:
        """Write down what was done, with the history of the function that was laid on."""
        history: list[JSON] = [step.to_json() for step in sources[1].volume.history]
        asked: dict[str, JSON] = {
            "grey": self.names[0],
            "functional": self.names[1],
            "palette": self.palette,
            "convention": convention,
            "windows": [list(window) for window in self.windows or ()],
            "functional_history": history,
        }
        return Step("colour", asked, (warning,) if warning else ())


def colour_layers(
    viewer: Any,
    layers: Sequence[str | Layer],
    palette: Palette = "hot iron",
    *,
    windows: Sequence[tuple[float, float]] | None = None,
    different_patients: bool = False,
    unknown_sides: bool = False,
) -> Layer:
    """Add a layer of colours: function in its palette over a grey picture.

    Over anatomy the palette is blended in by its own strength, so that values can be read off it
    ("lightness"); over a fused picture it gives the hue alone and the picture the brightness
    ("luminance"). Both layers are then hidden.

    Parameters
    ----------
    viewer
        The napari viewer.
    layers
        Two layers or their names: the anatomical or fused one, on whose grid the result lies, and
        the PET, SPECT or other measured one.
    palette
        A name from `napari_fusion.palette.palettes`.
    windows
        (lower, upper) of each; by default the windows they are shown with.
    different_patients, unknown_sides
        As for `fuse_layers`.

    Returns
    -------
    napari.layers.Image
        8 bits a channel; how it was made is in ``layer.metadata["napari_fusion_rgb"].history``.

    Raises
    ------
    ParameterError
        There is no such layer or palette, the patients differ, or sides are unknown.
    GeometryError
        The volumes do not overlap.
    """
    job = Colouring(
        Snapshot.of(viewer),
        tuple(named(layer) for layer in layers),
        palette,
        windows,
        different_patients,
        unknown_sides,
    )
    return show(viewer, job.compute(silent))[0]


def grey_and_function(layers: dict[str, Volume]) -> tuple[str, str]:
    """Say which of two chosen layers is anatomy and which is function.

    Parameters
    ----------
    layers
        Names, fixed and moving, each with its volume.

    Raises
    ------
    ParameterError
        It is not one of each.
    """
    functional = [name for name, volume in layers.items() if volume.modality in FUNCTIONAL]
    others = [name for name in layers if name not in functional]
    if len(functional) != 1 or len(others) != 1:
        raise ParameterError(
            "a colour picture needs one PET or SPECT layer and one other layer: choose them as "
            "fixed and moving"
        )
    return others[0], functional[0]
