// Runs a test on every usable op table: each build of the CPU's with one thread and with two, the
// CUDA kernels on the CPU (tests/shim) and on a GPU; and gives it matrices whose padding tells
// whether an op wrote past its own.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ops/staged.h"
#include "shim/use.h"
#include "tolerance.h"

extern "C" {
#include "backend/backend.h"
}

namespace sac_test {

const sac_real kPoison = std::numeric_limits<sac_real>::quiet_NaN();

struct Place {
  const char *simd;
  int threads;
};

inline std::vector<Place> places() {
  return {{"portable", 1}, {"portable", 2}, {"avx2", 1}, {"avx2", 2},
          {"avx512", 1},   {"avx512", 2},   {"shim", 1}, {"cuda", 1}};
}

inline std::string place_name(const ::testing::TestParamInfo<Place> &info) {
  return std::string(info.param.simd) + (info.param.threads == 1 ? "OneThread" : "TwoThreads");
}

/// A backend of one instruction set; `open` is false where this processor lacks it.
class Device {
 public:
  explicit Device(const Place &place, sac_matmul matmul = SAC_MATMUL_FP32) {
    EXPECT_EQ(SAC_OK, sac_threads_create(place.threads, &threads_, nullptr));
    std::string name = place.simd;
    bool on_cuda = name == "cuda" || name == "shim";
    std::unique_ptr<UseCuda> use;
    if (on_cuda)
      use = std::make_unique<UseCuda>(name == "shim");
    else
      setenv("SAC_SIMD", place.simd, 1);
    sac_backend_options options = {on_cuda ? "cuda" : "cpu", matmul, threads_, nullptr};
    if (sac_backend_open(&options, &backend, &error) != SAC_OK) backend = nullptr;
    // a GPU has memory of its own; the shim's is the host's, where sanitisers see every access
    if (backend && name == "cuda") backend = stage(backend);
    unsetenv("SAC_SIMD");
  }
  ~Device() {
    if (backend) backend->ops->close(backend);
    sac_threads_destroy(threads_);
  }
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  const sac_ops *ops() const { return backend->ops; }

  sac_backend *backend = nullptr;
  sac_error error = {};

 private:
  sac_threads *threads_ = nullptr;
};

class Ops : public ::testing::TestWithParam<Place> {
 protected:
  void SetUp() override {
    device = std::make_unique<Device>(GetParam());
    // the shim needs nothing that a machine may lack
    if (!device->backend && std::string(GetParam().simd) == "shim") FAIL() << device->error.text;
    if (!device->backend) GTEST_SKIP() << device->error.text;
    backend = device->backend;
    ops = device->ops();
  }

  // Where every thread of a block is watched (sanitisers, on the shim and on a GPU), shapes of more
  // than 50,000 values or products take too long: SAC_TEST_SMALL leaves them to the other runs.
  bool takes(double size) const {
    std::string simd = GetParam().simd;
    return size <= 5e4 || !std::getenv("SAC_TEST_SMALL") || (simd != "shim" && simd != "cuda");
  }

  std::unique_ptr<Device> device;
  sac_backend *backend = nullptr;
  const sac_ops *ops = nullptr;
};

#define SAC_EVERY_PLACE(suite)                                                  \
  INSTANTIATE_TEST_SUITE_P(All, suite, ::testing::ValuesIn(sac_test::places()), \
                           sac_test::place_name)

/// A stack of matrices; columns past `cols`, and the space between members, are poisoned.
class Stack {
 public:
  Stack(int n, int rows, int cols, int pad = 0, int share = 1)
      : n_(n), rows_(rows), cols_(cols), ld_(cols + pad), share_(share) {
    stride_ = (size_t)rows * (size_t)ld_ + (pad ? 5 : 0);
    data_.assign((size_t)((n + share - 1) / share) * stride_, kPoison);
  }

  sac_stack view() { return {data_.data(), stride_, ld_, share_}; }
  sac_real &at(int i, int row, int col) {
    return data_[(size_t)(i / share_) * stride_ + (size_t)row * (size_t)ld_ + (size_t)col];
  }
  int rows() const { return rows_; }
  int cols() const { return cols_; }
  int members() const { return (n_ + share_ - 1) / share_; }

  /// Values drawn from N(0, scale^2), the same for every device.
  Stack &fill(unsigned seed, double scale = 1) {
    std::mt19937 words(seed);
    std::normal_distribution<double> normal(0, scale);
    for (int i = 0; i < n_; i += share_)
      for (int r = 0; r < rows_; r++)
        for (int c = 0; c < cols_; c++) at(i, r, c) = (sac_real)normal(words);
    return *this;
  }

  Stack &set(sac_real value) {
    for (int i = 0; i < n_; i += share_)
      for (int r = 0; r < rows_; r++)
        for (int c = 0; c < cols_; c++) at(i, r, c) = value;
    return *this;
  }

  /// A share of the values, drawn, becomes zero: what a ReLU leaves behind.
  Stack &thin(unsigned seed, double share) {
    std::mt19937 words(seed);
    std::bernoulli_distribution is_zero(share);
    for (int i = 0; i < n_; i += share_)
      for (int r = 0; r < rows_; r++)
        for (int c = 0; c < cols_; c++)
          if (is_zero(words)) at(i, r, c) = 0;
    return *this;
  }

  /// All values that are not part of a matrix still hold the poison.
  void expect_padding_kept() const {
    for (size_t k = 0; k < data_.size(); k++) {
      size_t in_member = k % stride_;
      bool inside =
          in_member < (size_t)rows_ * (size_t)ld_ && in_member % (size_t)ld_ < (size_t)cols_;
      if (!inside) {
        ASSERT_TRUE(std::isnan(data_[k])) << "padding was written at " << k;
      }
    }
  }

  const std::vector<sac_real> &bytes() const { return data_; }
  bool same_bits(const Stack &other) const {
    return data_.size() == other.data_.size() &&
           std::memcmp(data_.data(), other.data_.data(), data_.size() * sizeof(sac_real)) == 0;
  }

 private:
  int n_, rows_, cols_, ld_, share_;
  size_t stride_;
  std::vector<sac_real> data_;
};

}  // namespace sac_test
