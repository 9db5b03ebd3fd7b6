"""The networks that come with the package, each pinned by the SHA-256 of its file."""

SHIPPED: dict[str, str] = {
    "dense": "f196520d9386d9c3c004c67f6fc7ba40f4ef1b9ce0091d403cbffbedb0e16040",
    "pruned": "1ce9f2692417adfa491dc5e1f3910659beed0603f24571cf68d4f92afa49e00a",
}
