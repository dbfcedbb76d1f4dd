#include <gtest/gtest.h>
#include <jansson.h>

#include <cmath>
#include <string>
#include <vector>

#include "train/fixture.h"

namespace {

using sac_test::contents;
using sac_test::TemporaryFolder;

const std::string kHeader =
    "timesteps,updates,wall_s,return_mean,length_mean,eval_return_mean,q_loss,v_loss,policy_loss,"
    "ent_coef,entropy,fps,updates_per_s";

std::vector<std::string> split(const std::string &text, char at) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  if (!text.empty() && text.back() == at && at == ',') parts.push_back("");
  return parts;
}

class Metrics : public testing::Test {
 protected:
  ~Metrics() override { sac_metrics_close(metrics); }
  void open(bool csv = true) {
    sac_metrics_close(metrics);
    metrics = nullptr;
    auto cfg = sac_test::config_of({csv ? "log.csv=true" : "log.csv=false"});
    sac_listener listener = {};
    listener.event = [](void *context, const char *json) {
      static_cast<Metrics *>(context)->events.push_back(json);
    };
    listener.context = this;
    sac_error err = {};
    ASSERT_EQ(sac_metrics_open(folder.path.c_str(), cfg.get(), &progress, &listener, nullptr,
                               &metrics, &err),
              SAC_OK)
        << err.text;
  }
  void write(uint64_t timesteps) {
    progress.timesteps = timesteps;
    progress.updates = timesteps / 2;
    sac_metrics_row row = {NAN, {1.5, NAN, -2, 0.25, NAN, 3, 7, NAN}};
    ASSERT_EQ(sac_metrics_write(metrics, &progress, &row, nullptr), SAC_OK);
  }
  std::vector<std::string> lines(const char *name) { return split(contents(folder / name), '\n'); }

  TemporaryFolder folder;
  sac_progress progress = {};
  sac_metrics *metrics = nullptr;
  std::vector<std::string> events;
};

TEST_F(Metrics, ColumnsAreThoseOfTheInterface) {
  open();
  EXPECT_EQ(lines("metrics.csv"), std::vector<std::string>{kHeader});
  sac_progress_episode(&progress, -100, 200);
  write(1000);
  std::vector<std::string> rows = lines("metrics.csv"), row = split(rows[1], ',');
  ASSERT_EQ(rows.size(), 2u);
  ASSERT_EQ(row.size(), 13u);
  EXPECT_EQ(row[0], "1000");
  EXPECT_EQ(row[1], "500");
  EXPECT_EQ(row[3], "-100");
  EXPECT_EQ(row[4], "200");
  EXPECT_EQ(row[5], "");  // no evaluation
  EXPECT_EQ(row[6], "1.5");
  EXPECT_EQ(row[7], "");  // no value network
  EXPECT_EQ(row[8], "-2");
  EXPECT_EQ(row[9], "0.25");
  EXPECT_EQ(row[10], "3");
}

TEST_F(Metrics, JsonLinesHoldTheSameAndNullForNothing) {
  open();
  write(1000);
  ASSERT_EQ(lines("metrics.jsonl").size(), 1u);
  json_t *row = json_loads(contents(folder / "metrics.jsonl").c_str(), 0, nullptr);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(json_object_size(row), 14u);
  EXPECT_EQ(json_real_value(json_object_get(row, "effective_sample_size")), 7);
  EXPECT_EQ(json_object_get(row, "acceptance_rate"), nullptr);  // no chains
  for (const std::string &name : split(kHeader, ','))
    EXPECT_NE(json_object_get(row, name.c_str()), nullptr) << name;
  EXPECT_EQ(json_integer_value(json_object_get(row, "timesteps")), 1000);
  EXPECT_EQ(json_real_value(json_object_get(row, "q_loss")), 1.5);
  EXPECT_TRUE(json_is_null(json_object_get(row, "v_loss")));
  EXPECT_TRUE(json_is_null(json_object_get(row, "return_mean")));
  json_decref(row);
}

TEST_F(Metrics, TheListenerHearsEveryRow) {
  open();
  write(1000);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].find("{\"event\":\"metrics\",\"timesteps\":1000,"), 0u) << events[0];
  json_t *event = json_loads(events[0].c_str(), 0, nullptr);
  EXPECT_NE(event, nullptr);
  json_decref(event);
}

TEST_F(Metrics, AResumedRunCutsWhatItWillWriteAgain) {
  open();
  for (uint64_t timesteps : {1000, 2000, 3000}) write(timesteps);
  progress.timesteps = 2000;
  progress.updates = 1000;
  open();
  EXPECT_EQ(lines("metrics.csv").size(), 3u);
  EXPECT_EQ(lines("metrics.jsonl").size(), 2u);
  write(3000);
  std::vector<std::string> rows = lines("metrics.csv");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0], kHeader);
  EXPECT_EQ(split(rows[2], ',')[0], "2000");
  EXPECT_EQ(split(rows[3], ',')[0], "3000");
  // wall time goes on where the last kept row stood
  EXPECT_GE(std::stod(split(rows[3], ',')[2]), std::stod(split(rows[2], ',')[2]));
  EXPECT_LT(std::stod(split(rows[3], ',')[2]), 60);
}

TEST_F(Metrics, WithoutCsvThereAreJsonLinesOnly) {
  open(false);
  write(1000);
  EXPECT_EQ(sac_test::names_in(folder.path), std::vector<std::string>{"metrics.jsonl"});
}

TEST_F(Metrics, AFolderThatIsNotThereIsNamed) {
  auto cfg = sac_test::config_of({});
  sac_error err = {};
  EXPECT_EQ(sac_metrics_open((folder / "missing").c_str(), cfg.get(), &progress, nullptr, nullptr,
                             &metrics, &err),
            SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("missing/metrics.csv"), std::string::npos) << err.text;
  metrics = nullptr;
}

}  // namespace
