#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "machine.h"
#include "temporary_folder.h"

extern "C" {
#include "data/replay_log.h"
}

namespace {

using sac_test::Machine;
using sac_test::TemporaryFolder;

// file name to contents
using Files = std::map<std::string, std::string>;

Files files_in(const std::string &folder) {
  Files files;
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    std::stringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    files[entry.path().filename()] = text.str();
  }
  return files;
}

std::vector<std::string> words(const std::string &list) {
  std::istringstream in(list);
  return {std::istream_iterator<std::string>(in), {}};
}

// a replay of two seeds and the log of its second one
class Store {
 public:
  Store(const std::string &folder, size_t capacity) {
    sac_error err = {};
    EXPECT_EQ(
        sac_replay_create(machine.backend, sac_row_layout_make(3, 2), 2, capacity, &replay, &err),
        SAC_OK)
        << err.text;
    EXPECT_EQ(sac_replay_log_open(&log, folder.c_str(), &err), SAC_OK) << err.text;
  }
  ~Store() {
    sac_replay_log_close(&log);
    sac_replay_release(&replay);
  }
  void push(uint64_t count) {
    const sac_row_layout &layout = replay.layout;
    std::vector<sac_real> row((size_t)layout.width, 0);
    for (; count > 0; count--) {
      for (int seed = 0; seed < 2; seed++) {
        for (int i = 0; i < sac_row_values(&layout); i++)
          row[(size_t)i] = (sac_real)((double)replay.pushed + 0.01 * i + 1000 * seed);
        sac_replay_push(&replay, seed, row.data(), 1);
      }
      sac_replay_advance(&replay, 1);
    }
  }
  // the list of blocks after a save
  std::string save() {
    sac_error err = {};
    EXPECT_EQ(sac_replay_log_save(&log, &replay, 1, &err), SAC_OK) << err.text;
    char *text = sac_replay_log_list(&log);
    std::string list = text;
    free(text);
    return list;
  }
  sac_live_rows live() const { return {replay.pushed, sac_replay_count(&replay)}; }
  sac_status load(const std::string &list, const sac_live_rows &rows) {
    err = {};
    return sac_replay_log_load(&log, list.c_str(), &rows, &replay, 1, &err);
  }
  // all live rows, padding included
  std::vector<sac_real> rows() const {
    uint64_t count = sac_replay_count(&replay);
    std::vector<sac_real> values((size_t)replay.layout.width * count);
    sac_replay_read(&replay, 1, replay.pushed - count, count, values.data());
    return values;
  }

  Machine machine;
  sac_replay replay = {};
  sac_replay_log log = {};
  sac_error err = {};
};

TEST(ReplayLog, ASaveWritesOnlyNewRowsAndNoBlockEverChanges) {
  TemporaryFolder folder;
  Store store(folder.path, 1000);
  Files before;
  for (uint64_t pushed : {10, 3, 1, 40}) {
    store.push(pushed);
    std::string list = store.save();
    Files after = files_in(folder.path);
    ASSERT_EQ(after.size(), before.size() + 1);
    for (const auto &[name, bytes] : before) EXPECT_EQ(after[name], bytes) << name;
    EXPECT_EQ(words(list).size(), after.size());
    EXPECT_EQ(store.log.blocks[store.log.n_blocks - 1].count, pushed);
    before = after;
  }
}

TEST(ReplayLog, NothingNewWritesNothing) {
  TemporaryFolder folder;
  Store store(folder.path, 100);
  EXPECT_EQ(store.save(), "");
  EXPECT_TRUE(files_in(folder.path).empty());
  store.push(10);
  std::string list = store.save();
  Files before = files_in(folder.path);
  EXPECT_EQ(store.save(), list);
  EXPECT_EQ(files_in(folder.path), before);
}

TEST(ReplayLog, LoadRestoresEveryBit) {
  // 600 rows pass through the window in several parts; 70 wrap around the ring
  for (size_t capacity : {1000, 600, 70}) {
    TemporaryFolder folder;
    Store saved(folder.path, capacity);
    std::string list;
    for (uint64_t pushed : {1, 20, 579, 33}) {
      saved.push(pushed);
      list = saved.save();
    }
    Store loaded(folder.path, capacity);
    ASSERT_EQ(loaded.load(list, saved.live()), SAC_OK) << loaded.err.text;
    EXPECT_EQ(loaded.replay.pushed, saved.replay.pushed);
    EXPECT_EQ(loaded.rows(), saved.rows()) << capacity;
    EXPECT_EQ(loaded.machine.read(loaded.replay.count_device, 2),
              std::vector<uint64_t>(2, saved.live().count));
    // and both go on alike
    for (Store *store : {&saved, &loaded}) store->push(5);
    EXPECT_EQ(loaded.save(), saved.save());
  }
}

TEST(ReplayLog, BlocksWithoutLiveRowsLeaveTheList) {
  TemporaryFolder folder;
  Store store(folder.path, 20);
  store.push(10);
  store.save();
  store.push(15);  // rows 5 .. 24 live: both blocks are needed
  EXPECT_EQ(words(store.save()).size(), 2u);
  store.push(15);  // rows 20 .. 39
  EXPECT_EQ(words(store.save()).size(), 2u);
  store.push(100);  // more than the ring holds since the last save: rows 120 .. 139
  std::string list = store.save();
  EXPECT_EQ(words(list).size(), 1u);
  EXPECT_EQ(store.log.blocks[0].first, 120u);
  EXPECT_EQ(store.log.blocks[0].count, 20u);
  Store loaded(folder.path, 20);
  ASSERT_EQ(loaded.load(list, store.live()), SAC_OK) << loaded.err.text;
  EXPECT_EQ(loaded.rows(), store.rows());
}

// blocks of rows that lack their last value: no window may then lead past any of them
TEST(ReplayLog, RowsThatDoNotTellWhereEpisodesBeginAllDo) {
  TemporaryFolder folder;
  Store saved(folder.path, 100), loaded(folder.path, 100);
  saved.push(10);
  std::string list = saved.save();
  const sac_row_layout &layout = saved.replay.layout;
  size_t width = (size_t)layout.width, values = (size_t)sac_row_values(&layout) - 1;
  std::vector<sac_real> rows = saved.rows(), packed;
  for (size_t r = 0; r < 10; r++)
    packed.insert(packed.end(), &rows[r * width], &rows[r * width] + values);
  sac_safetensors_writer *writer;
  ASSERT_EQ(sac_safetensors_writer_create(&writer, nullptr), SAC_OK);
  sac_tensor tensor = {};
  tensor.name = "rows";
  tensor.dtype = SAC_DTYPE_REAL;
  tensor.rank = 2;
  tensor.shape[0] = 10, tensor.shape[1] = (int64_t)values;
  tensor.data = packed.data();
  sac_safetensors_add(writer, &tensor);
  ASSERT_EQ(sac_safetensors_write(writer, (folder / list).c_str(), nullptr), SAC_OK);
  sac_safetensors_writer_destroy(writer);
  ASSERT_EQ(loaded.load(list, saved.live()), SAC_OK) << loaded.err.text;
  std::vector<sac_real> found = loaded.rows();
  for (size_t r = 0; r < 10; r++) {
    EXPECT_EQ(found[r * width + (size_t)sac_row_begins(&layout)], 1);
    for (size_t k = 0; k < values; k++) EXPECT_EQ(found[r * width + k], rows[r * width + k]);
  }
}

TEST(ReplayLog, LongSavesAreCutIntoBlocks) {
  TemporaryFolder folder;
  Store store(folder.path, 70000);
  store.push(SAC_BLOCK_ROWS + 100);
  std::string list = store.save();
  ASSERT_EQ(words(list).size(), 2u);
  EXPECT_EQ(store.log.blocks[0].count, (uint64_t)SAC_BLOCK_ROWS);
  EXPECT_EQ(store.log.blocks[1].count, 100u);
  Store loaded(folder.path, 70000);
  ASSERT_EQ(loaded.load(list, store.live()), SAC_OK) << loaded.err.text;
  EXPECT_EQ(loaded.rows(), store.rows());
}

TEST(ReplayLog, EqualNamesMeanEqualRows) {
  TemporaryFolder one, other;
  Store a(one.path, 100), b(other.path, 100);
  a.push(30);
  b.push(30);
  EXPECT_EQ(a.save(), b.save());
  a.push(10);
  b.push(10);
  // one value of one row differs
  std::vector<sac_real> row((size_t)b.replay.layout.width);
  sac_replay_read(&b.replay, 1, 33, 1, row.data());
  row[4] += 1;
  sac_replay_write(&b.replay, 1, 33, 1, row.data());
  EXPECT_NE(a.save(), b.save());
}

// three blocks of ten rows on disk, and a reader of them
class ReplayLogDamage : public testing::Test {
 protected:
  ReplayLogDamage() : saved(folder.path, 100), reader(folder.path, 100) {
    for (int i = 0; i < 3; i++) {
      saved.push(10);
      list = saved.save();
    }
    blocks = words(list);
  }
  void expect_refused(const std::string &given, const std::string &named) {
    EXPECT_EQ(reader.load(given, saved.live()), SAC_BAD_CHECKPOINT);
    EXPECT_NE(std::string(reader.err.text).find(named), std::string::npos) << reader.err.text;
  }
  TemporaryFolder folder;
  Store saved, reader;
  std::string list;
  std::vector<std::string> blocks;
};

TEST_F(ReplayLogDamage, AMissingBlockIsNamed) {
  std::filesystem::remove(folder / blocks[1]);
  expect_refused(list, blocks[1]);
}

TEST_F(ReplayLogDamage, AFlippedBitIsNamed) {
  std::string path = folder / blocks[2];
  std::string good = files_in(folder.path)[blocks[2]];
  for (size_t at = 0; at < good.size(); at += 37) {
    std::string bad = good;
    bad[at] = (char)(bad[at] ^ 4);
    std::ofstream(path, std::ios::binary) << bad;
    expect_refused(list, blocks[2]);
  }
  std::ofstream(path, std::ios::binary) << good;
  EXPECT_EQ(reader.load(list, saved.live()), SAC_OK) << reader.err.text;
}

TEST_F(ReplayLogDamage, BlocksOutOfOrderAreRefused) {
  expect_refused(blocks[0] + " " + blocks[2] + " " + blocks[1], blocks[2]);
  expect_refused(blocks[0] + " " + blocks[0] + " " + blocks[2], blocks[0]);
}

TEST_F(ReplayLogDamage, GapsAndMissingEndsAreRefused) {
  expect_refused(blocks[0] + " " + blocks[2], blocks[2]);
  expect_refused(blocks[1] + " " + blocks[2], blocks[1]);
  expect_refused(blocks[0] + " " + blocks[1], "end at row 20 of 30");
  expect_refused("", "end at row 0 of 30");
}

TEST_F(ReplayLogDamage, NamesThatAreNoBlocksAreRefused) {
  for (const char *name : {"x", "rows-", "rows-000000000000-000010", "rows-0-0-x",
                           "rows-000000000000-999999-0000000000000000.safetensors"})
    EXPECT_EQ(reader.load(name, saved.live()), SAC_BAD_CHECKPOINT) << name;
  reader.load(std::string(100000, 'r'), saved.live());
}

TEST_F(ReplayLogDamage, ABlockOfAnotherShapeIsRefused) {
  std::filesystem::copy_file(folder / blocks[0], folder / "rows-000000000000-000020-x.safetensors");
  expect_refused("rows-000000000000-000020-x.safetensors", "does not hold 20 rows");
  sac_replay wide = {};
  ASSERT_EQ(
      sac_replay_create(reader.machine.backend, sac_row_layout_make(9, 2), 2, 100, &wide, nullptr),
      SAC_OK);
  std::swap(wide, reader.replay);
  expect_refused(list, blocks[0]);
  sac_replay_release(&wide);
}

TEST_F(ReplayLogDamage, AnotherListCanBeTriedAfterwards) {
  std::filesystem::remove(folder / blocks[2]);
  expect_refused(list, blocks[2]);
  ASSERT_EQ(reader.load(blocks[0] + " " + blocks[1], {20, 20}), SAC_OK) << reader.err.text;
  EXPECT_EQ(reader.replay.pushed, 20u);
  EXPECT_EQ(reader.log.n_blocks, 2);
}

TEST_F(ReplayLogDamage, PruneRemovesOnlyWhatNobodyLists) {
  std::ofstream(folder / "notes.txt") << "kept";
  std::string first = blocks[0], last = blocks[2];
  char *lists[] = {first.data(), last.data()};
  ASSERT_EQ(sac_replay_log_prune(folder.path.c_str(), lists, 2, nullptr), SAC_OK);
  Files left = files_in(folder.path);
  EXPECT_EQ(left.size(), 3u);
  EXPECT_TRUE(left.count(blocks[0]) && left.count(blocks[2]) && left.count("notes.txt"));
  EXPECT_EQ(sac_replay_log_prune((folder / "missing").c_str(), lists, 2, nullptr), SAC_OK);
}

}  // namespace
