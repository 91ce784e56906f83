#include "lacos/serve/http/content_coding.h"

#include <fmt/format.h>
#include <zlib.h>

#include <new>
#include <utility>

#include "lacos/serve/http/head.h"
#include "lacos/serve/limits.h"

namespace lacos::serve {
namespace {

constexpr auto kMaxExpansion = static_cast<size_t>(kMaxGzipExpansion);
constexpr size_t kFreeBytes = size_t{64} << 10;
constexpr size_t kStep = size_t{64} << 10;
constexpr int kGzipWindow = 15 + 16;  // zlib's mark for gzip alone

HttpRefusal CodingRefusal(int status, std::string code, std::string message) {
  return {.status = status,
          .code = std::move(code),
          .message = std::move(message),
          .headers = {},
          .target = {}};
}

struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, kGzipWindow) == Z_OK;
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

}  // namespace

bool IsIdentityCoding(std::string_view coding) {
  return coding.empty() || ToLower(coding) == "identity";
}

bool IsKnownCoding(std::string_view coding) {
  const std::string word = ToLower(coding);
  return word == "gzip" || word == "x-gzip";
}

std::optional<HttpRefusal> UnpackGzip(std::string& body, int64_t limit) {
  Inflater inflater;
  if (!inflater.ready) throw std::bad_alloc();
  z_stream& stream = inflater.stream;
  stream.next_in = reinterpret_cast<Bytef*>(body.data());
  stream.avail_in = static_cast<uInt>(body.size());
  std::string contents;
  for (;;) {
    const size_t size = contents.size();
    contents.resize(size + kStep);
    stream.next_out = reinterpret_cast<Bytef*>(contents.data() + size);
    stream.avail_out = static_cast<uInt>(kStep);
    const int status = inflate(&stream, Z_NO_FLUSH);
    contents.resize(size + kStep - stream.avail_out);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status != Z_OK && status != Z_STREAM_END) {
      return CodingRefusal(
          400, "bad_gzip",
          "[body] found no complete gzip stream; expected one, as Content-Encoding says; compress it again");
    }
    if (static_cast<int64_t>(contents.size()) > limit) {
      return CodingRefusal(
          413, "body_too_large",
          fmt::format(
              "[body] decompressed, it has more than {} bytes; expected fewer; send the texts in several requests",
              limit));
    }
    if (contents.size() > kFreeBytes &&
        contents.size() / kMaxExpansion > body.size() - stream.avail_in) {
      return CodingRefusal(
          413, "gzip_bomb",
          fmt::format(
              "[body] it is more than {} times as large as its compressed bytes; expected text; send it uncompressed",
              kMaxExpansion));
    }
    if (status != Z_STREAM_END) continue;
    if (stream.avail_in == 0) break;
    // A gzip file may consist of several streams.
    if (inflateReset2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  body = std::move(contents);
  return std::nullopt;
}

}  // namespace lacos::serve
