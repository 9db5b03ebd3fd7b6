"""``napari-fusion train``: a network from paired slices, resumable, with its curve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fusion.checked import checked
from napari_fusion.cli.screen import bar, say, say_files
from napari_fusion.cli.settings import SETTINGS, read_settings
from napari_fusion.errors import MissingExtra

Data = Annotated[Path, typer.Option(help="Folder SET/CONTRAST/NAME.png of registered slices.")]
Val = Annotated[
    Path | None,
    typer.Option(
        help="The same of other patients, to judge by.", show_default="the last case of --data"
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for network and curve; a stopped run goes on.")]
Config = Annotated[Path | None, typer.Option(help="JSON: {net, train, prune, card: {...}}.")]


def train(
    *,
    data: Data,
    out: Out,
    val: Val = None,
    config: Config = None,
    start: Annotated[Path | None, typer.Option("--from", help="Go on from this network.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Older data that must not be lost.")] = None,
) -> None:
    """Train a fusion network without labels; the same command again goes on where it stopped."""
    with needed():
        from napari_fusion.nets.checkpoint import Checkpoint
        from napari_fusion.nets.model import NetConfig
        from napari_fusion.nets.train import TrainOptions, validate
        from napari_fusion.nets.train import train as carry_out
    from napari_fusion.export import prepared

    told = read_settings(config)
    options = checked(TrainOptions, told.get("train", {}), SETTINGS)
    samples = train_data(data, val, replay)
    if replay and not options.replay:
        options = options.model_copy(update={"replay": 0.3})
    begin = Checkpoint.load(start) if start else checked(NetConfig, told.get("net", {}), SETTINGS)
    prepared(out)
    known = samples.replay or []
    before = validate(begin.build(), known) if isinstance(begin, Checkpoint) and known else None
    with bar() as progress:
        made = carry_out(begin, samples, options, out=out, progress=progress)
    path = made.save(out / "network.safetensors")
    if before is not None:
        after = validate(made.build(), known)
        say(f"loss on the older data: {before:.4f} before, {after:.4f} after")
    say_files([str(path), str(out / "curve.csv"), str(out / "curve.png")])


def train_data(data: Path, val: Path | None, replay: Path | None = None) -> Any:
    """Load slices to learn from and, of other patients, to judge by.

    Raises
    ------
    ReadError
        A folder holds no paired slices.
    """
    with needed():
        from napari_fusion.nets.data import held_out, load_samples
        from napari_fusion.nets.train import TrainData
    samples = load_samples(data)
    older = load_samples(replay) if replay else None
    if val is not None:
        return TrainData(samples, load_samples(val), older)
    cases = sorted({sample.case for sample in samples})
    return TrainData(*held_out(samples, set(cases[-1:] if len(cases) > 1 else [])), older)


@contextmanager
def needed() -> Iterator[None]:
    """Turn a missing torch, in the imports of this block, into the sentence that names the extra.

    Raises
    ------
    MissingExtra
        A module is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as fault:
        extra = "prune" if fault.name == "torch_pruning" else "cnn"
        raise MissingExtra(
            f'this needs {fault.name}: pip install "napari-fusion[{extra}]"'
        ) from fault
