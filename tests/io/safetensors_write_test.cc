// The bytes that the writer makes, taken apart by hand.
#include <xxhash.h>

#include <cstring>

#include "io/temporary.h"

extern "C" {
#include "io/safetensors.h"
}

namespace {

std::string WriteTwo(const std::string &path) {
  const float weight[3] = {1.0f, -2.0f, 0.5f};
  const double mean = 7.0;
  sac_error err = {};
  sac_safetensors_writer *writer;
  EXPECT_EQ(sac_safetensors_writer_create(&writer, &err), SAC_OK);
  sac_tensor first = {}, second = {};
  first.name = "w";
  first.dtype = SAC_F32;
  first.rank = 1;
  first.shape[0] = 3;
  first.data = weight;
  second.name = "m";
  second.dtype = SAC_F64;
  second.data = &mean;
  sac_safetensors_add(writer, &first);
  sac_safetensors_add(writer, &second);
  sac_safetensors_note(writer, "format", "1");
  EXPECT_EQ(sac_safetensors_write(writer, path.c_str(), &err), SAC_OK) << err.text;
  sac_safetensors_writer_destroy(writer);
  TemporaryFile temporary;
  return temporary.Read();
}

TEST(SafetensorsWrite, TheBytesFollowTheFormat) {
  TemporaryFile temporary;
  std::string bytes = WriteTwo(temporary.path);
  uint64_t length;
  memcpy(&length, bytes.data(), 8);
  std::string json = bytes.substr(8, length);
  json.erase(json.find_last_not_of(' ') + 1);
  size_t hash = json.find("\"xxh3\":\"") + 8;
  EXPECT_EQ(json.substr(0, hash), "{\"__metadata__\":{\"format\":\"1\",\"xxh3\":\"");
  EXPECT_EQ(json.substr(hash + 16),
            "\"},\"m\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
            "\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[8,20]}}");
  ASSERT_EQ(bytes.size(), 8 + length + 20);
  double mean;
  float last;
  memcpy(&mean, &bytes[8 + length], 8);
  memcpy(&last, &bytes[8 + length + 16], 4);
  EXPECT_EQ(mean, 7.0);
  EXPECT_EQ(last, 0.5f);
}

TEST(SafetensorsWrite, TheHashIsThatOfTheFileWithTheHashBlank) {
  TemporaryFile temporary;
  std::string bytes = WriteTwo(temporary.path);
  size_t place = bytes.find("\"xxh3\":\"") + 8;
  std::string written = bytes.substr(place, 16);
  bytes.replace(place, 16, 16, '0');
  char expected[17];
  snprintf(expected, sizeof expected, "%016llx",
           (unsigned long long)XXH3_64bits(bytes.data(), bytes.size()));
  EXPECT_EQ(written, expected);
}

}  // namespace
