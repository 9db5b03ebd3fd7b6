import hashlib
import tracemalloc
from typing import Annotated, Literal

import numpy as np
import pytest

from napari_fusion.errors import ParameterError
from napari_fusion.fusion import lookup, method, methods, registry

STACK = np.zeros((2, 1, 4, 4), np.float32)


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", {})

    @method("toy", title="Toy", cite="nobody", caution="it hides")
    def toy(
        sources,
        *,
        levels: Annotated[int, {"min": 1, "max": 8}] = 4,
        sharp: Annotated[float, {"min": 0}] = 1.5,
        rule: Literal["strong", "weak"] = "strong",
    ):
        """Do little.

        Parameters
        ----------
        levels
            How many bands,
            counted from one.
        sharp
            How sharp.
        """
        return sources / len(sources)

    return toy


def test_the_signature_is_the_schema(toy):
    levels, sharp, rule = toy.parameters
    assert (levels.kind, levels.type, levels.default) == ("int", int, 4)
    assert (levels.minimum, levels.maximum) == (1, 8)
    assert levels.help == "How many bands, counted from one."
    assert (sharp.kind, sharp.minimum, sharp.maximum) == ("float", 0, None)
    assert (rule.kind, rule.choices, rule.help) == ("choice", ("strong", "weak"), "")
    assert toy.doc.startswith("Do little.")
    assert (toy.title, toy.cite, toy.caution) == ("Toy", "nobody", "it hides")


def test_resolve_fills_defaults_with_json_values(toy):
    assert toy.resolve({"levels": np.int64(3)}) == {"levels": 3, "sharp": 1.5, "rule": "strong"}
    assert type(toy.resolve({"levels": np.int64(3)})["levels"]) is int
    assert toy.resolve({"levels": 2.0, "sharp": 2})["sharp"] == 2.0


def test_a_number_among_the_words_may_be_given_as_one():
    assert lookup("shearlet").resolve({"directions": 12})["directions"] == "12"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"level": 3}, "no parameter 'level' .did you mean 'levels'"),
        ({"levels": 9}, "levels runs from 1 to 8, not 9"),
        ({"levels": 2.5}, "whole number"),
        ({"levels": "3"}, "is a number, not '3'"),
        ({"levels": True}, "is a number, not True"),
        ({"sharp": -1}, "sharp runs from 0 up"),
        ({"sharp": float("nan")}, "finite"),
        ({"rule": "strongg"}, "one of strong, weak, not 'strongg' .did you mean 'strong'"),
    ],
)
def test_wrong_parameters_are_refused_in_words(toy, params, words):
    with pytest.raises(ParameterError, match=words):
        toy(STACK, **params)


@pytest.mark.parametrize("bad", [STACK[0], STACK.astype(float), STACK[:0]])
def test_only_a_float32_stack_is_fused(toy, bad):
    with pytest.raises(ParameterError, match="float32 stack of shape"):
        toy(bad)


def test_one_source_is_its_own_fusion(toy):
    source = np.full((1, 1, 4, 4), 0.25, np.float32)
    assert np.array_equal(toy(source), source)


def test_a_name_is_registered_once(toy):
    with pytest.raises(ParameterError, match="already"):
        method("toy", title="", cite="")(lambda sources: sources)


def test_lookup_suggests_the_nearest_name():
    with pytest.raises(ParameterError, match="did you mean 'dtcwt'"):
        lookup("DTCWT")
    with pytest.raises(ParameterError, match="did you mean 'laplacian'"):
        lookup("laplacien")


def test_every_method_says_what_it_is():
    names = [m.name for m in methods()]
    assert {"average", "maximum", "laplacian"} <= set(names)
    for m in methods():
        assert lookup(m.name) is m
        assert m.title
        assert m.cite
        assert m.doc
        assert all(parameter.help for parameter in m.parameters)


def test_a_large_file_is_hashed_without_holding_it(tmp_path):
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    (digest,) = lookup("cnn").digests({"network": str(path), "device": "cpu"}).values()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert digest == hashlib.sha256(bytes(64 << 20)).hexdigest()
    assert peak < 1 << 20


def test_a_network_given_as_a_method_is_told_its_place():
    with pytest.raises(ParameterError, match=r"mine\.safetensors is a network, and no method"):
        lookup("networks/mine.safetensors")
