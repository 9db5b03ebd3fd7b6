"""The fused slice on screen, before the whole volume is fused."""
