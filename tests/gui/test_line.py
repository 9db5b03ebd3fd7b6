"""The line of Python that repeats a click."""

import re
from pathlib import Path

import pytest

import napari_fusion.gui as gui
from napari_fusion.gui.line import line_of, unless_usual

SOURCE = Path(gui.__file__).parent
VERBS = {
    verb
    for path in SOURCE.rglob("*.py")
    for verb in re.findall(r'line_of\(\s*(?:\*\()?"(\w+)"', path.read_text("utf-8"))
}


def test_what_is_none_goes_unsaid():
    line = line_of("set_palette", "head 'PET'", "hot iron", clear_below=None, share=0.5)
    call = """set_palette(viewer, "head 'PET'", 'hot iron', share=0.5)"""
    assert line == f"from napari_fusion.gui import set_palette; {call}"


def test_a_verb_may_need_the_viewer_alone():
    assert line_of("measure_layers").endswith("; measure_layers(viewer)")


def test_every_verb_of_a_click_is_public():
    assert len(VERBS) > 8
    assert set(gui.__all__) >= VERBS


@pytest.mark.parametrize(("accept", "said"), [("PASS", "PASS"), ("CHECK", None), ("FAIL", "FAIL")])
def test_the_usual_verdict_goes_without_saying(accept, said):
    assert unless_usual(accept) == said
