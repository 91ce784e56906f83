// Vectors that are kept between runs are found again, never for another text and never if damaged.
#include "lacos/eval/tasks/vector_cache.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lacos {
namespace {

class Cache : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }
  VectorCache Open(const std::string& model = "a") {
    Json identity = Json::Object();
    identity.Set("model", model);
    return VectorCache(folder_, identity, 3,
                       [&](const std::string& line) { said_ += line + "\n"; });
  }
  std::string folder_ = testing::TempDir() + "lacos-vector-cache";
  std::string said_;
  const std::vector<float> one_ = {1, 2, 3}, two_ = {4, 5, 6};
  std::vector<float> out_ = {0, 0, 0};
};

TEST_F(Cache, GivesBackWhatWasKeptToTheModelThatMadeIt) {
  {
    VectorCache cache = Open();
    cache.Add("one", one_);
    cache.Add("", two_);
    EXPECT_TRUE(cache.Read("one", out_));
    EXPECT_EQ(out_, one_);
  }
  VectorCache again = Open();
  EXPECT_EQ(again.size(), 2);
  EXPECT_TRUE(again.Read("", out_));
  EXPECT_EQ(out_, two_);
  EXPECT_FALSE(again.Read("other", out_));
  EXPECT_FALSE(Open("b").Read("one", out_));
  EXPECT_EQ(said_, "");
}

TEST_F(Cache, DoesNotUseADamagedVector) {
  std::string path;
  {
    VectorCache cache = Open();
    cache.Add("one", one_);
    cache.Add("two", two_);
    path = cache.path();
  }
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(size - 12);  // a byte in the last vector
  file.put('x');
  file.close();
  VectorCache cache = Open();
  EXPECT_FALSE(cache.Read("two", out_));
  EXPECT_TRUE(cache.Read("one", out_));
  cache.Add("two", two_);
  EXPECT_TRUE(cache.Read("two", out_));
  EXPECT_EQ(out_, two_);
}

TEST_F(Cache, CutsOffWhatAKilledRunLeft) {
  std::string path;
  {
    VectorCache cache = Open();
    cache.Add("one", one_);
    cache.Add("two", two_);
    path = cache.path();
  }
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 5);
  {
    VectorCache cache = Open();
    EXPECT_EQ(cache.size(), 1);
    cache.Add("three", two_);
  }
  VectorCache cache = Open();
  EXPECT_EQ(cache.size(), 2);
  EXPECT_TRUE(cache.Read("one", out_));
  EXPECT_TRUE(cache.Read("three", out_));
}

TEST_F(Cache, BeginsAnewWhereItsHeaderIsDamaged) {
  std::string path;
  {
    VectorCache cache = Open();
    cache.Add("one", one_);
    path = cache.path();
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.put('x');
  file.close();
  VectorCache cache = Open();
  EXPECT_FALSE(cache.Read("one", out_));
  EXPECT_NE(said_.find("begun anew"), std::string::npos);
}

TEST_F(Cache, OnlyReadsWhileAnotherRunAdds) {
  VectorCache first = Open();
  first.Add("one", one_);
  VectorCache second = Open();
  EXPECT_TRUE(second.Read("one", out_));
  second.Add("two", two_);
  EXPECT_FALSE(second.Read("two", out_));
  EXPECT_NE(said_.find("only reads"), std::string::npos);
}

}  // namespace
}  // namespace lacos
