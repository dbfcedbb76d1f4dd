// Which backend a run gets, and sequences: issued by the CPU, recorded and played by CUDA (here the
// kernels on the CPU, tests/shim).
#include "ops/fixture.h"

using namespace sac_test;

namespace {

TEST(Backend, AutoSaysWhyItDoesWithoutCuda) {
  setenv("SAC_CUDA_LIB", "/nowhere/libsac_cuda.so", 1);
  sac_threads *threads = nullptr;
  ASSERT_EQ(SAC_OK, sac_threads_create(1, &threads, nullptr));
  sac_backend_options options = {"auto", SAC_MATMUL_FP32, threads, nullptr};
  sac_backend *backend = nullptr;
  sac_error err = {};
  ASSERT_EQ(SAC_OK, sac_backend_open(&options, &backend, &err));
  EXPECT_STREQ("cpu", backend->ops->device);
  EXPECT_NE('\0', err.text[0]);
  sac_backend_close(backend);
  options.device = "cuda";
  ASSERT_EQ(SAC_FAILED, sac_backend_open(&options, &backend, &err));
  EXPECT_EQ(nullptr, backend);
  EXPECT_NE(nullptr, strstr(err.text, "run.device: cuda cannot be used")) << err.text;
  options.device = "cpu";
  ASSERT_EQ(SAC_OK, sac_backend_open(&options, &backend, &err));
  EXPECT_STREQ("", err.text);
  sac_backend_close(backend);
  sac_threads_destroy(threads);
}

TEST(Backend, TheGetterRefusesAnotherVersionSizeOrBuild) {
  UseCuda use(true);
  void *library = dlopen(getenv("SAC_CUDA_LIB"), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(nullptr, library) << dlerror();
  auto *getter = reinterpret_cast<sac_cuda_getter *>(dlsym(library, SAC_CUDA_GETTER));
  ASSERT_NE(nullptr, getter);
  char why[512] = "";
  EXPECT_EQ(nullptr, getter(SAC_BACKEND_VERSION + 1, sizeof(sac_ops), "x", why, sizeof why));
  EXPECT_EQ(nullptr, getter(SAC_BACKEND_VERSION, sizeof(sac_ops) - 8, "x", why, sizeof why));
  EXPECT_EQ(nullptr, getter(SAC_BACKEND_VERSION, sizeof(sac_ops), "x", why, sizeof why));
  EXPECT_NE(nullptr, strstr(why, "build both together")) << why;
}

class Sequences : public ::testing::TestWithParam<Place> {};

TEST_P(Sequences, GiveTheSameStepsHoweverTheyArePlayed) {
  Device device(GetParam());
  if (!device.backend) GTEST_SKIP() << device.error.text;
  const sac_ops *ops = device.ops();
  void *memory = nullptr;
  ASSERT_EQ(SAC_OK, ops->alloc(device.backend, sizeof(uint64_t), &memory, nullptr));
  uint64_t *counter = static_cast<uint64_t *>(memory), count = 0;
  sac_sequence sequence = {};
  int issued = 0;
  for (uint64_t round = 1; round <= 5; round++) {
    if (ops->sequence_begin(device.backend, &sequence)) {
      ops->tick(device.backend, counter);
      ops->tick(device.backend, counter);
      ops->sequence_end(device.backend, &sequence);
      issued++;
    }
    ops->download(device.backend, &count, counter, sizeof count);
    ASSERT_EQ(2 * round, count);
  }
  bool records = strcmp(ops->device, "cuda") == 0;
  EXPECT_EQ(records ? 2 : 5, issued);
  EXPECT_EQ(records, sequence.recorded != nullptr);
  ops->sequence_release(device.backend, &sequence);
  EXPECT_EQ(nullptr, sequence.recorded);
  EXPECT_EQ(SAC_OK, ops->sync(device.backend, nullptr));
  ops->release(device.backend, memory);
}

// nothing of the host may enter a recording: it would be read when it is played
TEST(Sequences, WaitingWithinARecordingIsAFault) {
  Device device({"shim", 1});
  ASSERT_NE(nullptr, device.backend) << device.error.text;
  const sac_ops *ops = device.ops();
  void *memory = nullptr;
  ASSERT_EQ(SAC_OK, ops->alloc(device.backend, 64, &memory, nullptr));
  sac_sequence sequence = {};
  for (int round = 0; round < 2; round++) {
    ASSERT_TRUE(ops->sequence_begin(device.backend, &sequence));
    uint64_t value = 0;
    if (round == 1) ops->download(device.backend, &value, memory, sizeof value);
    ops->sequence_end(device.backend, &sequence);
  }
  sac_error err = {};
  EXPECT_EQ(SAC_FAILED, ops->sync(device.backend, &err));
  EXPECT_NE(nullptr, strstr(err.text, "a download")) << err.text;
  ops->sequence_release(device.backend, &sequence);
  ops->release(device.backend, memory);
}

INSTANTIATE_TEST_SUITE_P(All, Sequences, ::testing::Values(Place{"portable", 1}, Place{"shim", 1}),
                         place_name);

}  // namespace
