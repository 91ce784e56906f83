// Vectors that were stored in a file, in every precision that can be read back.
#include "lacos/search/stored_vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/search/embedding_file.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

constexpr float kStoredRows[] = {0.5f, -1, 2, 0.25f, 3, -0.75f, 1.5f, 0};  // [4, 2]

std::string Store(const TestFolder& folder, const std::string& name, Precision precision) {
  EmbeddingFile file(folder / name, precision, 2);
  file.Append(kStoredRows);
  file.Commit();
  return folder / name;
}

TEST(StoredVectors, FloatsAreReadAsTheyWereWritten) {
  const TestFolder folder;
  for (const char* name : {"a.npy", "a.jsonl"}) {
    for (const Precision precision : {Precision::kFloat32, Precision::kFloat16}) {
      const VectorFile file =
          ReadStoredVectors(Store(folder, std::string(Name(precision)) + name, precision));
      EXPECT_EQ(file.d, 2);
      EXPECT_THAT(file.values, testing::ElementsAreArray(kStoredRows));
    }
  }
}

TEST(StoredVectors, CodesAreReadWithinHalfAStep) {
  const TestFolder folder;
  for (const Precision precision : {Precision::kInt8, Precision::kUint8}) {
    const VectorFile file =
        ReadStoredVectors(Store(folder, std::string(Name(precision)) + ".npy", precision));
    ASSERT_EQ(file.values.size(), std::size(kStoredRows));
    for (size_t i = 0; i < file.values.size(); ++i) {
      const double step = (i % 2 == 0 ? 3 - 0.5 : 0.25 + 1) / 255;
      EXPECT_NEAR(file.values[i], kStoredRows[i], 0.51 * step);
    }
  }
}

void ExpectRefusal(const std::string& path, const std::string& what) {
  try {
    ReadStoredVectors(path);
    ADD_FAILURE() << path << " was read";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(what));
  }
}

TEST(StoredVectors, WhatIsNoVectorsIsRefused) {
  const TestFolder folder;
  ExpectRefusal(Store(folder, "signs.npy", Precision::kUbinary), "without their ranges");
  folder.Write("texts.jsonl", "{\"text\": \"a\"}\n");
  ExpectRefusal(folder / "texts.jsonl", "no key 'embedding'");
  folder.Write("ragged.jsonl", "{\"embedding\": [1, 2]}\n{\"embedding\": [1]}\n");
  ExpectRefusal(folder / "ragged.jsonl", "ragged.jsonl:2] has 1 values; expected 2");
  folder.Write("none.jsonl", "{\"embedding\": []}\n");
  ExpectRefusal(folder / "none.jsonl", "at least one");
  folder.Write("large.jsonl", "{\"embedding\": [1e300]}\n");
  ExpectRefusal(folder / "large.jsonl", "expected finite numbers");
  ExpectRefusal(folder / "absent.npy", "absent.npy");
}

}  // namespace
}  // namespace lacos
