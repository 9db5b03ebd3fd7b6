"""Tell patients apart without knowing who they are."""

import hashlib
import os
import re

PLACEHOLDER = re.compile(
    r"[\W_]*|0+|x+|n/?a|none|null|unknown|patient|removed|deleted|"
    r"anon|anonym|anonymous|anonymi[sz]ed|de-?identified",
    re.IGNORECASE,
)
"""What is written into files instead of an ID; files of two people may say it as well as one's."""

_key = os.urandom(32)


def use_key(key: bytes) -> None:
    """Use another process's key, so that its tokens and these can be compared."""
    global _key
    _key = key


def key() -> bytes:
    """Give this process's key, to hand to a worker process and never to a file."""
    return _key


def token(patient_id: str, issuer: str = "") -> str | None:
    """Give a token equal for one patient within this process; None for no ID, or a placeholder."""
    if PLACEHOLDER.fullmatch(patient_id.strip()):
        return None
    words = f"{patient_id.strip()}\0{issuer.strip()}".encode()
    return hashlib.blake2b(words, digest_size=16, key=_key).hexdigest()
