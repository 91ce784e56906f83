// Texts to embed or tokenise: one a line, or one field of .jsonl objects, from a file or stdin.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lacos/io/line_reader.h"

namespace lacos::cli {

struct TextInput {
  std::string path;   // "-" is stdin
  std::string field;  // of .jsonl objects; for stdin, a given --field says that it is .jsonl
  bool replace_invalid = false;
};
// --input, --field, --replace-invalid. `is_required`: whether the command line must have --input.
void AddTextInputOptions(CLI::App* command, TextInput& input, const std::string& description);

// Streams texts in constant memory.
class TextReader {
 public:
  explicit TextReader(const TextInput& input);

  bool Next(std::string& text);
  int64_t line_number() const { return lines_.line_number(); }
  // "[file:line]" of the text last returned.
  std::string Where() const;
  // Share of the input that has been read, where that can be known (a plain file).
  std::optional<double> Fraction() const;

  // Fills `texts` with the next texts, at most `count` of them and at most about `bytes`; false
  // when there were none.
  bool NextBlock(size_t count, size_t bytes, std::vector<std::string>& texts);

 private:
  TextInput input_;
  bool is_jsonl_ = false;
  LineReader lines_;
  std::string line_;
  int64_t bytes_read_ = 0, bytes_total_ = 0;
};

}  // namespace lacos::cli
