// Reads past the kernel's cache return the bytes of the file, wherever they begin and end.
#include "lacos/io/direct_reader.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "lacos/base/error.h"

namespace lacos {
namespace {

class DirectReads : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string parent =
        GetParam()[0] == 0 ? std::filesystem::temp_directory_path().string() : GetParam();
    if (!std::filesystem::is_directory(parent)) GTEST_SKIP() << "no " << parent << " here";
    folder_ = parent + "/lacos_direct_XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/file";
    for (size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<char>(i * 2654435761u >> 24);
    std::ofstream(path_, std::ios::binary)
        .write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  std::string folder_, path_;
  std::vector<char> bytes_ = std::vector<char>(100'003);
};

TEST_P(DirectReads, GiveTheFilesBytes) {
  const MappedFile file(path_);
  DirectReader reader(file);
  const auto size = static_cast<int64_t>(bytes_.size());
  const Buffer buffer = AllocateForDirectReads(DirectReader::Room(0, size));
  ASSERT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % DirectReader::kAlignment, 0u);
  for (const int64_t begin : {0, 1, 4095, 4096, 4097, 50'000, 98'304, 100'002}) {
    for (const int64_t end :
         {begin, begin + 1, int64_t{4096}, int64_t{8192}, int64_t{60'001}, size}) {
      if (end < begin || end > size) continue;
      ASSERT_LE(DirectReader::Room(begin, end - begin), static_cast<int64_t>(buffer.size()));
      std::fill(buffer.data(), buffer.data() + buffer.size(), std::byte{0x55});
      const std::byte* read = reader.Read(begin, end - begin, buffer.data());
      EXPECT_EQ(read - buffer.data(), begin % DirectReader::kAlignment);
      EXPECT_TRUE(std::equal(read, read + (end - begin),
                             reinterpret_cast<const std::byte*>(&bytes_[0]) + begin))
          << begin << " to " << end;
    }
  }
}

TEST_P(DirectReads, SayThatAFileEndsEarly) {
  const MappedFile file(path_);
  DirectReader reader(file);
  std::filesystem::resize_file(path_, 50'000);
  const Buffer buffer = AllocateForDirectReads(DirectReader::Room(0, 100'003));
  EXPECT_NO_THROW(reader.Read(40'000, 10'000, buffer.data()));
  EXPECT_THROW(reader.Read(40'000, 10'001, buffer.data()), UserError);
  EXPECT_THROW(reader.Read(70'000, 10, buffer.data()), UserError);
}

// Tests the folder for temporary files and a file system that has no direct reads before Linux 6.6.
INSTANTIATE_TEST_SUITE_P(FileSystems, DirectReads, ::testing::Values("", "/dev/shm"));

}  // namespace
}  // namespace lacos
