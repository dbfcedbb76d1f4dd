// The backend's life: choice of the instruction set, memory, errors.
#include "ops/fixture.h"

using namespace sac_test;

namespace {

TEST(Cpu, AnUnknownInstructionSetIsAnErrorThatNamesTheChoices) {
  Device device({"avx51", 1});
  ASSERT_EQ(nullptr, device.backend);
  EXPECT_EQ(SAC_FAILED, device.error.code);
  std::string text = device.error.text;
  EXPECT_NE(std::string::npos, text.find("SAC_SIMD is 'avx51'")) << text;
  EXPECT_NE(std::string::npos, text.find("portable, avx2, avx512")) << text;
  EXPECT_NE(std::string::npos, text.find("did you mean 'avx512'")) << text;
}

TEST(Cpu, PortableRunsEverywhereAndSaysSo) {
  Device device({"portable", 2});
  ASSERT_NE(nullptr, device.backend);
  EXPECT_STREQ("cpu portable, 2 threads", device.ops()->describe(device.backend));
  EXPECT_STREQ("cpu", device.ops()->device);
  EXPECT_EQ(sizeof(sac_ops), device.ops()->size);
}

TEST(Cpu, MemoryIsAlignedZeroedAndRefusedWhenThereIsNone) {
  Device device({"portable", 1});
  for (size_t bytes : {(size_t)0, (size_t)1, (size_t)100, (size_t)10000000}) {
    void *memory = nullptr;
    ASSERT_EQ(SAC_OK, device.ops()->alloc(device.backend, bytes, &memory, nullptr));
    ASSERT_EQ(0u, (uintptr_t)memory % 64);
    for (size_t i = 0; i < bytes; i += 997) ASSERT_EQ(0, ((char *)memory)[i]);
    if (bytes) std::memset(memory, 1, bytes);
    device.ops()->release(device.backend, memory);
  }
  device.ops()->release(device.backend, nullptr);
  void *memory = nullptr;
  sac_error error;
  EXPECT_EQ(SAC_FAILED, device.ops()->alloc(device.backend, SIZE_MAX - 5, &memory, &error));
  EXPECT_EQ(SAC_FAILED, device.ops()->alloc(device.backend, SIZE_MAX / 4, &memory, &error));
  EXPECT_NE(std::string::npos, std::string(error.text).find(std::to_string(SIZE_MAX / 4)))
      << error.text;
}

TEST(Cpu, CopiesMoveBytesBothWays) {
  Device device({"portable", 1});
  const char text[] = "maximum entropy";
  char there[32] = {0}, back[32] = {0};
  device.ops()->upload(device.backend, there, text, sizeof text);
  device.ops()->copy(device.backend, there + 1, there, sizeof text);
  device.ops()->download(device.backend, back, there + 1, sizeof text);
  EXPECT_STREQ(text, back);
  EXPECT_EQ(SAC_OK, device.ops()->sync(device.backend, nullptr));
  EXPECT_EQ(SAC_OK, device.ops()->reserve(device.backend, 2, 256, 23, 256, nullptr));
}

TEST(Cpu, MeasuredPeakIsPlausible) {
  Device device({"portable", 1});
  double peak = device.ops()->peak_gflops(device.backend);
  EXPECT_GT(peak, 0.1);
  EXPECT_LT(peak, 1000);
}

}  // namespace
