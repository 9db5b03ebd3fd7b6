"""Methods that look at one pixel at a time."""

from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, each_slice, presence, strongest
from napari_fusion.slab import Stack


@method("average", title="Average", cite="Pixel mean; baseline of every comparison")
def average(sources: Stack) -> Stack:
    r"""Mix all sources equally.

    :math:`p_j = w_j s_j`, :math:`w_j = 1/k`, except that a source whose whole slice is empty
    counts for nothing and does not dim the others (see `rules.presence`). A structure that
    only one of k sources shows keeps 1/k of its contrast.
    """
    return each_slice(_average, sources)


@method(
    "maximum",
    title="Maximum",
    cite="Pixel maximum; baseline of every comparison",
    caution="the maximum hides whatever is darker than another source at the same place",
)
def maximum(sources: Stack) -> Stack:
    r"""Take the brightest source at every pixel.

    :math:`p_j = [s_j = \max_i s_i]\, s_j`, shared where sources tie.
    """
    return each_slice(_maximum, sources)


def _average(planes: Planes) -> Planes:
    return planes * presence(planes)


def _maximum(planes: Planes) -> Planes:
    return planes * strongest(planes)
