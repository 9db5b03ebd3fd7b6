"""Axial, coronal and sagittal at once, and a turning projection: one point, one scale."""
