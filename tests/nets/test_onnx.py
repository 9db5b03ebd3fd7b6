"""Networks as ONNX: the same pictures by another runtime, in float32 and in eight bits."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

from napari_fusion.errors import MissingExtra, ParameterError  # noqa: E402
from napari_fusion.nets import onnx as exporting  # noqa: E402
from napari_fusion.nets.data import load_samples  # noqa: E402
from napari_fusion.nets.infer import decide  # noqa: E402
from napari_fusion.nets.prior import prior  # noqa: E402
from napari_fusion.nets.quantise import pictures_db  # noqa: E402
from napari_fusion.nets.ready import prepared  # noqa: E402


def test_another_runtime_gives_the_same_decision(tiny, tmp_path):
    net = exporting.running(tiny, exporting.export(tiny, tmp_path / "net.onnx"))
    planes = np.random.default_rng(0).random((3, 40, 64), np.float32)
    votes, _ = prior(planes, 3)
    for theirs, ours in zip(
        decide(net, planes, votes), decide(prepared(tiny), planes, votes), strict=True
    ):
        np.testing.assert_allclose(theirs, ours, atol=1e-5)


def test_eight_bits_touch_convolutions_only_and_keep_the_picture(tiny, folder, tmp_path):
    samples = load_samples(folder)
    path = exporting.export_int8(tiny, tmp_path / "small.onnx", samples[:4])
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert kinds <= {"Conv", "Relu", "Add", "ReduceMean", "QuantizeLinear", "DequantizeLinear"}
    assert "QuantizeLinear" in kinds
    assert pictures_db(prepared(tiny), exporting.running(tiny, path), samples[:4]) > 50


def test_other_blocks_and_no_slices_are_refused(opinionated, tiny, tmp_path):
    with pytest.raises(ParameterError, match="dense convolutions"):
        exporting.export(opinionated("attention"), tmp_path / "net.onnx")
    with pytest.raises(ParameterError, match="no slices"):
        exporting.export_int8(tiny, tmp_path / "net.onnx", [])
    assert not list(tmp_path.iterdir())


def test_a_missing_extra_is_named(tiny, tmp_path, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(MissingExtra, match=r"napari-fusion\[onnx\]"):
        exporting.export(tiny, tmp_path / "net.onnx")
