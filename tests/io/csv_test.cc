// Metrics cut back to a checkpoint.
#include "io/temporary.h"

extern "C" {
#include "io/csv.h"
}

namespace {

TEST(Csv, RowsPastTheStepAreCut) {
  TemporaryFile temporary;
  temporary.Write("timesteps,updates,wall_s\n1000,1,0.5\n2000,2,1.25\n3000,3,2\n");
  double wall_s = -1;
  sac_error err = {};
  ASSERT_EQ(sac_csv_cut(temporary.path.c_str(), 2000, &wall_s, &err), SAC_OK) << err.text;
  EXPECT_EQ(temporary.Read(), "timesteps,updates,wall_s\n1000,1,0.5\n2000,2,1.25\n");
  EXPECT_EQ(wall_s, 1.25);
}

TEST(Csv, ABrokenRowIsCutAndEmptyCellsAreNot) {
  TemporaryFile temporary;
  temporary.Write("timesteps,a,wall_s\n1000,,1\nx,1,1\n,,\n1500,2\n1800,3,9,9\n1900,,\n2000,2,1.2");
  double wall_s = -1;
  ASSERT_EQ(sac_csv_cut(temporary.path.c_str(), 5000, &wall_s, nullptr), SAC_OK);
  EXPECT_EQ(temporary.Read(), "timesteps,a,wall_s\n1000,,1\n1900,,\n");
}

TEST(Csv, WithoutRowsTheHeaderStaysAndTheTimeIsZero) {
  TemporaryFile temporary;
  for (const char *text : {"timesteps,wall_s\n", "timesteps,wall_s\n10,3\n"}) {
    temporary.Write(text);
    double wall_s = -1;
    ASSERT_EQ(sac_csv_cut(temporary.path.c_str(), 5, &wall_s, nullptr), SAC_OK);
    EXPECT_EQ(temporary.Read(), "timesteps,wall_s\n");
    EXPECT_EQ(wall_s, 0.0);
  }
}

TEST(Csv, AnyBytesAreCutWithoutHarm) {
  TemporaryFile temporary;
  for (const std::string &text : {std::string(), std::string("\n"), std::string("a"),
                                  std::string("\0\n\0\n", 4), std::string(",,,\n,,,\n1,2\n")}) {
    temporary.Write(text);
    double wall_s;
    EXPECT_EQ(sac_csv_cut(temporary.path.c_str(), 5, &wall_s, nullptr), SAC_OK);
    EXPECT_EQ(sac_jsonl_cut(temporary.path.c_str(), 5, nullptr), SAC_OK);
  }
}

TEST(Csv, JsonLinesAreCutByTheirTimesteps) {
  TemporaryFile temporary;
  temporary.Write(
      "{\"timesteps\":1000,\"q\":null}\n{\"q\":1,\"timesteps\":2000}\n{\"timesteps\":2001}\n"
      "{\"other\":1}\nnot json\n{\"timesteps\":1}\n{\"timesteps\":1");
  ASSERT_EQ(sac_jsonl_cut(temporary.path.c_str(), 2000, nullptr), SAC_OK);
  EXPECT_EQ(temporary.Read(),
            "{\"timesteps\":1000,\"q\":null}\n{\"q\":1,\"timesteps\":2000}\n{\"timesteps\":1}\n");
}

TEST(Csv, JsonLinesAreReadAndACutOneIsLeftOut) {
  TemporaryFile temporary;
  temporary.Write("{\"a\":1}\n\n{\"a\":2}\r\n{\"a\":");
  json_t *rows = nullptr;
  ASSERT_EQ(sac_jsonl_read(temporary.path.c_str(), &rows, nullptr), SAC_OK);
  ASSERT_EQ(json_array_size(rows), 2U);
  EXPECT_EQ(json_integer_value(json_object_get(json_array_get(rows, 1), "a")), 2);
  json_decref(rows);
}

TEST(Csv, ALineThatIsNoObjectIsNamed) {
  TemporaryFile temporary;
  for (const char *line : {"[1]", "nothing", "{\"a\":1,\"a\":2}"}) {
    temporary.Write(std::string("{\"a\":1}\n") + line + "\n");
    json_t *rows = nullptr;
    sac_error err = {};
    EXPECT_EQ(sac_jsonl_read(temporary.path.c_str(), &rows, &err), SAC_BAD_CONFIG) << line;
    EXPECT_NE(std::string(err.text).find(":2: is not a JSON object"), std::string::npos)
        << err.text;
  }
}

TEST(Csv, AMissingFileIsADiskError) {
  sac_error err = {};
  EXPECT_EQ(sac_csv_cut("/nonexistent/metrics.csv", 5, nullptr, &err), SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("/nonexistent/metrics.csv"), std::string::npos);
}

}  // namespace
