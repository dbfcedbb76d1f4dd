// The reader against files of ours, of others, and damaged in every way.
#include <cstring>
#include <random>
#include <vector>

#include "io/temporary.h"

extern "C" {
#include "io/safetensors.h"
}

namespace {

const float kWeight[6] = {1, 2, 3, 4, 5, 6};
const double kMean[2] = {0.5, -1e300};
const uint8_t kState[5] = {9, 8, 7, 6, 5};
const int64_t kStep[1] = {-42};

sac_tensor Tensor(const char *name, sac_dtype dtype, std::vector<int64_t> shape,
                  const void *data = nullptr) {
  sac_tensor tensor = {};
  tensor.name = name;
  tensor.dtype = dtype;
  tensor.rank = (int)shape.size();
  for (size_t i = 0; i < shape.size(); i++) tensor.shape[i] = shape[i];
  tensor.data = data;
  return tensor;
}

void WriteSample(const std::string &path) {
  sac_safetensors_writer *writer;
  sac_error err = {};
  ASSERT_EQ(sac_safetensors_writer_create(&writer, &err), SAC_OK);
  sac_tensor tensors[] = {Tensor("state", SAC_U8, {1, 5}, kState),
                          Tensor("weight", SAC_F32, {2, 3}, kWeight),
                          Tensor("mean", SAC_F64, {2}, kMean), Tensor("step", SAC_I64, {}, kStep),
                          Tensor("none", SAC_F32, {0, 3})};
  for (const sac_tensor &tensor : tensors) sac_safetensors_add(writer, &tensor);
  sac_safetensors_note(writer, "format", "1");
  sac_safetensors_note(writer, "quoted", "a \"xxh3\":\"0123456789abcdef\" \n\xc3\xa9");
  ASSERT_EQ(sac_safetensors_write(writer, path.c_str(), &err), SAC_OK) << err.text;
  sac_safetensors_writer_destroy(writer);
}

struct Opened {
  sac_safetensors *file = nullptr;
  sac_error err = {};
  sac_status status;
  Opened(const std::string &path, bool verify) {
    status = sac_safetensors_open(path.c_str(), verify, &file, &err);
    EXPECT_EQ(status == SAC_OK, file != nullptr);
  }
  Opened(const Opened &) = delete;
  ~Opened() { sac_safetensors_close(file); }
};

TEST(Safetensors, WhatIsWrittenIsRead) {
  TemporaryFile temporary;
  WriteSample(temporary.path);
  Opened it(temporary.path, true);
  ASSERT_EQ(it.status, SAC_OK) << it.err.text;
  EXPECT_EQ(sac_safetensors_count(it.file), 5);
  EXPECT_STREQ(sac_safetensors_text(it.file, "format"), "1");
  EXPECT_STREQ(sac_safetensors_text(it.file, "quoted"),
               "a \"xxh3\":\"0123456789abcdef\" \n\xc3\xa9");
  EXPECT_EQ(sac_safetensors_text(it.file, "absent"), nullptr);
  const sac_tensor *weight = sac_safetensors_find(it.file, "weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->rank, 2);
  EXPECT_EQ(weight->shape[1], 3);
  EXPECT_EQ(memcmp(weight->data, kWeight, sizeof kWeight), 0);
  EXPECT_EQ(memcmp(sac_safetensors_find(it.file, "state")->data, kState, sizeof kState), 0);
  EXPECT_EQ(sac_safetensors_find(it.file, "step")->rank, 0);
  EXPECT_EQ(sac_tensor_bytes(sac_safetensors_find(it.file, "none")), 0u);
}

TEST(Safetensors, TensorsAreAlignedForTheirType) {
  TemporaryFile temporary;
  WriteSample(temporary.path);
  std::string bytes = temporary.Read();
  uint64_t header;
  memcpy(&header, bytes.data(), 8);
  EXPECT_EQ((8 + header) % 64, 0u);
  Opened it(temporary.path, true);
  const char *begin = (const char *)sac_safetensors_at(it.file, 0)->data;
  for (const char *name : {"mean", "step", "weight"}) {
    const sac_tensor *tensor = sac_safetensors_find(it.file, name);
    size_t width = tensor->dtype == SAC_F32 ? 4 : 8;
    EXPECT_EQ((size_t)((const char *)tensor->data - begin) % width, 0u) << name;
  }
}

TEST(Safetensors, EqualContentsGiveEqualBytes) {
  TemporaryFile temporary;
  WriteSample(temporary.path);
  std::string first = temporary.Read();
  WriteSample(temporary.path);
  EXPECT_EQ(first, temporary.Read());
}

sac_status FillCounting(void *context, size_t offset, void *bytes, size_t count, sac_error *) {
  size_t *calls = static_cast<size_t *>(context);
  ++*calls;
  for (size_t i = 0; i < count; i++) static_cast<uint8_t *>(bytes)[i] = (uint8_t)((offset + i) / 7);
  return SAC_OK;
}

TEST(Safetensors, LargeTensorsMayBeFilledInChunks) {
  TemporaryFile temporary;
  const int64_t size = 1000003;
  size_t calls = 0;
  sac_error err = {};
  sac_safetensors_writer *writer;
  ASSERT_EQ(sac_safetensors_writer_create(&writer, &err), SAC_OK);
  sac_tensor tensor = Tensor("rows", SAC_U8, {size});
  tensor.fill = FillCounting;
  tensor.context = &calls;
  sac_safetensors_add(writer, &tensor);
  ASSERT_EQ(sac_safetensors_write(writer, temporary.path.c_str(), &err), SAC_OK) << err.text;
  sac_safetensors_writer_destroy(writer);
  EXPECT_GT(calls, 1u);
  Opened it(temporary.path, true);
  ASSERT_EQ(it.status, SAC_OK) << it.err.text;
  const uint8_t *rows = (const uint8_t *)sac_safetensors_find(it.file, "rows")->data;
  for (int64_t i = 0; i < size; i += 997) ASSERT_EQ(rows[i], (uint8_t)(i / 7));
}

TEST(Safetensors, AFailedWriteLeavesTheOldFile) {
  sac_error err = {};
  sac_safetensors_writer *writer;
  ASSERT_EQ(sac_safetensors_writer_create(&writer, &err), SAC_OK);
  EXPECT_EQ(sac_safetensors_write(writer, "/nonexistent/x.safetensors", &err), SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("/nonexistent/x.safetensors"), std::string::npos);
  sac_safetensors_writer_destroy(writer);
}

TEST(Safetensors, GettersConvertAndCheck) {
  TemporaryFile temporary;
  WriteSample(temporary.path);
  Opened it(temporary.path, true);
  sac_error err = {};
  double doubles[6];
  sac_real reals[6];
  int64_t step;
  sac_tensor weight = Tensor("weight", SAC_F32, {2, 3}), mean = Tensor("mean", SAC_F64, {2});
  ASSERT_EQ(sac_safetensors_get_doubles(it.file, &weight, doubles, &err), SAC_OK);
  EXPECT_EQ(doubles[5], 6.0);
  ASSERT_EQ(sac_safetensors_get_reals(it.file, &mean, reals, &err), SAC_OK);
  EXPECT_EQ(reals[0], (sac_real)0.5);
  sac_tensor steps = Tensor("step", SAC_I64, {});
  ASSERT_EQ(sac_safetensors_get(it.file, &steps, &step, &err), SAC_OK);
  EXPECT_EQ(step, -42);
  const std::pair<sac_tensor, const char *> wrong[] = {
      {Tensor("weight", SAC_F32, {3, 2}),
       ": tensor weight has shape (2, 3), must have shape (3, 2)"},
      {Tensor("weight", SAC_F32, {6}), ": tensor weight has shape (2, 3), must have shape (6)"},
      {Tensor("weigth", SAC_F32, {6}), ": has no tensor weigth, nearest: weight"},
      {Tensor("step", SAC_F32, {}), ": tensor step has I64, must have F32 or F64"}};
  for (auto [tensor, text] : wrong) {
    EXPECT_EQ(sac_safetensors_get_reals(it.file, &tensor, reals, &err), SAC_BAD_CHECKPOINT);
    EXPECT_EQ(err.text, temporary.path + text);
  }
  sac_tensor single = Tensor("mean", SAC_F32, {2});
  EXPECT_EQ(sac_safetensors_get(it.file, &single, doubles, &err), SAC_BAD_CHECKPOINT);
  EXPECT_EQ(err.text, temporary.path + ": tensor mean has F64, must have F32");
}

// a file as another program writes it: no hash, any order, odd addresses
std::string Foreign(const std::string &header, const std::string &data) {
  uint64_t length = header.size();
  return std::string((const char *)&length, 8) + header + data;
}

TEST(Safetensors, FilesOfOthersLoadWithoutVerification) {
  TemporaryFile temporary;
  float value = 2.5f;
  double wide = -3.5;
  std::string data = "x" + std::string((char *)&value, 4) + std::string((char *)&wide, 8);
  temporary.Write(
      Foreign("{\"b\": {\"shape\": [1], \"data_offsets\": [5, 13], \"dtype\": \"F64\"},\n"
              " \"a\": {\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[1,5]},"
              "\"c\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}} ",
              data));
  Opened it(temporary.path, false);
  ASSERT_EQ(it.status, SAC_OK) << it.err.text;
  double out;
  sac_error err;
  sac_tensor a = Tensor("a", SAC_F32, {1, 1}), b = Tensor("b", SAC_F32, {1});
  EXPECT_EQ(sac_safetensors_get_doubles(it.file, &a, &out, &err), SAC_OK);
  EXPECT_EQ(out, 2.5);
  EXPECT_EQ(sac_safetensors_get_doubles(it.file, &b, &out, &err), SAC_OK);
  EXPECT_EQ(out, -3.5);
  Opened verified(temporary.path, true);
  EXPECT_EQ(verified.status, SAC_BAD_CHECKPOINT);
  EXPECT_EQ(verified.err.text, temporary.path + ": damaged: it has no hash (xxh3)");
}

TEST(Safetensors, HostileHeadersAreRefusedWithTheReason) {
  TemporaryFile temporary;
  const std::pair<const char *, const char *> cases[] = {
      {"[]", "no JSON object"},
      {"{", "not JSON"},
      {"{} x", "not JSON"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
       "\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}",
       "duplicate"},
      {"{\"a\":3}", "not described by"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8]}}", "not described by"},
      {"{\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}", "has type F16, must be"},
      {"{\"a\":{\"dtype\":3,\"shape\":[4],\"data_offsets\":[0,8]}}", "has type none"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[-8],\"data_offsets\":[0,8]}}", "no valid shape"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8.0],\"data_offsets\":[0,8]}}", "no valid shape"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":8,\"data_offsets\":[0,8]}}", "no valid shape"},
      {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296,1],\"data_offsets\":[0,8]}}",
       "no valid shape"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,8],\"data_offsets\":[0,8]}}",
       "no valid shape"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[8,0]}}", "has -8 bytes"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[7],\"data_offsets\":[0,8]}}", "its shape needs 7"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}", "outside of the file"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[-8,0]}}", "outside of the file"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8,8]}}", "outside of the file"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[7],\"data_offsets\":[0,7]}}", "1 bytes follow"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[7],\"data_offsets\":[1,8]}}", "does not begin where"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]},"
       "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
       "does not begin where"},
      {"{\"\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", "name is empty"},
      {"{\"__metadata__\":3}", "__metadata__ is no object"},
      {"{\"__metadata__\":{\"a\":3}}", "more than texts"}};
  for (auto [header, reason] : cases) {
    temporary.Write(Foreign(header, "12345678"));
    Opened it(temporary.path, false);
    EXPECT_EQ(it.status, SAC_BAD_CHECKPOINT) << header;
    EXPECT_EQ(std::string(it.err.text).rfind(temporary.path + ": damaged: ", 0), 0u);
    EXPECT_NE(std::string(it.err.text).find(reason), std::string::npos) << it.err.text;
  }
}

TEST(Safetensors, HeaderLengthsBeyondTheFileAreRefused) {
  TemporaryFile temporary;
  for (uint64_t length : {UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 40, (uint64_t)3}) {
    temporary.Write(std::string((const char *)&length, 8) + "{}");
    EXPECT_EQ(Opened(temporary.path, false).status, SAC_BAD_CHECKPOINT);
  }
  EXPECT_EQ(Opened("/nonexistent.safetensors", false).status, SAC_BAD_CHECKPOINT);
  EXPECT_EQ(Opened("/", false).status, SAC_BAD_CHECKPOINT);
}

TEST(Safetensors, EveryTruncationIsDetected) {
  TemporaryFile temporary;
  WriteSample(temporary.path);
  std::string whole = temporary.Read();
  for (size_t length = 0; length < whole.size(); length++) {
    temporary.Write(whole.substr(0, length));
    EXPECT_EQ(Opened(temporary.path, true).status, SAC_BAD_CHECKPOINT) << length;
    EXPECT_EQ(Opened(temporary.path, false).status, SAC_BAD_CHECKPOINT) << length;
  }
  temporary.Write(whole + "x");
  EXPECT_EQ(Opened(temporary.path, true).status, SAC_BAD_CHECKPOINT);
}

TEST(Safetensors, EveryFlippedBitIsDetected) {
  TemporaryFile temporary;
  WriteSample(temporary.path);
  std::string whole = temporary.Read();
  for (size_t bit = 0; bit < 8 * whole.size(); bit++) {
    std::string damaged = whole;
    damaged[bit / 8] = (char)(damaged[bit / 8] ^ 1 << bit % 8);
    temporary.Write(damaged);
    ASSERT_EQ(Opened(temporary.path, true).status, SAC_BAD_CHECKPOINT) << bit;
    Opened(temporary.path, false);
  }
}

TEST(Safetensors, DamageOfSeveralBytesIsDetected) {
  TemporaryFile temporary;
  WriteSample(temporary.path);
  std::string whole = temporary.Read();
  std::mt19937 draw(7);
  for (int i = 0; i < 500; i++) {
    std::string damaged = whole;
    for (int k = 0; k < 4; k++) damaged[draw() % whole.size()] = (char)draw();
    if (damaged == whole) continue;
    temporary.Write(damaged);
    ASSERT_EQ(Opened(temporary.path, true).status, SAC_BAD_CHECKPOINT) << i;
    Opened(temporary.path, false);
  }
}

}  // namespace
