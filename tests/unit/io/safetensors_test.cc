// safetensors: files that are written are read back, and each rule of the specification
// is enforced.
#include "lacos/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string File(const std::string& header, size_t data_bytes) {
  std::string text(8, '\0');
  const uint64_t n = header.size();
  std::memcpy(text.data(), &n, 8);
  return text + header + std::string(data_bytes, 'd');
}

class SafetensorsTest : public ::testing::Test {
 protected:
  std::string Error(const std::string& bytes) {
    return ErrorOf([&] { SafetensorsFile(folder_.Write("m.safetensors", bytes)); });
  }
  TestFolder folder_;
};

TEST_F(SafetensorsTest, ReadsWhatTheWriterWrote) {
  const std::string path = folder_ / "m.safetensors";
  SafetensorsWriter writer(path, {{"format", "pt"}, {"note", "x"}});
  writer.Declare("codes", DType::kI8, {3, 5});
  writer.Declare("scale", DType::kF32, {3});
  writer.Declare("half", DType::kBF16, {7});
  writer.Declare("wide", DType::kI64, {2});
  writer.Declare("none", DType::kF32, {0, 4});
  writer.Declare("scalar", DType::kF64, {});
  std::map<std::string, std::string> contents;
  for (const TensorEntry& entry : writer.Begin()) {
    std::string bytes(static_cast<size_t>(entry.bytes), '\0');
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(entry.name[0] + i * 3);
    contents[entry.name] = bytes;
    writer.Write(std::as_bytes(std::span(bytes)).first(bytes.size() / 2));
    writer.Write(std::as_bytes(std::span(bytes)).subspan(bytes.size() / 2));
  }
  writer.Finish();

  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"note", "x"}}));
  ASSERT_EQ(file.tensors().size(), 6u);
  for (const TensorEntry& entry : file.tensors()) {
    const auto data = file.Data(entry);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(data.data()), data.size()),
              contents[entry.name])
        << entry.name;
    EXPECT_EQ(entry.offset % static_cast<int64_t>(SizeOf(entry.dtype)), 0)
        << entry.name << " is aligned";
  }
  EXPECT_EQ(file.Find("codes")->shape, (std::vector<int64_t>{3, 5}));
  EXPECT_EQ(file.Find("codes")->Elements(), 15);
  EXPECT_EQ(file.Find("scalar")->Elements(), 1);
  EXPECT_EQ(file.Find("none")->Elements(), 0);
  EXPECT_EQ(file.Find("absent"), nullptr);
}

TEST_F(SafetensorsTest, WritesInAnyOrder) {
  const std::string path = folder_ / "m.safetensors";
  SafetensorsWriter writer(path);
  writer.Declare("a", DType::kU8, {4});
  writer.Declare("b", DType::kU8, {4});
  const std::vector<TensorEntry> entries = writer.Begin();
  const auto bytes = [](const char* text) { return std::as_bytes(std::span<const char>(text, 2)); };
  writer.WriteAt(entries[1], 2, bytes("B2"));
  writer.WriteAt(entries[0], 0, bytes("A1"));
  writer.WriteAt(entries[1], 0, bytes("B1"));
  writer.WriteAt(entries[0], 2, bytes("A2"));
  writer.Finish();
  const std::string text = folder_.Read("m.safetensors");
  EXPECT_EQ(text.substr(text.size() - 8), "A1A2B1B2");
}

TEST_F(SafetensorsTest, WritesTheSameBytesEachTime) {
  for (const char* name : {"1", "2"}) {
    SafetensorsWriter writer(folder_ / name);
    writer.Declare("b", DType::kU8, {1});
    writer.Declare("a", DType::kF32, {1});
    writer.Begin();
    writer.Write(std::as_bytes(std::span<const char>("abcd", 4)));
    writer.Write(std::as_bytes(std::span<const char>("e", 1)));
    writer.Finish();
  }
  EXPECT_EQ(folder_.Read("1"), folder_.Read("2"));
  const std::string header =
      R"({"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, )"
      R"("b": {"dtype": "U8", "shape": [1], "data_offsets": [4, 5]}})";
  const std::string text = folder_.Read("1");
  EXPECT_EQ(text.substr(8, header.size()), header);
  EXPECT_EQ(text.size() % 8, 5u) << "the header ends at a multiple of 8";
}

TEST_F(SafetensorsTest, SaysThatTheDiskIsFull) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  SafetensorsWriter writer("/dev/full");
  writer.Declare("a", DType::kU8, {4});
  EXPECT_THAT(ErrorOf([&] { writer.Begin(); }),
              HasSubstr("[/dev/full] could not write: No space left on device"));
  EXPECT_THAT(ErrorOf([&] { SafetensorsWriter(folder_ / "none/m"); }),
              HasSubstr("could not create: No such file"));
}

TEST_F(SafetensorsTest, AcceptsNoTensorsAndHeadersPaddedWithSpaces) {
  EXPECT_TRUE(SafetensorsFile(folder_.Write("m", File("{}   ", 0))).tensors().empty());
}

TEST_F(SafetensorsTest, ReadsTensorsInTheOrderOfTheirBytes) {
  const SafetensorsFile file(
      folder_.Write("m", File(R"({"late":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},
      "early":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                              6)));
  EXPECT_EQ(file.tensors()[0].name, "early");
  EXPECT_EQ(file.tensors()[1].name, "late");
}

TEST_F(SafetensorsTest, SaysHowMuchOfATruncatedFileIsThere) {
  const std::string header = R"({"w":{"dtype":"F32","shape":[500000],"data_offsets":[0,2000000]}})";
  EXPECT_THAT(Error(File(header, 500000)),
              AllOf(HasSubstr("m.safetensors] is 0.5 of 2.0 MB: truncated"),
                    HasSubstr("download it again")));
  EXPECT_THAT(Error(File(header, 1999999)), HasSubstr("of 2000073 bytes: truncated"));
  const std::string whole = File(R"({"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})", 3);
  for (size_t n = 0; n < whole.size(); ++n)
    EXPECT_THAT(Error(whole.substr(0, n)), HasSubstr("truncated")) << n;
}

TEST_F(SafetensorsTest, RefusesHolesOverlapAndBytesThatBelongToNobody) {
  const auto two = [](int begin, int end) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[)" +
           std::to_string(begin) + "," + std::to_string(end) + "]}}";
  };
  EXPECT_NO_THROW(SafetensorsFile(folder_.Write("m", File(two(4, 8), 8))));
  EXPECT_THAT(Error(File(two(5, 9), 9)),
              AllOf(HasSubstr("tensor 'b' begins at"), HasSubstr("where 'a' ends")));
  EXPECT_THAT(Error(File(two(3, 7), 8)), HasSubstr("without holes or overlap"));
  EXPECT_THAT(Error(File(two(0, 4), 4)), HasSubstr("without holes or overlap"));
  EXPECT_THAT(Error(File(two(4, 8), 9)), HasSubstr("has 1 bytes after its last tensor"));
  EXPECT_THAT(Error(File(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}})", 5)),
              HasSubstr("where the header ends"));
}

TEST_F(SafetensorsTest, RefusesSizesThatDoNotFitTheShape) {
  const auto one = [](const std::string& dtype, const std::string& shape,
                      const std::string& offsets) {
    return File("{\"w\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
                    ",\"data_offsets\":" + offsets + "}}",
                8);
  };
  EXPECT_NO_THROW(SafetensorsFile(folder_.Write("m", one("F32", "[2]", "[0,8]"))));
  EXPECT_THAT(Error(one("F32", "[3]", "[0,8]")),
              HasSubstr("tensor 'w' has 8 bytes; expected 12 for F32 [3]"));
  EXPECT_THAT(Error(one("F32", "[4294967296,4294967296]", "[0,8]")),
              HasSubstr("expected over 2^63"));
  EXPECT_THAT(Error(one("F32", "[-2]", "[0,8]")), HasSubstr("has the dimension -2"));
  EXPECT_THAT(Error(one("F32", "[2.5]", "[0,8]")), HasSubstr("w.shape[0]] found the number 2.5"));
  EXPECT_THAT(Error(one("F32", "[2]", "[8,0]")), HasSubstr("expected an ascending range"));
  EXPECT_THAT(Error(one("F32", "[2]", "[-8,0]")), HasSubstr("expected an ascending range"));
  EXPECT_THAT(Error(one("F32", "[2]", "[0,4,8]")), HasSubstr("has 3 data_offsets"));
  EXPECT_THAT(Error(one("F32", "[2]", "[9223372036854775799,9223372036854775807]")),
              HasSubstr("tensor 'w'"));
  EXPECT_THAT(Error(one("F32", "[2]", "[0,18446744073709551615]")),
              HasSubstr("expected an integer"));
}

TEST_F(SafetensorsTest, NamesTensorAndTypeThatItDoesNotKnow) {
  for (const char* type : {"F8_E4M3", "BOOL", "U16", "f32", "C128"}) {
    EXPECT_THAT(Error(File(std::string("{\"w\":{\"dtype\":\"") + type +
                               "\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                           1)),
                HasSubstr(std::string("tensor 'w' has the type ") + type + "; expected F64"));
  }
}

TEST_F(SafetensorsTest, RefusesHeadersThatAreNoObjectOfTensors) {
  EXPECT_THAT(Error(File("[]", 0)), HasSubstr("does not start with '{'"));
  EXPECT_THAT(Error(File(" {}", 0)), HasSubstr("does not start with '{'"));
  EXPECT_THAT(Error(File("", 0)), HasSubstr("does not start with '{'"));
  EXPECT_THAT(Error(File("{\"a\":", 0)), HasSubstr("expected valid JSON"));
  EXPECT_THAT(Error(File("{\"w\":1}", 0)), HasSubstr("w] found the number 1"));
  EXPECT_THAT(Error(File("{\"w\":{\"dtype\":\"U8\"}}", 0)), HasSubstr("w] has no key 'shape'"));
  EXPECT_THAT(Error(File(R"({"__metadata__":{"a":1}})", 0)),
              HasSubstr("__metadata__.a] found the number 1"));
  const std::string entry = R"("w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_THAT(Error(File("{" + entry + "," + entry + "}", 1)), HasSubstr("the key \"w\" twice"));
  std::string huge(16, '\xFF');
  EXPECT_THAT(Error(huge), HasSubstr("expected at most 100000000"));
}

TEST_F(SafetensorsTest, RecognizesOtherFilesByTheirFirstBytes) {
  EXPECT_THAT(Error("PK\x03\x04 and more of it"), HasSubstr("zip archive"));
}

}  // namespace
}  // namespace lacos
