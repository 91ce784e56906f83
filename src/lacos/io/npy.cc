#include "lacos/io/npy.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/io/mapped_file.h"

namespace lacos {
namespace {

// The size of the magic number, the version, the header length and the padded header. It is a
// multiple of 64, as NumPy demands, and has room for any N.
constexpr size_t kHeaderBytes = 128;
constexpr std::string_view kNpyMagic = "\x93NUMPY";

std::string MakeHeader(DType dtype, int64_t rows, int64_t cols) {
  const std::string_view descr = kDTypeNames[dtype].numpy;
  LACOS_CHECK(!descr.empty(), "npy has the type");
  std::string text(kNpyMagic);
  text += std::string_view("\x01\x00", 2);
  const auto size = static_cast<uint16_t>(kHeaderBytes - 10);
  text.append(reinterpret_cast<const char*>(&size), 2);
  text += fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}", descr, rows,
                      cols);
  LACOS_CHECK(text.size() < kHeaderBytes, "the header has room");
  text.append(kHeaderBytes - 1 - text.size(), ' ');
  return text + '\n';
}

// Reads the Python dict literal of a header. It may hold quoted strings, True, False and tuples of
// integers, nothing else.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  void Parse() {
    Expect('{');
    while (!Accept('}')) {
      const std::string_view key = String();
      Expect(':');
      if (key == "descr") {
        descr = String();
      } else if (key == "fortran_order") {
        fortran = Word() == "True";
      } else if (key == "shape") {
        shape = Tuple();
      } else {
        Fail(fmt::format("found the key '{}'", key));
      }
      if (!Accept(',')) {
        Expect('}');
        break;
      }
    }
    if (descr.empty() || !fortran || !shape) Fail("lacks descr, fortran_order or shape");
  }

  std::string_view descr;
  std::optional<bool> fortran;
  std::optional<std::vector<int64_t>> shape;

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw UserError(fmt::format(
        "[{}] header {}; expected descr, fortran_order and shape as numpy.save writes them; save "
        "the array again",
        path_, what));
  }
  void SkipWhitespace() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n')) text_.remove_prefix(1);
  }
  bool Accept(char c) {
    SkipWhitespace();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void Expect(char c) {
    if (!Accept(c)) Fail(fmt::format("lacks '{}'", c));
  }
  std::string_view Take(size_t n) {
    const std::string_view taken = text_.substr(0, n);
    text_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view String() {
    Expect('\'');
    const size_t end = text_.find('\'');
    if (end == std::string_view::npos) Fail("has an open quote");
    const std::string_view taken = Take(end);
    Expect('\'');
    return taken;
  }
  std::string_view Word() {
    SkipWhitespace();
    const std::string_view word = Take(text_.starts_with("True") ? 4 : 5);
    if (word != "True" && word != "False")
      Fail("has a fortran_order that is neither True nor False");
    return word;
  }
  std::vector<int64_t> Tuple() {
    std::vector<int64_t> dims;
    Expect('(');
    while (!Accept(')')) {
      SkipWhitespace();
      int64_t value = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
      if (error != std::errc() || value < 0) Fail("has a shape that is no tuple of sizes");
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      dims.push_back(value);
      if (!Accept(',')) {
        Expect(')');
        break;
      }
    }
    return dims;
  }

  std::string_view text_;
  const std::string& path_;
};

}  // namespace

NpyWriter::NpyWriter(const std::string& path, DType dtype, int64_t cols)
    : file_(path), dtype_(dtype), cols_(cols) {
  LACOS_CHECK(cols > 0, "a row has columns");
  file_.WriteText(MakeHeader(dtype_, 0, cols_));
}

void NpyWriter::WriteRows(std::span<const std::byte> rows) {
  const size_t row_bytes = static_cast<size_t>(cols_) * SizeOf(dtype_);
  LACOS_CHECK(rows.size() % row_bytes == 0, "whole rows are written");
  file_.Write(rows);
  bytes_ += static_cast<int64_t>(rows.size());
}

void NpyWriter::Commit() {
  const int64_t rows = bytes_ / (cols_ * static_cast<int64_t>(SizeOf(dtype_)));
  const std::string header = MakeHeader(dtype_, rows, cols_);
  file_.WriteAt(0, std::as_bytes(std::span(header)));
  file_.Commit();
}

NpyArray ReadNpy(const std::string& path) {
  const MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  if (!text.starts_with(kNpyMagic) || text.size() < 12) {
    throw UserError(
        fmt::format("[{}] does not start as an .npy file; expected one; check the path", path));
  }
  const auto byte = [&](size_t i) {
    return static_cast<size_t>(static_cast<unsigned char>(text[i]));
  };
  const size_t version = byte(6);
  if (version < 1 || version > 3) {
    throw UserError(fmt::format("[{}] has format version {}; expected 1 to 3; save the array again",
                                path, version));
  }
  const size_t begin = version == 1 ? 10 : 12;
  const size_t header = version == 1 ? byte(8) | byte(9) << 8
                                     : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  if (header > text.size() - begin) {
    throw UserError(
        fmt::format("[{}] ends inside its header; expected the whole file; copy it again", path));
  }
  HeaderParser parser(text.substr(begin, header), path);
  parser.Parse();

  NpyArray array;
  bool known = false;
  for (const DTypeNames& names : kDTypeNames) {
    const std::string_view numpy = names.numpy;
    if (!numpy.empty() && numpy.substr(1) == parser.descr.substr(1) &&
        (parser.descr[0] == numpy[0] || names.bytes == 1)) {
      array.dtype = names.value;
      known = true;
    }
  }
  if (!known) {
    throw UserError(fmt::format(
        "[{}] has the type '{}'; expected little-endian f2, f4, f8, i1, u1, i4 or i8; convert it "
        "with astype",
        path, parser.descr));
  }
  array.shape = *parser.shape;
  if (*parser.fortran && array.shape.size() > 1) {
    throw UserError(fmt::format(
        "[{}] is in Fortran order; expected C order; save numpy.ascontiguousarray of it", path));
  }
  std::optional<int64_t> bytes = static_cast<int64_t>(SizeOf(array.dtype));
  for (const int64_t d : array.shape) bytes = bytes ? CheckedMultiply(*bytes, d) : bytes;
  const auto found = static_cast<int64_t>(text.size() - begin - header);
  if (!bytes || *bytes != found) {
    throw UserError(
        fmt::format("[{}] has {} bytes of data; expected {} for its shape; copy the file again",
                    path, found, bytes ? std::to_string(*bytes) : "more than any file has"));
  }
  const auto data = file.bytes().subspan(begin + header);
  array.data.assign(data.begin(), data.end());
  return array;
}

}  // namespace lacos
