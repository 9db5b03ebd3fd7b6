import pytest

from napari_fusion.gui.workspace import FusionWorkspace

INSTALLED = "napari_fusion.gui.steps.align.installed_engines"


@pytest.mark.parametrize("engines", [("own",), ("own", "greedy"), ("own", "greedy", "elastix")])
def test_engines_are_offered_where_there_is_more_than_our_own(engines, qtbot, viewer, monkeypatch):
    monkeypatch.setattr(INSTALLED, lambda: engines)
    step = FusionWorkspace(viewer).align
    qtbot.addWidget(step)
    assert tuple(step.engine.itemData(n) for n in range(step.engine.count())) == engines
    assert (step.form.indexOf(step.engine) >= 0) == (len(engines) > 1)


def test_the_engine_that_was_chosen_is_asked(dock, qtbot, viewer, gate, monkeypatch):
    monkeypatch.setattr("napari_fusion.gui.align.aligning.check_engine", lambda options: None)
    dock.align.engine.addItem("greedy", "greedy")
    dock.align.engine.setCurrentIndex(dock.align.engine.count() - 1)
    dock.align.button.click()
    qtbot.waitUntil(dock.align.button.isEnabled, timeout=60_000)
    assert gate.asked.engine == "greedy"
    assert "model='rigid', engine='greedy'" in dock.keep.code.lines[-1]
    assert viewer.layers[-1].name == "head T1 on head CT"
