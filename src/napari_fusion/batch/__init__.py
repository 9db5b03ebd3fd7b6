"""Many cases by one recipe: a table of files in, a folder and a row for each case out."""

from napari_fusion.batch.row import Row
from napari_fusion.batch.table import Case, read_table
from napari_fusion.batch.work import run_table

__all__ = ["Case", "Row", "read_table", "run_table"]
