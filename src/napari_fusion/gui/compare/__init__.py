"""Two layers compared: blend, swipe, checkerboard, edges, lens and their kin."""
