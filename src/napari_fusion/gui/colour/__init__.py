"""Colours of layers: palettes, windows by modality, function over anatomy."""
