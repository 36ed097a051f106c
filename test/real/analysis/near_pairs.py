"""Holds `near_pairs` of the notebook, whose path is given, against a comparison of all pairs; prints how many it found."""

import json
import sys

import numpy as np
import pandas as pd

cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
source = "".join(next(cell for cell in cells if cell["id"] == "duplicates")["source"])
notebook = {"np": np, "pd": pd, "MAX_PAIRS_OF_A_STEP": 5_000_000}
exec(source[source.index("def bits_set") : source.index("def groups_of")], notebook)

random = np.random.default_rng(int(sys.argv[2]))
hashes = random.integers(0, 1 << 64, size=800, dtype=np.uint64)
copies = hashes[:600].copy()
for at in range(len(copies)):
    for bit in random.choice(64, size=random.integers(1, 10), replace=False):
        copies[at] ^= np.uint64(1) << np.uint64(bit)
hashes = np.unique(np.concatenate([hashes, copies]))
distances = np.array([[bin(int(a ^ b)).count("1") for b in hashes] for a in hashes])

found = {}
for bits in range(8):
    expected = {(int(i), int(j)) for i, j in zip(*np.where(distances <= bits)) if i < j}
    pairs = {(i, j) for i, j in notebook["near_pairs"](hashes, bits).tolist()}
    assert pairs == expected, f"{bits} bits: {len(expected - pairs)} missed, {len(pairs - expected)} too many"
    found[bits] = len(pairs)

# A crowd in one band: what is compared stays bounded, and nothing wrong is found.
notebook["MAX_PAIRS_OF_A_STEP"] = 1000
crowd = np.unique(hashes & np.uint64(0xFFFFFFFFFFFF0000))
pairs = notebook["near_pairs"](crowd, 7)
assert all(bin(int(crowd[i] ^ crowd[j])).count("1") <= 7 for i, j in pairs.tolist())
print(json.dumps(found))
