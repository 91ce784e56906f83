// Files that are not text, known by their first bytes, so that a message can name their format.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lacos {

// So many bytes decide.
inline constexpr size_t kForeignFormatBytes = 512;

// Throws UserError if a file or stream that should be text begins like Parquet, Arrow, bzip2, xz,
// zip (.xlsx), tar, an older spreadsheet, a pickle, .npy, safetensors, GGUF, HDF5, SQLite, XML, PDF or
// 7-Zip, or has the zero bytes of UTF-16. The message names the format and what makes text of it.
// `start` are the first bytes, after decompression.
void RefuseForeignFormat(std::string_view start, const std::string& name);

// Whether files with this name belong to one of these formats, by their suffix.
bool HasForeignSuffix(std::string_view name);

}  // namespace lacos
