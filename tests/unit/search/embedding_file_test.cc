// Writing vectors to a file: they are appended in blocks, and the file is complete or does
// not exist.
#include "lacos/search/embedding_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::IsEmpty;

constexpr float kRows[] = {0.5f, -1, 2, 0.25f, 3, -0.75f};  // [3, 2]

TEST(EmbeddingFile, BlocksMakeTheSameFileAsAllRowsAtOnce) {
  for (const char* name : {"v.npy", "v.jsonl"}) {
    for (const Precision precision : {Precision::kFloat32, Precision::kFloat16, Precision::kInt8}) {
      const TestFolder folder;
      EmbeddingFile whole(folder / (std::string("whole-") + name), precision, 2);
      whole.Append(kRows);
      whole.Commit();
      EmbeddingFile blocks(folder / (std::string("blocks-") + name), precision, 2);
      blocks.Append(std::span(kRows).first(2));
      blocks.Append(std::span(kRows).subspan(2));
      blocks.Commit();
      EXPECT_EQ(folder.Read(std::string("blocks-") + name),
                folder.Read(std::string("whole-") + name));
      EXPECT_FALSE(folder.Read(std::string("whole-") + name).empty());
      EXPECT_EQ(folder.CountEntries(), NeedsRanges(precision) ? 4u : 2u);  // with their ranges
    }
  }
}

TEST(EmbeddingFile, ALineOfJsonHasTheVectorOfItsText) {
  const TestFolder folder;
  EmbeddingFile file(folder / "v.jsonl", Precision::kFloat32, 2);
  file.Append(kRows);
  file.Commit();
  EXPECT_EQ(folder.Read("v.jsonl"),
            "{\"index\": 0, \"embedding\": [0.5, -1]}\n"
            "{\"index\": 1, \"embedding\": [2, 0.25]}\n"
            "{\"index\": 2, \"embedding\": [3, -0.75]}\n");
}

// With the ranges of one file, parts of its rows get the codes that they have in it.
TEST(EmbeddingFile, GivenRangesMakeFilesComparable) {
  const TestFolder folder;
  EmbeddingFile whole(folder / "whole.jsonl", Precision::kInt8, 2);
  whole.Append(kRows);
  whole.Commit();
  EmbeddingFile part(folder / "part.jsonl", Precision::kInt8, 2, {},
                     ReadRanges(folder / "whole.jsonl.ranges.npy", 2));
  part.Append(std::span(kRows).subspan(0, 2));
  part.Append(std::vector<float>{100, -100});
  part.Commit();
  const std::string first = folder.Read("whole.jsonl");
  EXPECT_EQ(folder.Read("part.jsonl"),
            first.substr(0, first.find('\n') + 1) + "{\"index\": 1, \"embedding\": [127, -128]}\n");
  EXPECT_EQ(part.clipped(), 2);
  EXPECT_EQ(folder.Read("part.jsonl.ranges.npy"), folder.Read("whole.jsonl.ranges.npy"));
}

TEST(EmbeddingFile, LeavesNothingWhereItIsCancelledOrAbandoned) {
  struct Cancelled {};
  const TestFolder folder;
  {
    EmbeddingFile file(folder / "v.npy", Precision::kInt8, 2, [] { throw Cancelled(); });
    file.Append(kRows);
    EXPECT_THROW(file.Commit(), Cancelled);
  }
  {
    EmbeddingFile file(folder / "v.npy", Precision::kFloat32, 2);
    file.Append(kRows);
  }
  EXPECT_THAT(folder.Names(), IsEmpty());
}

}  // namespace
}  // namespace lacos
