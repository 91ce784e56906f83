// The connections of the server against a client that sends what no decent client sends. Each of the
// gaps that Beast 1.81 leaves has a test here.
#include <gmock/gmock.h>
#include <zlib.h>

#include <chrono>
#include <memory>
#include <thread>

#include "connections_fixture.h"

namespace lacos::serve {
namespace {

using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;

std::string GzipOf(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(compressBound(text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST_F(Connections, AConnectionServesManyRequestsAlsoWhenTheyArriveTogether) {
  RawClient client(url());
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(client.Ask(Request("POST", "/echo", "body " + std::to_string(i))).body,
              "body " + std::to_string(i));
  std::string together;
  for (int i = 0; i < 20; ++i) together += Request("POST", "/echo", "number " + std::to_string(i));
  client.Send(together);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Read().body, "number " + std::to_string(i));
  EXPECT_EQ(statistics_->connections_accepted, 1u);
  EXPECT_EQ(statistics_->requests, 25u);
}

TEST_F(Connections, ARequestMayArriveByteByByte) {
  RawClient client(url());
  EXPECT_TRUE(client.SendSlowly(Request("POST", "/echo", "abc"), 1, 1));
  EXPECT_EQ(client.Read().body, "abc");
}

TEST_F(Connections, AChunkedBodyIsPutTogether) {
  EXPECT_EQ(
      Ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=1\r\ndefg\r\n0\r\nTrailer: 1\r\n\r\n")
          .body,
      "abcdefg");
}

TEST_F(Connections, AnUpgradeToHttp2IsIgnoredAndTheBodyIsRead) {
  const std::string upgrade =
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n";
  EXPECT_EQ(Ask(Request("POST", "/echo", "plain", upgrade)).body, "plain");
  EXPECT_EQ(Ask("POST /echo HTTP/1.1\r\nHost: localhost\r\n" + upgrade +
                "Transfer-Encoding: chunked\r\n\r\n5\r\nchunk\r\n0\r\n\r\n")
                .body,
            "chunk");
}

TEST_F(Connections, ATransferEncodingOtherThanChunkedIsRefused) {
  for (const char* encoding :
       {"gzip", "gzip, chunked", "chunked, gzip", "identity", "chunked, chunked", "xchunked", ""}) {
    const RawReply reply = Ask(
        Request("POST", "/echo", "abc", std::string("Transfer-Encoding: ") + encoding + "\r\n"));
    EXPECT_THAT(reply.status, AnyOf(400, 501)) << encoding;
    EXPECT_EQ(reply.fields.at("connection"), "close");
  }
  EXPECT_EQ(handler_->handled(), 0);
}

TEST_F(Connections, TwoWaysToFrameABodyAreRefused) {
  for (const char* fields :
       {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: +3\r\n", "Content-Length: 3, 3\r\n", "Content-Length: 0x3\r\n",
        "Content-Length: -1\r\n", "Content-Length: 99999999999999999999999\r\n",
        "Content-Length : 3\r\n", "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    EXPECT_THAT(
        Ask(std::string("POST /echo HTTP/1.1\r\nHost: localhost\r\n") + fields + "\r\nabc").status,
        AnyOf(400, 413, 501))
        << fields;
  }
  EXPECT_EQ(
      Ask("POST /echo HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
          .status,
      400);
  EXPECT_EQ(handler_->handled(), 0);
}

TEST_F(Connections, AHostIsDemandedOnce) {
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n").status, 400);
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n").status, 400);
  EXPECT_EQ(Ask("GET /echo HTTP/1.0\r\n\r\n").status, 200);
}

TEST_F(Connections, OnLoopbackTheHostMustBeALoopbackName) {
  for (const char* host : {"localhost", "localhost:8080", "LOCALHOST", "127.0.0.1:1", "127.9.9.9",
                           "[::1]:80", "models.localhost"})
    EXPECT_EQ(Ask(std::string("GET /echo HTTP/1.1\r\nHost: ") + host + "\r\n\r\n").status, 200)
        << host;
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                           "10.0.0.1", "1270.0.0.1"})
    EXPECT_EQ(Ask(std::string("GET /echo HTTP/1.1\r\nHost: ") + host + "\r\n\r\n").status, 421)
        << host;
  server_.reset();
  options_.allow_hosts = {"Models.Example"};
  Start();
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\r\nHost: models.example:443\r\n\r\n").status, 200);
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 421);
}

TEST_F(Connections, AFoldedFieldIsRefused) {
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n 2\r\n\r\n").status, 400);
  EXPECT_EQ(
      Ask("GET /echo HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n\tTransfer-Encoding: chunked\r\n\r\n")
          .status,
      400);
}

TEST_F(Connections, TheNumberOfFieldsAndTheirBytesAreLimited) {
  std::string fields;
  for (int i = 0; i < 98; ++i) fields += "a: b\r\n";
  EXPECT_EQ(Ask(Request("GET", "/echo", "", fields)).status, 200);
  for (int i = 0; i < 2'900; ++i) fields += "a: b\r\n";
  EXPECT_EQ(Ask(Request("GET", "/echo", "", fields)).status, 431);
  EXPECT_EQ(Ask(Request("GET", "/echo", "", "X: " + std::string(20'000, 'x') + "\r\n")).status,
            431);
  EXPECT_EQ(Ask(Request("GET", "/" + std::string(5'000, 'x'))).status, 414);
  EXPECT_EQ(Ask(Request("GET", "/" + std::string(50'000, 'x'))).status, 414);
}

TEST_F(Connections, ChunkExtensionsAreLimited) {
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(Ask(head + "3;" + std::string(5'000, 'x') + "\r\nabc\r\n0\r\n\r\n").status, 400);
  EXPECT_EQ(Ask(head + "3;" + std::string(200'000, 'x')).status, 400);
  EXPECT_EQ(Ask(head + "ffffffffffffffffff\r\nabc").status, 400);
  EXPECT_THAT(Ask(head + "-3\r\nabc\r\n0\r\n\r\n").body, HasSubstr("[body]"));
  EXPECT_EQ(Ask(head + "-3\r\nabc\r\n0\r\n\r\n").status, 400);
  EXPECT_EQ(Ask(head + "3\r\nabcd\r\n0\r\n\r\n").status, 400);
  EXPECT_EQ(Ask(head + "0\r\nTrailer: " + std::string(100'000, 'x') + "\r\n\r\n").status, 400);
}

TEST_F(Connections, AClientThatExpectsContinueGetsIt) {
  RawClient client(url());
  EXPECT_EQ(
      client
          .Ask(
              "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
          .status,
      100);
  EXPECT_EQ(client.Ask("abc").body, "abc");
  // A refusal comes instead of "continue".
  EXPECT_EQ(
      Ask("POST /missing HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
          .status,
      404);
  EXPECT_EQ(
      Ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 200-ok\r\nContent-Length: 3\r\n\r\n")
          .status,
      417);
}

TEST_F(Connections, TheReplyToABodyThatIsTooLargeArrives) {
  // The client goes on sending for a while, as clients do that do not read before they have sent all.
  for (int i = 0; i < 20; ++i) {
    RawClient client(url());
    client.Send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n");
    client.Send(std::string(900'000, 'x'));
    EXPECT_EQ(client.Read().status, 413);
  }
  RawClient client(url());
  client.Send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 25; ++i) client.Send("10000\r\n" + std::string(65'536, 'x') + "\r\n");
  EXPECT_EQ(client.Read().status, 413);
}

TEST_F(Connections, AShortBodyOfARefusedRequestIsSkipped) {
  RawClient client(url());
  EXPECT_EQ(client.Ask(Request("POST", "/missing", std::string(10'000, 'x'))).status, 404);
  EXPECT_EQ(client.Ask(Request("POST", "/echo", "next")).body, "next");
}

TEST_F(Connections, BytesThatAreNoHttpAreRefused) {
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\nHost: localhost\n\n").status, 400);
  EXPECT_EQ(Ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status, 505);
  EXPECT_EQ(Ask("GET /echo HTTP/3.0\r\nHost: localhost\r\n\r\n").status, 505);
  EXPECT_EQ(Ask(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)).status, 400);
  EXPECT_EQ(Ask("hello\r\n\r\n").status, 400);
  EXPECT_EQ(Ask(std::string("GET /e\0cho HTTP/1.1\r\nHost: localhost\r\n\r\n", 40)).status, 400);
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n").status, 400);
  EXPECT_EQ(Ask("GET  /echo HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 400);
  EXPECT_EQ(Ask("\r\n\r\nGET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
}

TEST_F(Connections, UnknownMethodsAreRefused) {
  EXPECT_EQ(Ask("BREW /echo HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 405);
  EXPECT_EQ(Ask("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 405);
}

TEST_F(Connections, AHeadRequestIsAnsweredWithoutABody) {
  RawClient client(url());
  client.Send("HEAD /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const RawReply reply = client.Read(5000, true);
  EXPECT_EQ(reply.fields.at("content-length"), "10000000");
  EXPECT_EQ(reply.fields.at("x-method"), "GET");
  EXPECT_EQ(client.Ask(Request("POST", "/echo", "abc")).body, "abc");
}

TEST_F(Connections, ATargetInAbsoluteFormIsAPath) {
  EXPECT_EQ(Ask("GET http://localhost:80/echo?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .fields.at("x-target"),
            "/echo?a=b");
  EXPECT_EQ(Ask("GET http://evil.example/echo HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 421);
  EXPECT_EQ(Ask("GET ftp://localhost/echo HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 400);
  EXPECT_EQ(Ask("GET * HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 400);
}

TEST_F(Connections, TheCallersRequestIdIsUsedIfItIsSane) {
  EXPECT_EQ(Ask(Request("GET", "/echo", "", "X-Request-Id: abc-123\r\n")).fields.at("x-request-id"),
            "abc-123");
  const std::string own =
      Ask(Request("GET", "/echo", "", "X-Request-Id: a b\"<\r\n")).fields.at("x-request-id");
  EXPECT_THAT(own, Not(HasSubstr("<")));
  EXPECT_NE(own, Ask(Request("GET", "/echo")).fields.at("x-request-id"));
  EXPECT_FALSE(Ask("GET /echo HTTP/1.1\r\n\r\n").fields.at("x-request-id").empty());
}

TEST_F(Connections, AHeadThatDripsIsEndedByOneTimeLimit) {
  RawClient client(url());
  const auto began = std::chrono::steady_clock::now();
  client.SendSlowly(
      "GET /echo HTTP/1.1\r\nHost: localhost\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1,
      50);
  EXPECT_EQ(client.Read(3000).status, 408);
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(4500));
}

TEST_F(Connections, ABodyThatDripsIsEnded) {
  RawClient client(url());
  client.Send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n");
  client.SendSlowly(std::string(30, 'x'), 1, 100);
  EXPECT_EQ(client.Read(3000).status, 408);
  EXPECT_EQ(handler_->handled(), 0);
}

TEST_F(Connections, AConnectionThatSaysNothingEnds) {
  EXPECT_TRUE(RawClient(url()).EndsWithin(3000));
  RawClient used(url());
  EXPECT_EQ(used.Ask(Request("GET", "/echo")).status, 200);
  EXPECT_TRUE(used.EndsWithin(5000));
}

TEST_F(Connections, AClientThatDoesNotReadItsReplyIsLeft) {
  const auto client = std::make_unique<RawClient>(url());
  client->Send(Request("GET", "/large"));
  EXPECT_TRUE(Eventually([&] { return statistics_->connections_open == 0; }));
}

TEST_F(Connections, AClientThatLeavesMarksItsRequest) {
  for (const bool reset : {false, true}) {
    RawClient client(url());
    client.Send(Request("POST", "/hold", "abc"));
    ASSERT_TRUE(Eventually([&] { return handler_->held() == 1; }));
    EXPECT_FALSE(handler_->FirstIsAbandoned());
    reset ? client.Reset() : client.Close();
    EXPECT_TRUE(Eventually([&] { return handler_->FirstIsAbandoned(); }));
    handler_->Release();
  }
  EXPECT_TRUE(Eventually([&] { return statistics_->abandoned == 2; }));
}

TEST_F(Connections, ALeavingClientIsNoticedBehindAPipelinedRequest) {
  RawClient client(url());
  client.Send(Request("POST", "/hold", "abc") + Request("POST", "/echo", "next"));
  ASSERT_TRUE(Eventually([&] { return handler_->held() == 1; }));
  client.Close();
  EXPECT_TRUE(Eventually([&] { return handler_->FirstIsAbandoned(); }));
  handler_->Release();
}

TEST_F(Connections, AHalfClosedConnectionStillGetsAReplyThatWasComputed) {
  RawClient client(url());
  client.Send(Request("POST", "/hold", "abc"));
  client.CloseSending();
  ASSERT_TRUE(Eventually([&] { return handler_->held() == 1; }));
  handler_->Release();
  EXPECT_EQ(client.Read().body, "held abc");
}

TEST_F(Connections, ARequestThatTheHandlerLosesIsAnswered) {
  EXPECT_EQ(Ask(Request("POST", "/drop", "abc")).status, 500);
  EXPECT_EQ(Ask(Request("POST", "/throw", "abc")).status, 503);
  EXPECT_EQ(Ask(Request("POST", "/echo", "abc")).status, 200);
  EXPECT_TRUE(Eventually([&] { return statistics_->body_bytes == 0; }));
}

TEST_F(Connections, BeyondTheLimitAConnectionGetsA503) {
  options_.limits.connections = 3;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(url()));
    EXPECT_EQ(clients.back()->Ask(Request("GET", "/echo")).status, 200);
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask(Request("POST", "/echo", "abc")).status, 503);
  EXPECT_EQ(statistics_->connections_refused, 5u);
  clients.clear();
  EXPECT_TRUE(Eventually([&] { return Ask(Request("GET", "/echo")).status == 200; }));
}

TEST_F(Connections, AllBodiesTogetherAreLimited) {
  options_.limits.all_body_bytes = 300'000;
  RawClient first(url());
  first.Send("POST /hold HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n" +
             std::string(200'000, 'x'));
  ASSERT_TRUE(Eventually([&] { return handler_->held() == 1; }));
  EXPECT_EQ(Ask(Request("POST", "/echo", std::string(200'000, 'y'))).status, 503);
  EXPECT_EQ(Ask(Request("POST", "/echo", std::string(50'000, 'y'))).status, 200);
  handler_->Release();
  EXPECT_EQ(first.Read().status, 200);
  EXPECT_EQ(Ask(Request("POST", "/echo", std::string(200'000, 'y'))).status, 200);
}

TEST_F(Connections, AGzipBodyIsUnpackedAndABombIsNot) {
  const std::string packed = GzipOf("hello hello hello");
  EXPECT_EQ(Ask(Request("POST", "/echo", packed, "Content-Encoding: gzip\r\n")).body,
            "hello hello hello");
  EXPECT_EQ(Ask(Request("POST", "/echo", packed + packed, "Content-Encoding: gzip\r\n")).body,
            "hello hello hellohello hello hello");
  EXPECT_EQ(Ask(Request("POST", "/echo", packed.substr(0, packed.size() - 5),
                        "Content-Encoding: gzip\r\n"))
                .status,
            400);
  EXPECT_EQ(Ask(Request("POST", "/echo", "no gzip", "Content-Encoding: gzip\r\n")).status, 400);
  EXPECT_EQ(
      Ask(Request("POST", "/echo", GzipOf(std::string(900'000, '0')), "Content-Encoding: gzip\r\n"))
          .status,
      413);
  EXPECT_EQ(Ask(Request("POST", "/echo", "abc", "Content-Encoding: br\r\n")).status, 415);
}

}  // namespace
}  // namespace lacos::serve
