#include "lacos/data/cells.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>

#include "lacos/base/error.h"

namespace lacos {
namespace {

std::string CanonicalSplit(std::string_view name) {
  std::string lower = LowerAscii(name);
  if (lower == "validation" || lower == "valid" || lower == "val") lower = "dev";
  return lower;
}

}  // namespace

std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

std::string TruncateForMessage(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes)) + "...";
}

std::optional<double> ParseNumber(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

bool IsMissingScore(std::string_view cell) {
  const std::string word = LowerAscii(cell);
  return word.empty() || word == "nan" || word == "null" || word == "none";
}

double ParseScore(std::string_view cell, const std::string& where) {
  const std::optional<double> value = ParseNumber(cell);
  if (!value) {
    throw UserError(fmt::format(
        "{} found the score '{}'; expected a number such as 3.5, or nothing where there is none; correct "
        "it",
        where, TruncateForMessage(cell, 60)));
  }
  return *value;
}

SplitFilter::SplitFilter(const std::string& wanted) : wanted_(CanonicalSplit(wanted)) {}

bool SplitFilter::Keep(const std::optional<std::string>& cell, bool has_column) {
  if (wanted_.empty() || !has_column || (cell && CanonicalSplit(*cell) == wanted_)) {
    ++kept_;
    return true;
  }
  ++dropped_;
  if (others_.size() < 10) ++others_[cell.value_or("")];
  return false;
}

void SplitFilter::RequireSome(const std::string& name) const {
  if (kept_ > 0 || dropped_ == 0) return;
  std::vector<std::string> found;
  for (const auto& [split, count] : others_)
    found.push_back(fmt::format("'{}'", TruncateForMessage(split, 40)));
  throw UserError(
      fmt::format("[{}] has no row of the split '{}' but {}; expected some; choose with `split`",
                  name, wanted_, fmt::join(found, ", ")));
}

}  // namespace lacos
