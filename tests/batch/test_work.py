"""Cases in processes of their own: one failure is one row, and nothing is done twice."""

import csv
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from napari_fusion import (
    Cancelled,
    ParameterError,
    Recipe,
    WriteError,
    phantom,
    run,
    run_table,
    save,
)
from napari_fusion.batch import Case
from napari_fusion.batch.child import Child
from napari_fusion.export import digest

AS_THEY_LIE = Recipe(align=None, method="average")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    ct = phantom.head("CT", phantom.default_grid("CT", 8.0))
    mr = phantom.head("T1", ct.grid)
    return save(ct, folder / "ct.nii.gz"), save(mr, folder / "mr.nii.gz")


def lines(out: Path) -> list[dict[str, str]]:
    with (out / "cases.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_failure_is_one_row(pair, tmp_path):
    ct, mr = pair
    cases = [Case("good", ct, (mr,)), Case("gone", ct, (tmp_path / "no.nii",)), Case("b", ct, pair)]
    rows = run_table(cases, tmp_path / "out", AS_THEY_LIE, jobs=2)
    assert [row.status for row in rows] == ["done", "failed", "done"]
    assert rows[1].sentence == "no.nii does not exist"
    told = lines(tmp_path / "out")
    assert [row["case"] for row in told] == ["good", "gone", "b"]
    assert float(told[0]["q_abf"]) == rows[0].metrics["q_abf"]
    assert told[1]["verdict"] == ""
    assert (tmp_path / "out/b/moving_2_on_fixed.nii.gz").exists()
    assert not (tmp_path / "out/gone").exists()


def test_a_case_is_what_run_makes_of_it(pair, tmp_path):
    from napari_fusion import load

    ct, mr = pair
    run_table([Case("one", ct, (mr,))], tmp_path, AS_THEY_LIE)
    record = json.loads((tmp_path / "one/record.json").read_text())
    alone = run(AS_THEY_LIE, load(ct), load(mr))
    assert record["fused"]["array_sha256"] == digest(alone.fused)
    request = json.loads((tmp_path / "request.json").read_text())
    assert "Not a medical device" in request["notice"]
    assert Recipe.model_validate(request["recipe"]) == AS_THEY_LIE


def test_the_same_again_keeps_what_is_done(pair, tmp_path):
    ct, mr = pair
    cases = [Case("one", ct, (mr,))]

    def status(recipe=AS_THEY_LIE) -> str:
        return run_table(cases, tmp_path, recipe)[0].status

    assert status() == "done"
    assert status() == "kept"
    assert lines(tmp_path)[0]["verdict"] == "CHECK"
    assert status(AS_THEY_LIE.model_copy(update={"method": "maximum"})) == "done"
    assert status() == "done"  # another request lies between
    os.utime(mr)
    assert status() == "done"
    record = tmp_path / "one/record.json"
    record.write_text(record.read_text() + "\n")  # not what the case wrote
    assert status() == "done"
    (tmp_path / "one/case.json").write_text("[]")
    assert status() == "done"
    (tmp_path / "one/fused.nii.gz").unlink()
    assert status() == "done"
    assert status() == "kept"


def test_a_line_may_give_its_own_transform(pair, tmp_path):
    from napari_fusion import Alignment, load

    ct, mr = pair
    there = Alignment.identity(load(ct).grid, load(mr).grid)
    place = tmp_path / "t.tfm"
    there.moved(translation=(8.0, 0, 0)).save(place)
    cases = [Case("one", ct, (mr,), alignments=(place,))]
    rows = run_table(cases, tmp_path / "out", AS_THEY_LIE)
    used = Alignment.load(tmp_path / "out/one/alignment.tfm")
    assert used.matrix[0, 3] == pytest.approx(8.0)
    assert rows[0].status == "done"
    there.moved(translation=(16.0, 0, 0)).save(place)
    assert run_table(cases, tmp_path / "out", AS_THEY_LIE)[0].status == "done"  # not kept
    unknown = [Case("two", ct, (mr,), series=("1.2.3",))]
    (row,) = run_table(unknown, tmp_path / "out", AS_THEY_LIE)
    assert row.status == "failed"
    assert "1.2.3" in row.sentence


def test_the_page_shows_each_case_under_its_verdict(pair, tmp_path):
    ct, mr = pair
    cases = [Case("a b", ct, (mr,)), Case("gone", ct, (tmp_path / "<no>.nii",))]
    run_table(cases, tmp_path, AS_THEY_LIE)
    page = (tmp_path / "cases.html").read_text(encoding="utf-8")
    assert "2 cases: 1 CHECK, 1 failed" in page
    assert "Not a medical device" in page
    assert 'src="a%20b/montage.png"' in page
    assert "&lt;no&gt;.nii does not exist" in page
    assert page.count("<img") == 1


def test_results_of_another_request_are_told_of(pair, tmp_path):
    mr = tmp_path / "mr.nii.gz"
    mr.write_bytes(pair[1].read_bytes())
    cases = [Case("one", pair[0], (mr,))]
    run_table(cases, tmp_path, AS_THEY_LIE)
    mr.write_bytes(b"no volume")
    row = run_table(cases, tmp_path, AS_THEY_LIE)[0]
    assert row.status == "failed"
    assert "results of an earlier request" in row.sentence


def test_a_cancel_ends_what_runs_and_keeps_what_is_done(pair, tmp_path):
    ct, mr = pair

    def progress(share: float, words: str) -> None:
        if share >= 0.5:
            raise Cancelled

    cases = [Case("one", ct, (mr,)), Case("two", ct, (mr,))]
    with pytest.raises(Cancelled):
        run_table(cases, tmp_path, AS_THEY_LIE, progress=progress)
    assert [row["case"] for row in lines(tmp_path)] == ["one"]
    assert not list(tmp_path.glob("two/*"))


@pytest.mark.skipif(os.name != "posix", reason="Windows locks no folder")
def test_two_cohorts_do_not_work_in_one_folder(pair, tmp_path):
    ct, mr = pair
    refused = []

    def progress(share: float, words: str) -> None:
        if not refused:
            with pytest.raises(WriteError, match="another cohort is at work in") as caught:
                run_table([Case("two", ct, (mr,))], tmp_path, Recipe(align=None, method="maximum"))
            refused.append(caught)

    run_table([Case("one", ct, (mr,))], tmp_path, AS_THEY_LIE, progress=progress)
    request = json.loads((tmp_path / "request.json").read_text())
    assert request["recipe"]["method"] == "average"
    rows = run_table([Case("one", ct, (mr,))], tmp_path, AS_THEY_LIE)  # free again
    assert (rows[0].status, len(refused)) == ("kept", 1)


@pytest.mark.skipif(os.name != "posix", reason="signals end processes in another way")
def test_a_crash_is_a_sentence(pair, tmp_path):
    ct, mr = pair
    child = Child(Case("one", ct, (mr,)), tmp_path / "one", tmp_path / "none.json", [])
    child._process.send_signal(signal.SIGKILL)
    child._process.wait()
    row, told = child.result()
    assert (row.status, told) == ("failed", None)
    assert row.sentence == "its process was ended by signal 9: perhaps memory ran out"


@pytest.mark.skipif(os.name != "posix", reason="signals end processes in another way")
def test_a_case_ends_where_ctrl_c_is_ignored_as_in_a_job_of_a_script(pair, tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # children inherit it
    try:
        child = Child(Case("one", pair[0], (pair[1],)), tmp_path / "one", tmp_path / "r.json", [])
        child._process.send_signal(signal.SIGSTOP)  # it cannot end by itself meanwhile
        asked = time.monotonic()
        threading.Timer(0.2, child._process.send_signal, [signal.SIGCONT]).start()
        child.stop()
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - asked < 5
    assert child._process.returncode in {130, -signal.SIGTERM}


def test_a_table_is_not_written_over(pair, tmp_path):
    table = tmp_path / "cases.csv"
    table.write_text(text := f"case,fixed,moving\none,{pair[0]},{pair[1]}\n")
    with pytest.raises(WriteError, match="is one of the inputs and would be written over"):
        run_table(table, tmp_path, AS_THEY_LIE)
    assert table.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["cases.csv"]


def test_what_no_case_can_do_is_refused_at_once(pair, tmp_path):
    ct, mr = pair
    cases = [Case("one", ct, (mr,))]
    for recipe, words in (
        (Recipe(method="no such"), "no such"),
        (Recipe(method="cnn", params={"network": str(tmp_path / "no.safetensors")}), "network"),
    ):
        with pytest.raises(ParameterError, match=words):
            run_table(cases, tmp_path / "out", recipe)
    with pytest.raises(ParameterError, match="0 jobs"):
        run_table(cases, tmp_path / "out", jobs=0)
    with pytest.raises(ParameterError, match="is taken"):
        run_table([*cases, *cases], tmp_path / "out")
    assert not (tmp_path / "out").exists()
