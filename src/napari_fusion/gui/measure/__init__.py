"""Regions of interest on layers, measured on each source's own grid."""
