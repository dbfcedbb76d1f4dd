#!/usr/bin/env python3
"""Statistics over runs in numpy, drawn as src/train/aggregate.c draws: the numbers of
tests/train/aggregate_test.cc.

  aggregate_reference.py     prints the test's cases"""
import numpy as np

RESAMPLES, BOOTSTRAP = 2000, 24
MASK = 0xFFFFFFFF
CASES = {"OneTask": [[-148.2, -151.9, -139.4, -163.0, -145.5, -150.1, -147.7, -155.3]],
         "FiveSeeds": [[9.1, 3.5, 8.8, -2.0, 7.25]],
         "TwoTasks": [[0.2, 0.9, 0.4, 0.55, 0.71], [1.4, 0.8, 1.9]]}


def philox(counter, key):
    """The four words of Philox4x32-10."""
    c, k = list(counter), [key & MASK, key >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def index(step, row, count):
    """A uniform index in [0, count) by Lemire's method, key 0."""
    block = 0
    while True:
        for word in philox([block, row, step, BOOTSTRAP], 0):
            product = word * count
            low = product & MASK
            if low >= count or low >= (2**32 - count) % count:
                return product >> 32
        block += 1


def iqm(values):
    quarter = len(values) // 4
    return np.mean(np.sort(values)[quarter:len(values) - quarter])


def main():
    statistics = {"mean": np.mean, "median": np.median, "iqm": iqm}
    for name, strata in CASES.items():
        values, first = np.concatenate(strata), np.cumsum([0] + [len(s) for s in strata])
        resampled = []
        for step in range(RESAMPLES):
            drawn = [first[s] + index(step, int(first[s]) + i, len(stratum))
                     for s, stratum in enumerate(strata) for i in range(len(stratum))]
            resampled.append(values[drawn])
        print(f"TEST(Aggregate, {name}) {{")
        print(f"  sac_aggregate out = aggregate({{{', '.join(map(repr, values.tolist()))}}},"
              f" {{{', '.join(str(len(s)) for s in strata)}}});")
        for key, f in statistics.items():
            low, high = np.percentile([f(x) for x in resampled], [2.5, 97.5])
            print(f"  expect_near(out.{key}, {float(f(values))!r}, {float(low)!r},"
                  f" {float(high)!r});")
        print("}\n")


if __name__ == "__main__":
    main()
