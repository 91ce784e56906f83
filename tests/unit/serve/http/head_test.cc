// Heads, targets, hosts and traces, without a connection.
#include <gmock/gmock.h>

#include "lacos/serve/http/head.h"

namespace lacos::serve {
namespace {

TEST(HeadScanner, TheEndIsTheSameInPiecesOfAnySize) {
  const HttpLimits limits;
  const std::string head =
      "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n";
  const std::string bytes = head + "abc";
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    HeadScanner scanner(limits);
    size_t end = 0;
    for (size_t n = piece; end == 0; n += piece) {
      const auto found = scanner.Scan(std::string_view(bytes).substr(0, n));
      ASSERT_TRUE(found) << piece;
      end = *found;
      ASSERT_LE(n, bytes.size() + piece);
    }
    EXPECT_EQ(end, head.size()) << piece;
  }
}

TEST(HeadScanner, RefusalsAreTheSameInPiecesOfAnySize) {
  const HttpLimits limits;
  for (const std::string& bytes : std::vector<std::string>{
           "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
           "GET / HTTP/1.1\r\nA: \x01\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "\x16\x03\x01"}) {
    HeadScanner whole(limits);
    ASSERT_FALSE(whole.Scan(bytes)) << bytes;
    HeadScanner scanner(limits);
    bool refused = false;
    for (size_t n = 1; n <= bytes.size() && !refused; ++n)
      refused = !scanner.Scan(std::string_view(bytes).substr(0, n));
    EXPECT_TRUE(refused) << bytes;
    EXPECT_EQ(scanner.refusal().status, whole.refusal().status);
  }
}

TEST(Targets, OriginAndAbsoluteFormsAreRead) {
  EXPECT_EQ(ParseTarget("/a?b")->origin, "/a?b");
  EXPECT_EQ(ParseTarget("http://h:1/a?b")->origin, "/a?b");
  EXPECT_EQ(ParseTarget("HTTP://h")->origin, "/");
  EXPECT_EQ(ParseTarget("https://h?x")->origin, "/?x");
  EXPECT_EQ(ParseTarget("http://[::1]:80/")->authority, "[::1]:80");
  for (const char* target :
       {"", "a", "http:/a", "http://", "http:///a", "http://u:p@h/", "ftp://h/"})
    EXPECT_FALSE(ParseTarget(target)) << target;
}

TEST(Hosts, PortsAndBracketsAreRemoved) {
  EXPECT_EQ(HostOf("Localhost:8080"), "localhost");
  EXPECT_EQ(HostOf("[::1]:80"), "::1");
  EXPECT_EQ(HostOf("a_b-c.example"), "a_b-c.example");
  for (const char* host :
       {"", ":80", "a:b", "a:999999", "a b", "a@b", "[::1", "[::1]80", "[g]", "a/b", "a,b"})
    EXPECT_FALSE(HostOf(host)) << host;
}

TEST(Hosts, LoopbackNamesMeanThisMachine) {
  for (const char* host :
       {"localhost", "localhost.", "a.localhost", "127.0.0.1", "127.255.0.3", "::1"})
    EXPECT_TRUE(IsLoopbackName(host)) << host;
  for (const char* host : {"localhost.example", "127.0.0.1.example", "127.1", "128.0.0.1", "::2",
                           "0.0.0.0", "xlocalhost"})
    EXPECT_FALSE(IsLoopbackName(host)) << host;
}

TEST(TraceParents, OnlyWellFormedOnesAreContinued) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_TRUE(ParseTraceParent(good));
  EXPECT_EQ(ParseTraceParent(good)->parent_id, "00f067aa0ba902b7");
  EXPECT_TRUE(ParseTraceParent("01" + good.substr(2) + "-more"));
  for (const std::string& bad :
       {std::string(), good.substr(1), good + "x", "ff" + good.substr(2),
        "00-" + std::string(32, '0') + good.substr(35),
        good.substr(0, 36) + std::string(16, '0') + "-01",
        std::string("00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")})
    EXPECT_FALSE(ParseTraceParent(bad)) << bad;
}

TEST(Lists, WordsAreFoundWhateverTheirCase) {
  EXPECT_TRUE(HasToken("keep-alive, Upgrade", "upgrade"));
  EXPECT_FALSE(HasToken("keep-alive, Upgrades", "upgrade"));
  EXPECT_FALSE(HasToken("", "upgrade"));
}

}  // namespace
}  // namespace lacos::serve
