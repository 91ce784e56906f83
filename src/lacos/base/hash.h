// SHA-256, the hash in manifests. Users can check it with sha256sum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lacos {

// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::span<const std::byte> bytes);
  // The digest as 64 lower-case hexadecimal digits; nothing may be added afterwards.
  std::string HexDigest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Sha256Hex(std::span<const std::byte> bytes);
std::string Sha256Hex(const std::string& text);
// The first 8 bytes of the digest as a big-endian number, that is, its first 16 hexadecimal digits.
uint64_t Sha256Prefix(std::string_view text);

}  // namespace lacos
