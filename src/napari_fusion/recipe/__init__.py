"""A request in writing, and the one function that carries it out."""

from napari_fusion.recipe.admission import in_suv
from napari_fusion.recipe.carry_out import run
from napari_fusion.recipe.dates import changed
from napari_fusion.recipe.outcome import Outcome
from napari_fusion.recipe.request import Recipe

__all__ = ["Outcome", "Recipe", "changed", "in_suv", "run"]
