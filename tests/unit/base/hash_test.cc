// SHA-256 gives the results of the examples in FIPS 180-4.
#include "lacos/base/hash.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lacos {
namespace {

TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(Sha256Hex(std::string()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex(std::string("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(std::string("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesArrive) {
  const std::string text(100003, 'x');
  Sha256 hash;
  const auto bytes = std::as_bytes(std::span(text));
  for (size_t begin = 0, step = 1; begin < bytes.size();
       begin += step, step = step * 3 % 4093 + 1) {
    hash.Update(bytes.subspan(begin, std::min(step, bytes.size() - begin)));
  }
  EXPECT_EQ(hash.HexDigest(), Sha256Hex(text));
}

}  // namespace
}  // namespace lacos
