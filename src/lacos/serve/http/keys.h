// The keys that clients must show, as a file of their SHA-256 hashes. The keys themselves are
// nowhere: not in the file, not in memory after a request, not in logs or metrics.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/serve/message.h"

namespace lacos::serve {

// One line a key: "NAME SHA256 [texts/s=NUMBER] [tokens/min=NUMBER] [admin]", where SHA256 has 64
// hexadecimal digits, as `printf %s "$KEY" | sha256sum` writes them. Empty lines and lines that
// begin with '#' are skipped.
class ApiKeys {
 public:
  // Throws UserError "[where:line] ..." for a line of another form, a name or hash that occurs
  // twice, and a text without any key.
  static ApiKeys Parse(std::string_view text, const std::string& where);
  static ApiKeys ReadFile(const std::string& path);

  // The entry of the key with which the request authorizes itself: "Authorization: Bearer KEY",
  // "X-Api-Key: KEY" or "api-key: KEY"; null if it shows none that is known. The time that this
  // takes does not depend on how much of a wrong key is right.
  std::shared_ptr<const ApiKey> Find(const HttpFields& fields) const;

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string hash;  // 64 lower-case hexadecimal digits
    std::shared_ptr<const ApiKey> key;
  };
  std::shared_ptr<const ApiKey> FindKey(std::string_view key) const;

  std::vector<Entry> entries_;
};

}  // namespace lacos::serve
