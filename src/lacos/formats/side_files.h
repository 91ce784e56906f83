// The small files beside the weights: which of them belong into a derived folder, and how they are
// copied.
#pragma once

#include <string>
#include <vector>

namespace lacos {

// The names of tokenizer.json and all files that tokenizers of transformers keep beside it.
const std::vector<std::string>& TokenizerFileNames();

// Copies those of the named files, which may be in subfolders, that exist in `from`. Returns the
// names of the copied files. Throws UserError if copying fails.
std::vector<std::string> CopyFiles(const std::string& from, const std::string& to,
                                   const std::vector<std::string>& names);

// Copies the files that a folder with the same model in another number format keeps: tokenizer,
// licence, README, generation settings, and the modules of a sentence-transformers model. Returns
// the names of the copied files.
std::vector<std::string> CopySideFiles(const std::string& from, const std::string& to);

// `path` as an absolute path without dots, for records that outlive the working directory.
std::string AbsolutePath(const std::string& path);

}  // namespace lacos
