"""The shell names every method, its parameters and what it may hide."""

import json

import pytest

from napari_fusion.fusion import lookup, methods


def test_every_method_has_its_line(shell):
    code, out, _ = shell("methods")
    assert code == 0
    lines = {line.split("  ")[0].strip(): line for line in out.splitlines() if "  " in line}
    for method in methods():
        assert method.title in lines[method.name]
        assert lines[method.name].endswith("▲") == bool(method.caution)


@pytest.mark.parametrize("method", methods(), ids=lambda m: m.name)
def test_one_method_is_told_in_full(shell, method):
    code, out, _ = shell("methods", method.name)
    assert code == 0
    assert method.cite in out
    assert method.caution[1:] in out
    assert method.doc.splitlines()[0] in out
    for one in method.parameters:
        assert f"  {one.name}={one.default}" in out
        assert all(choice in out for choice in one.choices)


def test_machines_get_the_ranges(shell):
    code, out, _ = shell("methods", "guided", "--json")
    (told,) = json.loads(out)["methods"]
    assert code == 0
    assert told["caution"] == lookup("guided").caution
    assert [p["name"] for p in told["parameters"]] == [p.name for p in lookup("guided").parameters]
    assert told["parameters"][0]["minimum"] == lookup("guided").parameters[0].minimum


def test_the_nearest_name_is_suggested(shell):
    code, _, err = shell("methods", "laplace")
    assert code == 1
    assert "did you mean 'laplacian'" in err
