"""The networks that come with the package, each pinned by the SHA-256 of its file."""

SHIPPED: dict[str, str] = {
    "dense": "254f67853a0817b3093a79575a092fe42dac0daa5869b00f01d2c590b28f6e43",
    "pruned": "e4c302cb4b90498e1253fc59ec7d334b4b4d15ba007ad5ec728840c81f80809a",
}
