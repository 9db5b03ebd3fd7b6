"""A script is played to its end, or says why it was not; a silent half is never called done."""

import time

import pytest

from napari_fusion.errors import FusionError
from napari_fusion.gui.guide import player as playing
from napari_fusion.gui.guide.player import Player


def played(qtbot, script):
    player = Player(script)
    with qtbot.waitSignal(player.ended, timeout=10_000):
        player.start()
    return player.reason


def test_acts_come_in_turn_and_each_waits_for_what_it_asked(qtbot):
    done, ready = [], []

    def script():
        done.append("first")
        yield lambda: bool(ready)
        assert ready
        done.append("second")
        start = time.monotonic()
        yield 0.2
        assert time.monotonic() - start >= 0.2
        done.append("third")

    player = Player(script())
    with qtbot.waitSignal(player.ended, timeout=10_000):
        player.start()
        assert done == ["first"]
        qtbot.wait(100)
        assert done == ["first"]
        ready.append(True)
    assert done == ["first", "second", "third"]
    assert player.reason == ""


def test_a_known_fault_is_the_reason(qtbot):
    def script():
        yield 0.0
        raise FusionError("there is no head")

    assert played(qtbot, script()) == "there is no head"


def test_an_unexpected_fault_is_never_called_done(qtbot):
    def script():
        yield 0.0
        raise ValueError("a bug")

    with qtbot.capture_exceptions() as caught:
        assert "unexpected" in played(qtbot, script())
    assert [kind for kind, _, _ in caught] == [ValueError]


def test_what_never_comes_is_given_up(qtbot, monkeypatch):
    monkeypatch.setattr(playing, "LONGEST_S", 0.2)

    def script():
        yield lambda: False

    assert "not done after" in played(qtbot, script())


def test_a_window_that_closes_early_is_not_done():
    assert Player(iter(())).reason == "the window was closed"


@pytest.mark.parametrize("acts", [0, 3])
def test_an_act_may_run_an_event_loop_itself(qtbot, acts):
    done = []

    def script():
        for _ in range(acts):
            qtbot.wait(150)
            done.append(True)
            yield 0.0

    assert played(qtbot, script()) == ""
    assert len(done) == acts
