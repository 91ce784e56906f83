#include "lacos/serve/http/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/io/mapped_file.h"
#include "lacos/serve/http/head.h"

namespace lacos::serve {
namespace {

constexpr size_t kHashDigits = 64;

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool IsKeyName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == '@';
  });
}

std::string LowerHex(std::string_view word) {
  std::string hash(word);
  for (char& c : hash) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return hash;
}

std::optional<double> PositiveNumber(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number) ||
      number <= 0)
    return std::nullopt;
  return number;
}

// Compares all bytes whatever they are. Both texts have the length of a hash.
bool EqualHashes(std::string_view a, std::string_view b) {
  unsigned difference = 0;
  for (size_t i = 0; i < kHashDigits; ++i) {
    difference |=
        static_cast<unsigned char>(a[i]) ^ static_cast<unsigned>(static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

}  // namespace

ApiKeys ApiKeys::Parse(std::string_view text, const std::string& where) {
  ApiKeys keys;
  int64_t number = 0;
  const auto fail = [&](const std::string& found, const std::string& expected) {
    throw UserError(fmt::format("[{}:{}] found {}; expected {}; correct the line", where, number,
                                found, expected));
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = Words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (words.empty() || words[0].starts_with('#')) continue;
    if (!IsKeyName(words[0]))
      fail("a name that is too long or has other characters",
           "at most 64 letters, digits and . _ - @");
    if (words.size() < 2 || words[1].size() != kHashDigits ||
        words[1].find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
      // The word may be a key by mistake, so the message does not repeat it.
      fail(fmt::format("no SHA-256 hash after the name '{}'", words[0]),
           "64 hexadecimal digits, such as printf %s \"$KEY\" | sha256sum writes");
    }
    ApiKey key{.name = std::string(words[0])};
    for (size_t i = 2; i < words.size(); ++i) {
      const size_t equals = words[i].find('=');
      const std::string_view word = words[i].substr(0, equals);
      const bool has_value = equals != std::string_view::npos;
      const std::optional<double> value =
          has_value ? PositiveNumber(words[i].substr(equals + 1)) : std::nullopt;
      if (words[i] == "admin") {
        key.admin = true;
      } else if (word == "texts/s" && value) {
        key.texts_per_second = value;
      } else if (word == "tokens/min" && value) {
        key.tokens_per_minute = value;
      } else {
        fail(fmt::format("the unknown setting {} of the key '{}'", i - 1, key.name),
             "admin, texts/s=NUMBER or tokens/min=NUMBER");
      }
    }
    Entry entry{LowerHex(words[1]), nullptr};
    for (const Entry& other : keys.entries_) {
      if (other.key->name == key.name)
        fail(fmt::format("the name '{}' a second time", key.name),
             "a name of its own for each key");
      if (other.hash == entry.hash)
        fail(fmt::format("the hash of '{}' again for '{}'", other.key->name, key.name),
             "different keys");
    }
    entry.key = std::make_shared<const ApiKey>(std::move(key));
    keys.entries_.push_back(std::move(entry));
  }
  if (keys.entries_.empty()) {
    throw UserError(fmt::format(
        "[{}] has no keys; expected lines such as 'NAME SHA256'; add one, or allow everybody with `no_auth`",
        where));
  }
  return keys;
}

ApiKeys ApiKeys::ReadFile(const std::string& path) {
  return Parse(ReadFileToString(path, 1 << 20), path);
}

std::shared_ptr<const ApiKey> ApiKeys::FindKey(std::string_view key) const {
  const std::string hash = Sha256Hex(std::string(key));
  std::shared_ptr<const ApiKey> found;
  for (const Entry& entry : entries_) {
    if (EqualHashes(entry.hash, hash)) found = entry.key;
  }
  return found;
}

std::shared_ptr<const ApiKey> ApiKeys::Find(const HttpFields& fields) const {
  // All three are tried: a client of Azure's shape may send an empty bearer beside its api-key.
  for (const std::string_view name : {"authorization", "x-api-key", "api-key"}) {
    std::optional<std::string_view> value = FindField(fields, name);
    if (!value) continue;
    if (name == "authorization") {
      static constexpr std::string_view kBearer = "bearer ";
      if (value->size() < kBearer.size() || ToLower(value->substr(0, kBearer.size())) != kBearer)
        continue;
      value->remove_prefix(kBearer.size());
    }
    while (value->starts_with(' ')) value->remove_prefix(1);
    if (value->empty()) continue;
    if (auto key = FindKey(*value)) return key;
  }
  return nullptr;
}

}  // namespace lacos::serve
