"""The networks that come with the package, each pinned by the SHA-256 of its file."""

SHIPPED: dict[str, str] = {
    "dense": "75521d3e2559430a0c0078bcc484b1988d5ba9500d9580f204ac96f693664dca",
    "pruned": "6b1b9158641d3b81bb69ecbba7c6cf38c87826b5baf54aa78314d9debab80b7c",
}
