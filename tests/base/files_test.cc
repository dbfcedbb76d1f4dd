#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "temporary_folder.h"

extern "C" {
#include "base/files.h"
}

namespace {

using sac_test::TemporaryFolder;

std::vector<std::string> list(const std::string &path) {
  char **names;
  int count;
  EXPECT_EQ(sac_folder_list(path.c_str(), &names, &count, nullptr), SAC_OK);
  std::vector<std::string> found(names, names + count);
  sac_names_free(names, count);
  return found;
}

std::string read(const std::string &path) {
  char *bytes;
  size_t size;
  sac_error err;
  if (sac_file_read(path.c_str(), &bytes, &size, &err) != SAC_OK) return err.text;
  EXPECT_EQ(bytes[size], '\0');
  std::string text(bytes, size);
  free(bytes);
  return text;
}

sac_status write(const std::string &path, const std::string &text, sac_error *err = nullptr) {
  return sac_file_write(path.c_str(), text.data(), text.size(), err);
}

TEST(Files, PathsJoinWithOneSlash) {
  char path[SAC_PATH_MAX];
  for (const char *folder : {"a/b", "a/b/"}) {
    ASSERT_EQ(sac_path_join(path, folder, "c", nullptr), SAC_OK);
    EXPECT_STREQ(path, "a/b/c");
  }
  ASSERT_EQ(sac_path_join(path, "", "c", nullptr), SAC_OK);
  EXPECT_STREQ(path, "c");
  ASSERT_EQ(sac_path_join(path, "/", "c", nullptr), SAC_OK);
  EXPECT_STREQ(path, "/c");
}

TEST(Files, PathsTooLongAreRefused) {
  char path[SAC_PATH_MAX];
  sac_error err;
  std::string fits(SAC_PATH_MAX - 3, 'x'), too_long(SAC_PATH_MAX, 'x');
  EXPECT_EQ(sac_path_join(path, fits.c_str(), "y", &err), SAC_OK);
  EXPECT_EQ(sac_path_join(path, fits.c_str(), "yz", &err), SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("too long"), std::string::npos);
  sac_new_file file;
  EXPECT_EQ(sac_new_file_create(&file, too_long.c_str(), &err), SAC_BAD_DISK);
  EXPECT_EQ(sac_folder_make(too_long.c_str(), &err), SAC_BAD_DISK);
}

TEST(Files, FoldersAreMadeWithTheirParents) {
  TemporaryFolder folder;
  std::string deep = folder / "a/b/c";
  EXPECT_EQ(sac_folder_make(deep.c_str(), nullptr), SAC_OK);
  EXPECT_TRUE(sac_path_exists(deep.c_str()));
  EXPECT_EQ(sac_folder_make(deep.c_str(), nullptr), SAC_OK);
  EXPECT_EQ(sac_folder_make((deep + "/").c_str(), nullptr), SAC_OK);
}

TEST(Files, AFileIsNoFolder) {
  TemporaryFolder folder;
  sac_error err;
  ASSERT_EQ(write(folder / "file", "x"), SAC_OK);
  EXPECT_EQ(sac_folder_make((folder / "file").c_str(), &err), SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("is not a folder"), std::string::npos) << err.text;
  EXPECT_EQ(sac_folder_make((folder / "file/below").c_str(), &err), SAC_BAD_DISK);
  EXPECT_EQ(sac_folder_make("", &err), SAC_BAD_DISK);
}

TEST(Files, ListsAreSortedAndComplete) {
  TemporaryFolder folder;
  EXPECT_TRUE(list(folder / "missing").empty());
  EXPECT_TRUE(list(folder.path).empty());
  for (const char *name : {"b", "a", ".c", "step-10", "step-09"})
    ASSERT_EQ(write(folder / name, "x"), SAC_OK);
  EXPECT_EQ(list(folder.path), (std::vector<std::string>{".c", "a", "b", "step-09", "step-10"}));
}

TEST(Files, APathThatIsNotThereHasANearestOne) {
  TemporaryFolder folder;
  for (const char *name : {"swimmer.yaml", "swimmer_pg.yaml", "hopper.yaml"})
    ASSERT_EQ(write(folder / name, "x"), SAC_OK);
  auto nearest = [](const std::string &path) {
    char meant[SAC_PATH_MAX];
    const char *found = sac_path_nearest(path.c_str(), meant);
    return std::string(found ? found : "none");
  };
  EXPECT_EQ(nearest(folder / "swimer.yaml"), folder / "swimmer.yaml");
  EXPECT_EQ(nearest(folder / "swimmer"), folder / "swimmer.yaml");
  EXPECT_EQ(nearest(folder / "swimmer_p"), folder / "swimmer_pg.yaml");
  EXPECT_EQ(nearest(folder / "hoper.yaml/"), folder / "hopper.yaml");
  EXPECT_EQ(nearest(folder / "q"), "none");
  EXPECT_EQ(nearest(folder / "q.yaml"), "none") << "what all have in common is not near";
  EXPECT_EQ(nearest(folder / "swimmer.yml"), folder / "swimmer.yaml");
  EXPECT_EQ(nearest(folder / "none/swimmer.yaml"), "none");
  EXPECT_EQ(nearest("READNE.md"), "README.md") << "run from the root of the repository";
  EXPECT_EQ(nearest(""), "none");
  EXPECT_EQ(nearest("/"), "none");
  EXPECT_EQ(nearest(std::string(2 * SAC_PATH_MAX, 'a')), "none");
}

TEST(Files, WhatIsNoFolderCannotBeListed) {
  TemporaryFolder folder;
  char **names;
  int count;
  sac_error err;
  ASSERT_EQ(write(folder / "file", "x"), SAC_OK);
  EXPECT_EQ(sac_folder_list((folder / "file").c_str(), &names, &count, &err), SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find(folder / "file"), std::string::npos);
}

TEST(Files, ReadsBackWhatWasWritten) {
  TemporaryFolder folder;
  std::string all_bytes(100000, '\0');
  for (size_t i = 0; i < all_bytes.size(); i++) all_bytes[i] = (char)(i * 7);
  for (const std::string &text : {std::string(), std::string("x\n"), all_bytes}) {
    ASSERT_EQ(write(folder / "file", text), SAC_OK);
    EXPECT_EQ(read(folder / "file"), text);
  }
}

TEST(Files, WhatCannotBeReadIsNamed) {
  TemporaryFolder folder;
  char *bytes;
  size_t size;
  sac_error err;
  EXPECT_EQ(sac_file_read((folder / "missing").c_str(), &bytes, &size, &err), SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("missing: cannot be opened"), std::string::npos) << err.text;
  EXPECT_EQ(sac_file_read(folder.path.c_str(), &bytes, &size, &err), SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("not a regular file"), std::string::npos) << err.text;
}

TEST(Files, ANewFileHasItsNameOnlyOnceCommitted) {
  TemporaryFolder folder;
  sac_new_file file;
  ASSERT_EQ(write(folder / "file", "old"), SAC_OK);
  ASSERT_EQ(sac_new_file_create(&file, (folder / "file").c_str(), nullptr), SAC_OK);
  ASSERT_EQ(sac_new_file_write(&file, "0123456789", 10, nullptr), SAC_OK);
  ASSERT_EQ(sac_new_file_write_at(&file, 4, "xy", 2, nullptr), SAC_OK);
  EXPECT_EQ(read(folder / "file"), "old");
  ASSERT_EQ(sac_new_file_commit(&file, nullptr), SAC_OK);
  EXPECT_EQ(read(folder / "file"), "0123xy6789");
  EXPECT_EQ(list(folder.path), std::vector<std::string>{"file"});
}

TEST(Files, AnAbandonedFileLeavesNoTrace) {
  TemporaryFolder folder;
  sac_new_file file;
  ASSERT_EQ(write(folder / "file", "old"), SAC_OK);
  ASSERT_EQ(sac_new_file_create(&file, (folder / "file").c_str(), nullptr), SAC_OK);
  ASSERT_EQ(sac_new_file_write(&file, "new", 3, nullptr), SAC_OK);
  sac_new_file_abandon(&file);
  EXPECT_EQ(read(folder / "file"), "old");
  EXPECT_EQ(list(folder.path), std::vector<std::string>{"file"});
}

TEST(Files, AnyNameOfATemporaryFileEndsInTmp) {
  TemporaryFolder folder;
  sac_new_file file;
  std::string path = folder / "step-000000000001.safetensors";
  ASSERT_EQ(sac_new_file_create(&file, path.c_str(), nullptr), SAC_OK);
  ASSERT_EQ(list(folder.path).size(), 1u);
  std::string name = list(folder.path)[0];
  EXPECT_EQ(name.substr(name.size() - 4), ".tmp");
  sac_new_file_abandon(&file);
}

TEST(Files, AFolderIsHeldByOne) {
  TemporaryFolder folder;
  int first = -1, second = -1;
  sac_error err = {};
  ASSERT_EQ(sac_folder_lock(folder.path.c_str(), &first, &err), SAC_OK) << err.text;
  EXPECT_EQ(sac_folder_lock(folder.path.c_str(), &second, &err), SAC_FAILED);
  EXPECT_NE(std::string(err.text).find("another process"), std::string::npos) << err.text;
  EXPECT_EQ(second, -1);
  sac_folder_unlock(first);
  ASSERT_EQ(sac_folder_lock(folder.path.c_str(), &second, &err), SAC_OK) << err.text;
  sac_folder_unlock(second);
  EXPECT_EQ(sac_folder_lock((folder / "missing").c_str(), &first, &err), SAC_BAD_DISK);
  sac_folder_unlock(-1);
}

TEST(Files, ASweepTakesTemporaryFilesOnly) {
  TemporaryFolder folder;
  for (const char *name : {"a", "a.tmp", "b.safetensors.77.tmp", "tmp", "c.tmp.yaml"})
    ASSERT_EQ(write(folder / name, "x"), SAC_OK);
  ASSERT_EQ(sac_folder_sweep(folder.path.c_str(), nullptr), SAC_OK);
  EXPECT_EQ(list(folder.path), (std::vector<std::string>{"a", "c.tmp.yaml", "tmp"}));
  EXPECT_EQ(sac_folder_sweep((folder / "missing").c_str(), nullptr), SAC_OK);
}

// as a full disk does: the write stops half-way
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_;
  void (*handler_)(int);
};

TEST(Files, AWriteThatFailsLeavesTheOldFile) {
  TemporaryFolder folder;
  sac_error err = {};
  ASSERT_EQ(write(folder / "file", "old"), SAC_OK);
  sac_status status;
  {
    SmallDisk disk(4096);
    status = write(folder / "file", std::string(10000, 'x'), &err);
  }
  EXPECT_EQ(status, SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("file: cannot be written"), std::string::npos) << err.text;
  EXPECT_EQ(read(folder / "file"), "old");
  EXPECT_EQ(list(folder.path), std::vector<std::string>{"file"});
}

TEST(Files, ARenameThatFailsLeavesNothingBehind) {
  TemporaryFolder folder;
  sac_error err = {};
  ASSERT_EQ(sac_folder_make((folder / "taken/by").c_str(), nullptr), SAC_OK);
  EXPECT_EQ(write(folder / "taken", "x", &err), SAC_BAD_DISK);
  EXPECT_NE(std::string(err.text).find("cannot be given its name"), std::string::npos) << err.text;
  EXPECT_EQ(list(folder.path), std::vector<std::string>{"taken"});
  EXPECT_EQ(write(folder / "no/such/folder", "x", &err), SAC_BAD_DISK);
}

}  // namespace
