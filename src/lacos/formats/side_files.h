// The small files beside the weights: which ones a derived folder takes over, and how they are
// copied.
#pragma once

#include <string>
#include <vector>

namespace lacos {

// tokenizer.json and everything that tokenizers of transformers keep beside it.
const std::vector<std::string>& TokenizerFileNames();

// Copies the named files (which may be in subfolders) that exist in `from`; returns those copied.
// Throws UserError.
std::vector<std::string> CopyFiles(const std::string& from, const std::string& to,
                                   const std::vector<std::string>& names);

// What a folder with the same model in another number format keeps: tokenizer, licence, README,
// generation settings, and the sentence-transformers modules when the folder is such a model.
// Returns the names copied.
std::vector<std::string> CopySideFiles(const std::string& from, const std::string& to);

// `path` as an absolute one without dots, for records that outlive the working directory.
std::string AbsolutePath(const std::string& path);

}  // namespace lacos
