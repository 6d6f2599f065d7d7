"""Seeds and addresses: the same on every machine, and dependent only on what they are made from."""

from __future__ import annotations

import hashlib

from datasets.seeding import fingerprint, seed_from


def test_a_fingerprint_is_the_sha256_of_compact_json_in_ascii_with_sorted_keys() -> None:
    content = b'["caf\\u00e9",{"a":1,"b":[2.5,null]}]'
    assert fingerprint("café", {"b": (2.5, None), "a": 1}) == hashlib.sha256(content).hexdigest()


def test_a_seed_is_the_fingerprints_first_63_bits() -> None:
    """The value is fixed here, because other seeds would change the results of every run."""
    assert seed_from("split", "cup", 5) == int(fingerprint("split", "cup", 5)[:16], 16) // 2
    assert seed_from("split", "cup", 5) == 6061696692507967454
    assert max(seed_from(number) for number in range(100)) < 2**63
