"""The networks that come with the package, each pinned by the SHA-256 of its file."""

SHIPPED: dict[str, str] = {}
