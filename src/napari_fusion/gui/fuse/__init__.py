"""The slices on screen fused at once, and what changed between two dates."""
