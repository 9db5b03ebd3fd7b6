"""Carry a recipe out on every case, each in a process of its own."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_fusion import fusion
from napari_fusion.batch.alone import alone
from napari_fusion.batch.child import Child
from napari_fusion.batch.kept import asked, kept, remember
from napari_fusion.batch.page import write_page
from napari_fusion.batch.row import FAILED, Row, write_rows
from napari_fusion.batch.table import (
    CASES,
    PAGE,
    REQUEST,
    RESULTS,
    Case,
    check_names,
    read_table,
)
from napari_fusion.errors import ParameterError, Progress, expect, silent
from napari_fusion.export import NOTICE, check_folder, left_as_it_was, prepared, versions
from napari_fusion.io.atomic import write_json
from napari_fusion.io.plain import place_of
from napari_fusion.recipe import Recipe

_TICK_S = 0.1


def run_table(
    table: str | os.PathLike[str] | Sequence[Case],
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    options: Sequence[str] = (),
    jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[Row, ...]:
    """Do with every case of a table what ``napari-fusion run`` does with one.

    A case that fails, or whose registration does not pass, is one line of the result and hinders no
    other; each runs in a process of its own, so that not even a crash does. A case whose files and
    request are those of an earlier run is kept, so that the same call again goes on where it was
    stopped.

    Parameters
    ----------
    table
        A CSV file as `read_table` takes it, or cases.
    out
        A folder. Gets a folder for each case, with what `export_outcome` writes; ``cases.csv``, a
        line for each; ``cases.html``, a page of their pictures; and ``request.json``, from which a
        case can be repeated.
    recipe
        What to do; its defaults when None.
    options
        More options of ``napari-fusion run``, for all cases, such as ``("--rectify",)``.
    jobs
        How many cases run at a time. Each takes the memory of its own volumes.
    progress
        Called with 0 to 1 and a few words, ten times a second; may raise `Cancelled`, which ends
        what runs and keeps what is done.

    Returns
    -------
    tuple of Row
        In the order of the table.

    Raises
    ------
    ReadError, ParameterError
        As for `read_table`; `out` is no path; no method or network as the recipe names it; no job.
    WriteError
        The folder cannot be written to, another cohort is at work in it, or the table there is
        called as a result is.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> case = Case("one", pathlib.Path("no.nii"), (pathlib.Path("none.nii"),))
    >>> run_table([case], tempfile.mkdtemp())[0].status
    'failed'
    """
    recipe = Recipe() if recipe is None else recipe
    expect(Recipe, recipe=recipe)
    expect(int, jobs=jobs)
    if jobs < 1:
        raise ParameterError(f"{jobs} jobs do nothing: give 1 or more")
    place = place_of(out, "out")
    cases = _cases(table)
    method = fusion.lookup(recipe.method)
    request = {
        "notice": NOTICE,
        "recipe": recipe.model_dump(mode="json"),
        "files": method.digests(method.resolve(recipe.params)),
        "options": list(options),
        "versions": versions(),
    }
    if isinstance(table, str | os.PathLike):
        check_folder(place, [Path(table)], "|".join(map(re.escape, RESULTS)))
    with left_as_it_was(place):
        folder = prepared(place).absolute()
        work = _Work(folder, request, recipe.metrics)
        with alone(folder):
            write_json(folder / REQUEST, request)
            work.carry_out(cases, jobs, progress or silent)
    return work.rows(cases)


def _cases(table: str | os.PathLike[str] | Sequence[Case]) -> tuple[Case, ...]:
    if isinstance(table, str | os.PathLike):
        return read_table(table)
    expect(Sequence, table=table)
    check_names(table)
    return tuple(table)


class _Work:
    """The cases that are done and those that run."""

    def __init__(self, folder: Path, request: Mapping[str, Any], metrics: Sequence[str]) -> None:
        self.folder, self.request, self.metrics = folder, request, metrics
        self.done: dict[str, Row] = {}

    def carry_out(self, cases: Sequence[Case], jobs: int, progress: Progress) -> None:
        """Run cases, some at a time, and write the table whenever one is done."""
        waiting, running = list(cases), list[tuple[Case, str, Child]]()
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    self._begin(waiting.pop(0), running)
                ended = [entry for entry in running if entry[2].ended]
                for entry in ended:
                    running.remove(entry)
                    self._end(*entry)
                if ended or not waiting:
                    self._write(self.rows(cases))
                bad = sum(row.status == FAILED for row in self.done.values())
                share = len(self.done) / max(len(cases), 1)
                progress(share, f"{len(self.done)} of {len(cases)} cases, {bad} failed")
                if running and not ended:
                    time.sleep(_TICK_S)
        finally:
            for _, _, child in running:
                child.stop()

    def rows(self, cases: Sequence[Case]) -> tuple[Row, ...]:
        """Give the rows there are, in the order of the cases."""
        return tuple(self.done[case.name] for case in cases if case.name in self.done)

    def _write(self, rows: Sequence[Row]) -> None:
        write_rows(rows, self.folder / CASES, self.metrics)
        write_page(rows, self.folder / PAGE)

    def _begin(self, case: Case, running: list[tuple[Case, str, Child]]) -> None:
        """Take what an earlier run left of the same request, or start the case."""
        place = self.folder / case.name
        wanted = asked(case, self.request)
        known = kept(place, wanted)
        if known is not None:
            self.done[case.name] = known
            return
        child = Child(case, place, self.folder / REQUEST, self.request["options"])
        running.append((case, wanted, child))

    def _end(self, case: Case, wanted: str, child: Child) -> None:
        place = self.folder / case.name
        row, told = child.result()
        if told is not None:
            remember(place, wanted, told)
        self.done[case.name] = row
