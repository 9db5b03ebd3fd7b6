"""Aligning layers: by one button, by hand, by landmarks."""
