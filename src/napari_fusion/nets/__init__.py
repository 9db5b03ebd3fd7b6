"""Small networks that weigh sources: the only room that imports torch, and only when asked."""
