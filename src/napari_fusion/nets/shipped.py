"""The networks that come with the package, each pinned by the SHA-256 of its file."""

SHIPPED: dict[str, str] = {
    "dense": "6227ab0e75e38181507b4bd57a98982bd6873980f18132d66b2298a6de807be3",
    "pruned": "fa5b0b01a6a647515b59932f82992ad849ec6d21387d3e74ce6076695cf0bbd5",
}
