// Decompresses the body of a request that was sent with Content-Encoding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lacos/serve/message.h"

namespace lacos::serve {

// Whether the value of Content-Encoding names no compression.
bool IsIdentityCoding(std::string_view coding);
// Whether the value of Content-Encoding is one that Unpack reads: gzip or x-gzip.
bool IsKnownCoding(std::string_view coding);

// Replaces a gzip body by its contents. Returns the refusal for bytes that are no gzip (400), for
// contents of more than `limit` bytes (413) and for contents that are more than 250 times as large
// as their compressed bytes once they exceed 64 KiB (413).
std::optional<HttpRefusal> UnpackGzip(std::string& body, int64_t limit);

}  // namespace lacos::serve
