// Reads texts from a file or stdin: one per line, or one field of .jsonl objects.
#include "flags/text_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "flags/common.h"
#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "terminal/interrupt.h"

namespace lacos::cli {
namespace {

// The size of a regular file that is not compressed, else 0. Only for such a file do the bytes of
// the lines add up to its size.
int64_t PlainFileSize(const std::string& path) {
  std::error_code error;
  if (path.ends_with(".gz") || path.ends_with(".zst")) return 0;
  if (!std::filesystem::is_regular_file(path, error)) return 0;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<int64_t>(size);
}

}  // namespace

void AddTextInputOptions(CLI::App* command, TextInput& input, const std::string& description) {
  command->add_option("--input", input.path, description)->type_name("FILE")->required();
  command->add_option("--field", input.field, "Field of .jsonl input that holds the text")
      ->type_name("NAME")
      ->default_str("text");
  AddReplaceInvalidOption(command, input.replace_invalid);
}

TextReader::TextReader(const TextInput& input)
    : input_(input), lines_(input.path, {.replace_invalid = input.replace_invalid}) {
  is_jsonl_ = HasSuffix(input.path, ".jsonl") || HasSuffix(input.path, ".ndjson") ||
              (input.path == "-" && !input.field.empty());
  if (!is_jsonl_ && !input.field.empty()) {
    FailUsage("--field",
              fmt::format("found with the input '{}'; expected it with a .jsonl file or stdin",
                          input.path));
  }
  if (input_.field.empty()) input_.field = "text";
  bytes_total_ = PlainFileSize(input.path);
}

std::string TextReader::Where() const {
  return fmt::format("[{}:{}]", input_.path == "-" ? "stdin" : input_.path, lines_.line_number());
}

std::optional<double> TextReader::Fraction() const {
  if (bytes_total_ <= 0) return std::nullopt;
  return std::min(1.0, static_cast<double>(bytes_read_) / static_cast<double>(bytes_total_));
}

bool TextReader::Next(std::string& text) {
  if (!is_jsonl_) {
    if (!lines_.Next(text)) return false;
    bytes_read_ += static_cast<int64_t>(text.size()) + 1;
    return true;
  }
  if (!lines_.Next(line_)) return false;
  bytes_read_ += static_cast<int64_t>(line_.size()) + 1;
  const std::string where =
      fmt::format("{}:{}", input_.path == "-" ? "stdin" : input_.path, lines_.line_number());
  text = Json::Parse(line_, where).At(input_.field).AsString();
  return true;
}

bool TextReader::NextBlock(size_t count, size_t bytes, std::vector<std::string>& texts) {
  CheckInterrupt();
  size_t used = 0, filled = 0;
  while (filled < count && used < bytes) {
    if (filled == texts.size()) texts.emplace_back();
    if (!Next(texts[filled])) break;
    used += texts[filled].size() + 1;
    ++filled;
  }
  texts.resize(filled);
  CheckInterrupt();  // a signal also ends stdin
  return filled > 0;
}

}  // namespace lacos::cli
