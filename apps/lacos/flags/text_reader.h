// Reads texts from a file or stdin: one per line, or one field of .jsonl objects.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lacos/io/line_reader.h"

namespace lacos::cli {

struct TextInput {
  std::string path;   // "-" means stdin
  std::string field;  // name of the field of .jsonl objects; if given, stdin is read as .jsonl
  bool replace_invalid = false;
};
// Adds --input, --field and --replace-invalid.
void AddTextInputOptions(CLI::App* command, TextInput& input, const std::string& description);

// Streams texts in constant memory.
class TextReader {
 public:
  explicit TextReader(const TextInput& input);

  bool Next(std::string& text);
  int64_t line_number() const { return lines_.line_number(); }
  // The place of the text that was returned last, as "[file:line]".
  std::string Where() const;
  // The share of the input that has been read, if it is known (for a file that is not compressed).
  std::optional<double> Fraction() const;

  // Fills `texts` with the next texts, at most `count` and about `bytes` bytes. Returns false if
  // there were none.
  bool NextBlock(size_t count, size_t bytes, std::vector<std::string>& texts);

 private:
  TextInput input_;
  bool is_jsonl_ = false;
  LineReader lines_;
  std::string line_;
  int64_t bytes_read_ = 0, bytes_total_ = 0;
};

}  // namespace lacos::cli
