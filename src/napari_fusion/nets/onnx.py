"""Networks as ONNX, in float32 or int8, for those who run onnxruntime anyway.

Only the convolutions are exported, and only they are quantised (static, QDQ): votes, shares and
pictures stay in float32, so that eight bits cost a fraction of a grey level.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_fusion.errors import MissingExtra, ParameterError
from napari_fusion.io.atomic import write_verified
from napari_fusion.nets.bands import votes
from napari_fusion.nets.checkpoint import Checkpoint
from napari_fusion.nets.data import Sample
from napari_fusion.nets.model import FusionNet
from napari_fusion.nets.ready import prepared
from napari_fusion.nets.train import whole

OPSET = 17
"""Every runtime of the last years reads it."""


def export(checkpoint: Checkpoint, path: Path) -> Path:
    """Write the convolutions of a network: input ``seen`` (k, c, h, w), output ``said``.

    Raises
    ------
    MissingExtra
        onnx is not installed.
    ParameterError
        The network has other blocks than dense convolutions.
    WriteError
        Nothing was written.
    """
    onnx = _needed("onnx")
    if checkpoint.config.block != "dense":
        raise ParameterError(
            f"only networks of dense convolutions are exported, this one is of "
            f"{checkpoint.config.block!r} blocks"
        )
    model = _model(onnx, prepared(checkpoint))
    onnx.checker.check_model(model)
    return write_verified(path, lambda part: onnx.save(model, part), lambda part: onnx.load(part))


def export_int8(checkpoint: Checkpoint, path: Path, samples: list[Sample]) -> Path:
    """Write the same with Conv and Relu in int8, calibrated on slices.

    Raises
    ------
    MissingExtra
        onnx or onnxruntime is not installed.
    ParameterError
        There are no slices, or the network has other blocks than dense convolutions.
    WriteError
        Nothing was written.
    """
    onnx = _needed("onnx")
    tool = _needed("onnxruntime.quantization")
    if not samples:
        raise ParameterError("there are no slices to calibrate eight bits on")
    with TemporaryDirectory() as folder:
        full, plain, small = (Path(folder) / f"{name}.onnx" for name in ("full", "plain", "small"))
        export(checkpoint, full)
        tool.quant_pre_process(full, plain, skip_symbolic_shape=True)
        tool.quantize_static(
            plain,
            small,
            _reader(tool, prepared(checkpoint), samples),
            quant_format=tool.QuantFormat.QDQ,
            activation_type=tool.QuantType.QUInt8,
            weight_type=tool.QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["Conv", "Relu"],
        )
        content = small.read_bytes()
    return write_verified(
        path, lambda part: part.write_bytes(content), lambda part: onnx.load(part)
    )


def running(checkpoint: Checkpoint, path: Path) -> FusionNet:
    """Give a network, ready to run, whose convolutions onnxruntime carries out, on one thread.

    Raises
    ------
    MissingExtra
        onnxruntime is not installed.
    """
    runtime = _needed("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    net = prepared(checkpoint)

    def look(seen: Tensor, k: int) -> Tensor:
        (said,) = session.run(None, {"seen": seen.contiguous().numpy()})
        return torch.from_numpy(said)

    net.__dict__["look"] = look
    return net


def _model(onnx: Any, net: FusionNet) -> Any:
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes: list[Any] = []
    tensors: list[Any] = []

    def convolved(x: str, convolution: nn.Conv2d, name: str) -> str:
        inputs = [x]
        for suffix, value in (("weight", convolution.weight), ("bias", convolution.bias)):
            if value is not None:
                array = value.detach().contiguous().numpy()
                tensors.append(onnx.numpy_helper.from_array(array, f"{name}.{suffix}"))
                inputs.append(f"{name}.{suffix}")
        around = convolution.padding[0]
        nodes.append(
            helper.make_node(
                "Conv",
                inputs,
                [name],
                pads=[around] * 4,
                dilations=list(convolution.dilation),
            )
        )
        return name

    def done(kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    x = "seen"
    for i, layer in enumerate(net.layers):
        x = done("Relu", [convolved(x, layer[0], f"layer{i}")], f"relu{i}")
        if i in net.config.context:
            mean = done("ReduceMean", [x], f"mean{i}", axes=[0], keepdims=1)
            x = done("Add", [x, convolved(mean, net.mixes[str(i)], f"mix{i}")], f"told{i}")
    ends = [convolved(x, net.head, "head"), convolved("seen", net.direct, "direct")]
    done("Add", ends, "said")
    seen = helper.make_tensor_value_info("seen", kind, ["k", net.seen, "h", "w"])
    said = helper.make_tensor_value_info("said", kind, ["k", net.head.out_channels, "h", "w"])
    graph = helper.make_graph(nodes, "napari-fusion", [seen], [said], tensors)
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def _reader(tool: Any, net: FusionNet, samples: list[Sample]) -> Any:
    """Feed the quantiser what the convolutions see of slices."""

    class Reader(tool.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left: Iterator[NDArray[np.float32]] = (_seen(net, s) for s in samples)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            found = next(self.left, None)
            return None if found is None else {"seen": found}

    return Reader()


def _seen(net: FusionNet, sample: Sample) -> NDArray[np.float32]:
    """Catch what a network gives its convolutions to look at."""
    caught: list[Tensor] = []

    def look(seen: Tensor, k: int) -> Tensor:
        caught.append(seen)
        return FusionNet.look(net, seen, k)

    sources = whole(sample)
    net.__dict__["look"] = look
    try:
        with torch.inference_mode():
            net(sources, votes(sources, net.config.levels)[0])
    finally:
        del net.__dict__["look"]
    return np.ascontiguousarray(caught[0].numpy())


def _needed(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as fault:
        raise MissingExtra(f'{name} is not installed: pip install "napari-fusion[onnx]"') from fault
