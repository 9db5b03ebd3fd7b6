"""Selection by phase congruency: an edge counts for being one, not for being strong."""

from napari_fusion.fusion.pyramid import Levels, mixed
from napari_fusion.fusion.registry import method
from napari_fusion.fusion.rules import Planes, each_slice, select
from napari_fusion.slab import Stack


@method(
    "phase",
    title="Phase congruency",
    cite="Zhu et al. 2019, doi:10.1109/ACCESS.2019.2898111; Kovesi 1999",
)
def phase(sources: Stack, *, levels: Levels = 4) -> Stack:
    r"""Keep the detail whose phases agree, and the base that is more structured.

    :math:`p_j = \sum_l \uparrow^l (m_j^l D_j^l) + \uparrow^L (m_j^L B_j)`, :math:`m_j^l = 1` where
    source j has the largest :math:`(P + 0.1)\,E` of its detail: phase congruency, which noise and
    texture lack, times the energy in a 3 × 3 window. The base goes by its modified Laplacian. In
    a Laplacian pyramid; the paper has contourlets.

    Parameters
    ----------
    levels
        Number of detail bands; the coarsest covers about ``2**levels`` pixels.
    """
    return each_slice(_phase, sources, levels)


def _phase(planes: Planes, levels: int) -> Planes:
    return mixed(
        planes, levels, lambda bands, _: select(bands, "phase"), lambda base: select(base, "sml")
    )
