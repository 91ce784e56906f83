// Addresses to listen on.
#include <gmock/gmock.h>

#include "lacos/base/error.h"
#include "lacos/serve/http/address.h"

namespace lacos::serve {
namespace {

TEST(ListenAddress, HostsPortsAndPathsAreRead) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:80").host, "127.0.0.1");
  EXPECT_EQ(ParseListenAddress("[::1]:80").host, "::1");
  EXPECT_EQ(ParseListenAddress(":80").host, "127.0.0.1");
  EXPECT_EQ(ParseListenAddress("80").port, 80);
  EXPECT_EQ(ParseListenAddress("http://localhost:0").host, "localhost");
  EXPECT_EQ(ParseListenAddress("unix:/run/a.sock").path, "/run/a.sock");
  for (const char* text : {"", "a", "a:", "a:x", "a:65536", "a:-1", "::1:80", "[a]:80", "[::1]80",
                           "unix:", "a b:80", "a/b:80"})
    EXPECT_THROW(ParseListenAddress(text), UserError) << text;
}

TEST(ListenAddress, LoopbackIsToldFromTheRest) {
  EXPECT_TRUE(IsLoopback(ParseListenAddress("127.0.0.1:0")));
  EXPECT_TRUE(IsLoopback(ParseListenAddress("[::1]:0")));
  EXPECT_TRUE(IsLoopback(ParseListenAddress("unix:/tmp/x")));
  EXPECT_FALSE(IsLoopback(ParseListenAddress("0.0.0.0:0")));
  EXPECT_FALSE(IsLoopback(ParseListenAddress("*:0")));
  EXPECT_THROW(IsLoopback(ParseListenAddress("no-such-host.invalid:0")), UserError);
}

}  // namespace
}  // namespace lacos::serve
