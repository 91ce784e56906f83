// .npy files: the same bytes as numpy's are written, and everything else is refused.
#include "lacos/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;

std::string Npy(const std::string& dict, const std::string& data) {
  std::string header = dict + "\n";
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size());
  text += '\0';
  return text + header + data;
}

TEST(NpyWriter, WritesAHeaderThatNumpyReads) {
  const TestFolder folder;
  const std::vector<float> rows = {1, 2, 3, 4, 5, 6};
  NpyWriter writer(folder / "a.npy", DType::kF32, 2);
  writer.WriteRows(std::as_bytes(std::span(rows).first(2)));
  writer.WriteRows(std::as_bytes(std::span(rows).subspan(2)));
  writer.Commit();
  const std::string bytes = folder.Read("a.npy");
  ASSERT_EQ(bytes.size(), 128 + 24u);
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
  expected.append(127 - expected.size(), ' ');
  expected += '\n';
  EXPECT_EQ(bytes.substr(0, 128), expected);
  EXPECT_EQ(std::memcmp(bytes.data() + 128, rows.data(), 24), 0);
}

TEST(NpyWriter, WritesNoRowsAsAnEmptyMatrix) {
  const TestFolder folder;
  NpyWriter writer(folder / "a.npy", DType::kF16, 4);
  writer.Commit();
  const NpyArray array = ReadNpy(folder / "a.npy");
  EXPECT_EQ(array.shape, (std::vector<int64_t>{0, 4}));
  EXPECT_TRUE(array.data.empty());
}

TEST(ReadNpy, ReadsWhatNpyWriterWrites) {
  const TestFolder folder;
  for (const DType dtype :
       {DType::kF16, DType::kF32, DType::kF64, DType::kI8, DType::kU8, DType::kI32, DType::kI64}) {
    std::vector<std::byte> rows(5 * 3 * SizeOf(dtype));
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::byte>(i * 7);
    NpyWriter writer(folder / "a.npy", dtype, 3);
    writer.WriteRows(rows);
    writer.Commit();
    const NpyArray array = ReadNpy(folder / "a.npy");
    EXPECT_EQ(array.dtype, dtype);
    EXPECT_EQ(array.shape, (std::vector<int64_t>{5, 3}));
    EXPECT_EQ(array.data, rows);
  }
}

TEST(ReadNpy, ReadsVectorsAndScalars) {
  const TestFolder folder;
  const std::string path =
      folder.Write("a", Npy("{'descr': '|u1', 'fortran_order': True, 'shape': (3,)}", "abc"));
  EXPECT_EQ(ReadNpy(path).shape, (std::vector<int64_t>{3}));
  folder.Write("a", Npy("{'descr': '<i1', 'fortran_order': False, 'shape': (), }", "x"));
  EXPECT_TRUE(ReadNpy(path).shape.empty());
}

TEST(ReadNpy, RefusesWhatItCannotRead) {
  const TestFolder folder;
  const auto error = [&](const std::string& bytes) {
    return ErrorOf([&] { ReadNpy(folder.Write("a", bytes)); });
  };
  const std::string eight(8, '\0');
  EXPECT_THAT(error(""), HasSubstr("does not start as an .npy file"));
  EXPECT_THAT(error("PK\x03\x04"), HasSubstr("does not start as an .npy file"));
  EXPECT_THAT(error(Npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", eight)),
              HasSubstr("the type '>f4'"));
  EXPECT_THAT(error(Npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", eight)),
              HasSubstr("the type '|O'"));
  EXPECT_THAT(error(Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", eight)),
              HasSubstr("Fortran order"));
  EXPECT_THAT(error(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", eight)),
              HasSubstr("has 8 bytes of data; expected 12"));
  EXPECT_THAT(
      error(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
                eight)),
      HasSubstr("expected more than any file has"));
  EXPECT_THAT(error(Npy("{'descr': '<f4', 'shape': (2,), }", eight)), HasSubstr("lacks"));
  EXPECT_THAT(error(Npy("{'descr': '', 'fortran_order': False, 'shape': (2,), }", eight)),
              HasSubstr("lacks"));
  EXPECT_THAT(error(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", eight)),
              HasSubstr("no tuple of sizes"));
  const std::string whole = Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", eight);
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(error(whole.substr(0, n)).empty()) << n;
}

}  // namespace
}  // namespace lacos
