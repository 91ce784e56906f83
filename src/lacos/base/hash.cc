#include "lacos/base/hash.h"

#include <openssl/evp.h>

#include <array>
#include <new>

#include "lacos/base/check.h"

namespace lacos {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

namespace {

// SHA-256 in OpenSSL fails only when memory is short: for its context, or for what the library loads
// on its first use.
void Require(bool succeeded) {
  if (!succeeded) throw std::bad_alloc();
}

}  // namespace

Sha256::Sha256() : state_(std::make_unique<State>()) {
  Require(state_->context != nullptr &&
          EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;

void Sha256::Update(std::span<const std::byte> bytes) {
  Require(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::HexDigest() {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  Require(EVP_DigestFinal_ex(state_->context, digest.data(), &size) == 1);
  LACOS_CHECK(size == digest.size(), "SHA-256 has 32 bytes");
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string Sha256Hex(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.HexDigest();
}

std::string Sha256Hex(const std::string& text) { return Sha256Hex(std::as_bytes(std::span(text))); }

uint64_t Sha256Prefix(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  Require(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  uint64_t prefix = 0;
  for (size_t i = 0; i < 8; ++i) prefix = prefix << 8 | digest[i];
  return prefix;
}

}  // namespace lacos
