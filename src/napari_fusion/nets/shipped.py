"""The networks that come with the package, each pinned by the SHA-256 of its file."""

SHIPPED: dict[str, str] = {
    "dense": "57731864386197cdb7003fabffe0f56ebfa8cdc6cb7d0b23a63b32b654fce20f",
    "pruned": "aeafac7062b708d2ed0aba5f97aaceae3488dfce76e7762ad3b78093d1627a92",
}
