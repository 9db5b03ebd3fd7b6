"""The networks that come with the package, each pinned by the SHA-256 of its file."""

SHIPPED: dict[str, str] = {
    "dense": "1a56ef3a390a5dbc2fcc858b6e65faf72eb3456aa6c4afef397524bcc644ce6b",
    "pruned": "146382af667dc58e200f73016a2cdff96d90ec220dfca047ce72b215e0b65c3f",
}
