"""The program's random draws in numpy, from the published generator alone: Philox4x32-10 (Salmon et
al., SC11), unbiased indices (Lemire 2019), subsets (Knuth's algorithm S) and dropout masks."""
import numpy as np

SUBSET = 8
DROP_NOW, DROP_NEXT, DROP_ACTION, DROP_VALUE, DROP_VALUE_NEXT = range(17, 22)


def philox(counter, key):
    """Words (4, ...) of the counters (4, ...), all unsigned 32-bit, for a 64-bit key."""
    c = [np.asarray(word, np.uint64) for word in counter]
    k0, k1, low = key & 0xFFFFFFFF, key >> 32, np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & low,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def draw(key, purpose, step, row, block):
    """The four words at (purpose, step, row, block)."""
    row, block = np.broadcast_arrays(np.asarray(row), np.asarray(block))
    top = purpose | (step >> 32) << 8
    return philox([block, row, np.full(row.shape, step & 0xFFFFFFFF), np.full(row.shape, top)], key)


def index(key, purpose, step, row, count):
    """A uniform index below `count`: words are tried in order until one is accepted."""
    for block in range(1000):
        for word in draw(key, purpose, step, row, block):
            product = int(word) * count
            if product & 0xFFFFFFFF >= (1 << 32) % count:
                return product >> 32
    raise RuntimeError("no index was accepted")


def subset(key, step, count, wanted):
    """Which `wanted` of `count` critics the target of update `step` takes."""
    taken = []
    for k in range(count):
        if index(key, SUBSET, step, k, count - k) < wanted - len(taken):
            taken.append(k)
    return taken


def mask(key, purpose, step, place, shape, share):
    """What dropout multiplies the units of a layer with: (rows, units). `place` is (network,
    layer)."""
    rows, units = shape
    blocks = (place[0] * 8 + place[1]) * 2048 + np.arange((units + 3) // 4)
    words = draw(key, purpose, step, np.arange(rows)[:, None], blocks[None, :])
    words = np.stack(words, axis=2).reshape(rows, -1)[:, :units]
    return np.where(words < np.floor(share * 2.0**32), 0.0, 1 / (1 - share))
