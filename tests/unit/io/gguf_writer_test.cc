// The GGUF writer: the layout of its files, and what happens to incomplete ones.
#include "lacos/io/gguf_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "test_files.h"

namespace lacos {
namespace {

// Reads a file by the description of the format, independently of the writer.
class Cursor {
 public:
  explicit Cursor(std::string bytes) : bytes_(std::move(bytes)) {}
  template <class T>
  T Read() {
    T value{};
    EXPECT_LE(at_ + sizeof(T), bytes_.size());
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  std::string ReadString() {
    const auto size = Read<uint64_t>();
    const std::string text = bytes_.substr(at_, size);
    at_ += size;
    return text;
  }
  size_t at() const { return at_; }
  size_t size() const { return bytes_.size(); }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST(GgufWriterTest, HeaderMetadataAndPlacesFollowTheFormat) {
  const TestFolder folder;
  const std::string path = folder / "model.gguf";
  GgufWriter writer(path);
  writer.Set("a.string", "bloom");
  writer.Set("a.count", uint32_t{7});
  writer.Set("an.epsilon", 1e-5f);
  writer.Set("a.flag", true);
  writer.Set("some.strings", std::vector<std::string>{"x", "", "\xC4\xA0y"});
  const std::vector<int32_t> numbers = {1, -2};
  writer.Set("some.numbers", std::span<const int32_t>(numbers));
  writer.Declare("first", GgmlType::kF16, {3, 5});
  writer.Declare("second", GgmlType::kQ8_0, {2, 64});
  writer.Declare("third", GgmlType::kF32, {3});
  const std::vector<GgufTensor> tensors = writer.Begin();
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].bytes, 30);
  EXPECT_EQ(tensors[1].bytes, 2 * 2 * 34);
  EXPECT_EQ(tensors[2].bytes, 12);
  // Tensors are written in any order and in parts.
  writer.WriteAt(tensors[2], 0, Bytes("cccccccccccc"));
  writer.WriteAt(tensors[1], 0, Bytes(std::string(136, 'b')));
  writer.WriteAt(tensors[0], 15, Bytes(std::string(15, 'A')));
  writer.WriteAt(tensors[0], 0, Bytes(std::string(15, 'a')));
  EXPECT_FALSE(std::filesystem::exists(path));
  writer.Finish();

  const std::string contents = folder.Read("model.gguf");
  Cursor file(contents);
  EXPECT_EQ(file.Read<uint32_t>(), 0x46554747u);  // "GGUF"
  EXPECT_EQ(file.Read<uint32_t>(), 3u);
  EXPECT_EQ(file.Read<uint64_t>(), 3u);
  EXPECT_EQ(file.Read<uint64_t>(), 6u);
  EXPECT_EQ(file.ReadString(), "a.string");
  EXPECT_EQ(file.Read<uint32_t>(), 8u);
  EXPECT_EQ(file.ReadString(), "bloom");
  EXPECT_EQ(file.ReadString(), "a.count");
  EXPECT_EQ(file.Read<uint32_t>(), 4u);
  EXPECT_EQ(file.Read<uint32_t>(), 7u);
  EXPECT_EQ(file.ReadString(), "an.epsilon");
  EXPECT_EQ(file.Read<uint32_t>(), 6u);
  EXPECT_EQ(file.Read<float>(), 1e-5f);
  EXPECT_EQ(file.ReadString(), "a.flag");
  EXPECT_EQ(file.Read<uint32_t>(), 7u);
  EXPECT_EQ(file.Read<uint8_t>(), 1u);
  EXPECT_EQ(file.ReadString(), "some.strings");
  EXPECT_EQ(file.Read<uint32_t>(), 9u);
  EXPECT_EQ(file.Read<uint32_t>(), 8u);
  EXPECT_EQ(file.Read<uint64_t>(), 3u);
  EXPECT_EQ(file.ReadString(), "x");
  EXPECT_EQ(file.ReadString(), "");
  EXPECT_EQ(file.ReadString(), "\xC4\xA0y");
  EXPECT_EQ(file.ReadString(), "some.numbers");
  EXPECT_EQ(file.Read<uint32_t>(), 9u);
  EXPECT_EQ(file.Read<uint32_t>(), 5u);
  EXPECT_EQ(file.Read<uint64_t>(), 2u);
  EXPECT_EQ(file.Read<int32_t>(), 1);
  EXPECT_EQ(file.Read<int32_t>(), -2);

  const std::vector<std::vector<uint64_t>> shapes = {{5, 3}, {64, 2}, {3}};
  const std::vector<uint32_t> types = {1, 8, 0};
  std::vector<uint64_t> places;
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(file.ReadString(), tensors[i].name);
    ASSERT_EQ(file.Read<uint32_t>(), shapes[i].size());
    for (const uint64_t dimension : shapes[i]) EXPECT_EQ(file.Read<uint64_t>(), dimension);
    EXPECT_EQ(file.Read<uint32_t>(), types[i]);
    places.push_back(file.Read<uint64_t>());
    EXPECT_EQ(places.back() % 32, 0u);
  }
  const size_t data = (file.at() + 31) / 32 * 32;
  EXPECT_EQ(contents.substr(data + places[0], 30), std::string(15, 'a') + std::string(15, 'A'));
  EXPECT_EQ(contents.substr(data + places[1], 136), std::string(136, 'b'));
  EXPECT_EQ(contents.substr(data + places[2], 12), "cccccccccccc");
  EXPECT_EQ(contents[data + places[0] + 30], '\0');
  EXPECT_EQ(contents.size() % 32, 0u);
  EXPECT_EQ(static_cast<int64_t>(data + places[1]), tensors[1].offset);
}

TEST(GgufWriterTest, AnUnfinishedFileLeavesNothingBehind) {
  const TestFolder folder;
  {
    GgufWriter writer(folder / "model.gguf");
    writer.Set("a", uint32_t{1});
    writer.Declare("t", GgmlType::kF32, {4});
    writer.Begin();
  }
  EXPECT_EQ(folder.CountEntries(), 0u);
}

TEST(GgufWriterDeathTest, AMissingByteIsCaught) {
  EXPECT_DEATH(
      {
        const TestFolder folder;
        GgufWriter writer(folder / "model.gguf");
        writer.Declare("t", GgmlType::kF32, {4});
        const auto tensors = writer.Begin();
        writer.WriteAt(tensors[0], 0, Bytes("abcd"));
        writer.Finish();
      },
      "every byte");
}

}  // namespace
}  // namespace lacos
