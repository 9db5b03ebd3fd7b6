"""Small widgets without a subject of their own."""
