// A Git LFS pointer is named wherever a file is opened.
#include "lacos/io/git_lfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "lacos/io/json.h"
#include "lacos/io/line_reader.h"
#include "lacos/io/manifest.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/npy.h"
#include "lacos/io/tensor_file.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Pointer(const std::string& start) {
  return start + "\noid sha256:" + std::string(64, '7') + "\nsize 14500000\n";
}

TEST(GitLfs, APointerIsNamedByEveryReader) {
  const TestFolder folder;
  for (const char* start : {"version https://git-lfs.github.com/spec/v1",
                            "version https://hawser.github.com/spec/v1"}) {
    const std::string path = folder.Write("pointer", Pointer(start));
    const std::pair<const char*, std::function<void()>> readers[] = {
        {"weights", [&] { OpenTensorFile(path); }},  {"mapped", [&] { MappedFile file(path); }},
        {"settings", [&] { Json::ReadFile(path); }}, {"vectors", [&] { ReadNpy(path); }},
        {"hash", [&] { FileSha256(path); }},         {"data", [&] { LineReader reader(path); }},
    };
    for (const auto& [name, read] : readers) {
      EXPECT_THAT(ErrorOf(read), AllOf(StartsWith("[" + path + "] found a Git LFS pointer"),
                                       HasSubstr("git lfs pull")))
          << name;
    }
  }
}

// A pointer that is recorded with the size of the real file is not called damaged.
TEST(GitLfs, APointerInAFolderWithHashesIsNamedAndListed) {
  const TestFolder folder;
  folder.Write("weights", std::string(5000, 'w'));
  WriteManifest(folder.path(), Json());
  folder.Write("weights", Pointer("version https://git-lfs.github.com/spec/v1"));
  EXPECT_THAT(ErrorOf([&] { RequireAsRecorded(folder / "weights"); }),
              HasSubstr("Git LFS pointer"));
  const auto problems = VerifyManifest(folder.path());
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].found, "a Git LFS pointer");
}

TEST(GitLfs, TextsAboutGitLfsAreNotPointers) {
  const TestFolder folder;
  for (const std::string& text :
       {std::string("version https://git-lfs.github.com/spec/v1 is what a pointer begins with\n"),
        std::string("about version https://git-lfs.github.com/spec/v1\noid sha256:7\n"),
        Pointer("version https://git-lfs.github.com/spec/v1") + std::string(1024, 'x'),
        std::string()}) {
    EXPECT_EQ(ReadFileToString(folder.Write("text", text)), text);
  }
}

}  // namespace
}  // namespace lacos
