"""``napari-fusion quantise``: store a network's weights in eight bits and say what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_fusion.cli.screen import say, say_files
from napari_fusion.cli.train import needed
from napari_fusion.errors import ParameterError


def quantise(
    network: Annotated[Path, typer.Argument(help="The network to shrink.")],
    *,
    out: Annotated[Path, typer.Option(help="The file to write, .safetensors.")],
    data: Annotated[
        Path | None, typer.Option(help="Paired slices to compare the two networks on.")
    ] = None,
    onnx: Annotated[
        Path | None,
        typer.Option(help="Also write the convolutions as int8 ONNX (extra onnx, needs --data)."),
    ] = None,
) -> None:
    """Write the network with int8 weights; with --data, tell how far its pictures differ."""
    with needed():
        from napari_fusion.nets.checkpoint import Checkpoint
        from napari_fusion.nets.data import load_samples
        from napari_fusion.nets.quantise import parity_db
        from napari_fusion.nets.quantise import quantise as carry_out
    full = Checkpoint.load(network)
    if onnx is not None:  # first: what is missing is said before anything is written
        _exported(full, onnx, data)
    small = carry_out(full)
    if data is not None:
        parity = round(parity_db(full, small, load_samples(data)[::8]), 1)
        small = small.described(int8_psnr_db=parity)
        say(f"pictures agree to {parity} dB")
    path = small.save(out)
    say(f"{network.stat().st_size} bytes before, {path.stat().st_size} after")
    say_files([str(path)])


def _exported(full: Any, path: Path, data: Path | None) -> None:
    """Write the convolutions as int8 ONNX, run them once, and say how far pictures differ."""
    from napari_fusion.nets.data import load_samples
    from napari_fusion.nets.onnx import export_int8, running
    from napari_fusion.nets.quantise import pictures_db
    from napari_fusion.nets.ready import prepared

    if data is None:
        raise ParameterError("eight bits of ONNX are calibrated on slices: give --data")
    samples = load_samples(data)
    export_int8(full, path, samples[:: max(1, len(samples) // 48)])
    parity = pictures_db(prepared(full), running(full, path), samples[::8])
    say(f"pictures by onnxruntime agree to {parity:.1f} dB")
    say_files([str(path)])
