// Numbers recorded from NumPy 2.4.
#include <gtest/gtest.h>

#include <cstring>

extern "C" {
#include "env/numpy_random.h"
}

namespace {

struct Recorded {
  uint64_t seed;
  double uniform[3], normal[3];
  uint64_t mark;  // of the bits of the first 100,000 normals
};

const Recorded kRecorded[] = {
    {0ull,
     {0x1.c0cbca647ced0p-6, -0x1.792e736320f47p-5, -0x1.7808d4489d6d2p-4},
     {0x1.017ed89db8441p-3, -0x1.0e8cfe9bd45ccp-3, 0x1.47e57a468b06dp-1},
     0x1c292217d1da4434ull},
    {1ull,
     {0x1.35e59496dac00p-9, 0x1.7105158c043bcp-4, -0x1.2381235316a62p-4},
     {0x1.61e0d28bbb3a1p-2, 0x1.a4ab22204681fp-1, 0x1.525e18ce5fc0ap-2},
     0x42310d11926ba1abull},
    {42ull,
     {0x1.c0d97eba2bd40p-5, -0x1.9090f63c0b010p-7, 0x1.25c36f3afc536p-4},
     {0x1.3807c1104fc6bp-2, -0x1.0a3c65fca9a7ep+0, 0x1.803b239e77350p-1},
     0xbdfe20c72bdd1535ull},
    {4294967296ull,
     {0x1.3f4626081226ap-4, 0x1.7675bdb304fc0p-7, 0x1.ed01ffcebd25cp-5},
     {0x1.a5c170234e89ep-4, -0x1.f607a848d4287p-1, -0x1.a28c84dd75dedp-1},
     0x7cbd8b463a0d4fb4ull},
    {18446744073709551615ull,
     {0x1.26f4a976b4fb8p-5, 0x1.1ae11fdfd71a0p-4, -0x1.93890faeda5d7p-4},
     {0x1.715303191d87bp-1, -0x1.f10c32096a2bdp-1, 0x1.1b8d40660f8bfp-4},
     0xe4764f70f7ea66d5ull},
};

TEST(NumpyRandom, UniformsAreNumpys) {
  for (const Recorded &recorded : kRecorded) {
    sac_numpy_random random;
    sac_numpy_random_init(&random, recorded.seed);
    for (double expected : recorded.uniform)
      EXPECT_EQ(sac_numpy_random_uniform(&random, -0.1, 0.1), expected) << recorded.seed;
  }
}

// a hundred thousand draws pass through every strip and the tail
TEST(NumpyRandom, NormalsAreNumpys) {
  for (const Recorded &recorded : kRecorded) {
    sac_numpy_random random;
    sac_numpy_random_init(&random, recorded.seed);
    uint64_t mark = 0;
    for (uint64_t i = 0; i < 100000; i++) {
      double value = sac_numpy_random_normal(&random);
      if (i < 3) {
        EXPECT_EQ(value, recorded.normal[i]) << recorded.seed;
      }
      uint64_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      mark ^= bits * (2 * i + 3);
    }
    EXPECT_EQ(mark, recorded.mark) << recorded.seed;
  }
}

TEST(NumpyRandom, CopiedBytesGoOnAlike) {
  sac_numpy_random random;
  sac_numpy_random_init(&random, 5);
  for (int i = 0; i < 10; i++) sac_numpy_random_normal(&random);
  sac_numpy_random copy = random;
  for (int i = 0; i < 100; i++)
    EXPECT_EQ(sac_numpy_random_double(&random), sac_numpy_random_double(&copy));
}

}  // namespace
