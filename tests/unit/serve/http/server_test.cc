// Whom the server answers, where it listens, how it stops, and what it logs.
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "connections_fixture.h"
#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/io/json.h"

namespace lacos::serve {
namespace {

using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;

class TempFolder {
 public:
  TempFolder() {
    std::string name = testing::TempDir() + "/lacos-http-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST_F(Connections, PagesOfOtherOriginsNeedPermission) {
  const std::string origin = "Origin: https://page.example\r\n";
  EXPECT_FALSE(
      Ask(Request("POST", "/echo", "a", origin)).fields.contains("access-control-allow-origin"));
  server_.reset();
  options_.cors_origins = {"https://page.example"};
  Start();
  EXPECT_EQ(Ask(Request("POST", "/echo", "a", origin)).fields.at("access-control-allow-origin"),
            "https://page.example");
  EXPECT_FALSE(Ask(Request("POST", "/echo", "a", "Origin: https://other.example\r\n"))
                   .fields.contains("access-control-allow-origin"));
  const RawReply preflight =
      Ask(Request("OPTIONS", "/echo", "", origin + "Access-Control-Request-Method: POST\r\n"));
  EXPECT_EQ(preflight.status, 204);
  EXPECT_THAT(preflight.fields.at("access-control-allow-headers"), HasSubstr("authorization"));
  EXPECT_EQ(preflight.fields.at("access-control-allow-origin"), "https://page.example");
  // OpenAI's client for browsers sends fields of its own.
  const std::string asks =
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,x-stainless-lang\r\n";
  EXPECT_EQ(
      Ask(Request("OPTIONS", "/echo", "", origin + asks)).fields.at("access-control-allow-headers"),
      "authorization,x-stainless-lang");
  const RawReply other =
      Ask(Request("OPTIONS", "/echo", "", "Origin: https://other.example\r\n" + asks));
  EXPECT_FALSE(other.fields.contains("access-control-allow-origin"));
  EXPECT_THAT(other.fields.at("access-control-allow-headers"), Not(HasSubstr("x-stainless")));
}

TEST_F(Connections, OriginsAndHostsThatCanNeverMatchAreRefused) {
  for (const char* origin : {"page.example", "https://page.example/", "https://", "a b", ""}) {
    options_.cors_origins = {origin};
    EXPECT_THROW(HttpServer::Check(options_), UserError) << origin;
  }
  for (const char* origin : {"*", "null", "http://localhost:3000", "chrome-extension://abcdef"}) {
    options_.cors_origins = {origin};
    EXPECT_NO_THROW(HttpServer::Check(options_)) << origin;
  }
  for (const char* host : {"https://models.example", "a b", ""}) {
    options_.allow_hosts = {host};
    EXPECT_THROW(HttpServer::Check(options_), UserError) << host;
  }
  // Browsers send both in lower case.
  options_.allow_hosts = {"Models.Example"};
  options_.cors_origins = {"https://Page.Example"};
  Start();
  const RawReply reply =
      Ask("GET /echo HTTP/1.1\r\nHost: models.example\r\nOrigin: https://page.example\r\n\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.fields.at("access-control-allow-origin"), "https://page.example");
}

TEST_F(Connections, KeysAreDemandedAndCanBeReplaced) {
  const TempFolder folder;
  options_.keys_file = folder.path() + "/keys";
  std::ofstream(options_.keys_file) << "alice " << Sha256Hex(std::string("secret")) << "\n";
  EXPECT_EQ(
      Ask(Request("POST", "/echo", "a", "Authorization: Bearer secret\r\n")).fields.at("x-key"),
      "alice");
  EXPECT_EQ(Ask(Request("POST", "/echo", "a", "X-Api-Key: secret\r\n")).fields.at("x-key"),
            "alice");
  EXPECT_EQ(Ask(Request("POST", "/echo", "a", "Authorization: Bearer \r\napi-key: secret\r\n"))
                .fields.at("x-key"),
            "alice");
  RawClient client(url());
  const RawReply refused =
      client.Ask(Request("POST", "/echo", "a", "Authorization: Bearer wrong\r\n"));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.fields.at("www-authenticate"), "Bearer");
  EXPECT_EQ(Ask(Request("POST", "/echo", "a")).status, 401);
  EXPECT_EQ(Ask(Request("GET", "/health")).status, 200);
  // An unknown key is refused before the body is read.
  EXPECT_EQ(Ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n").status,
            401);

  std::ofstream(options_.keys_file) << "bob " << Sha256Hex(std::string("other")) << "\n";
  server_->ReloadKeys();
  EXPECT_EQ(client.Ask(Request("POST", "/echo", "a", "Authorization: Bearer other\r\n"))
                .fields.at("x-key"),
            "bob");
  EXPECT_EQ(client.Ask(Request("POST", "/echo", "a", "Authorization: Bearer secret\r\n")).status,
            401);
  std::ofstream(options_.keys_file) << "nonsense\n";
  EXPECT_THROW(server_->ReloadKeys(), UserError);
  EXPECT_EQ(client.Ask(Request("POST", "/echo", "a", "Authorization: Bearer other\r\n")).status,
            200);
}

TEST_F(Connections, AnAddressThatOthersReachNeedsKeys) {
  options_.listen = "0.0.0.0:0";
  EXPECT_THROW(Start(), UserError);
  options_.no_auth = true;
  Start();
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\r\nHost: models.example\r\n\r\n").status, 200);
}

TEST_F(Connections, AnAddressInUseIsRefusedByName) {
  const std::string taken = url().substr(7);
  HttpServerOptions second = options_;
  second.listen = taken;
  try {
    HttpServer server(second, handler_, statistics_);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("[listen " + taken + "]"));
  }
}

TEST_F(Connections, AUnixSocketServesAndIsRemoved) {
  const TempFolder folder;
  options_.listen = "unix:" + folder.path() + "/lacos.sock";
  EXPECT_EQ(Ask("POST /echo HTTP/1.1\r\nHost: whatever\r\nContent-Length: 3\r\n\r\nabc").body,
            "abc");
  const std::string path = folder.path() + "/lacos.sock";
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0660));
  // A second server does not take the socket away, and a dead one's socket is replaced.
  EXPECT_THROW(HttpServer(options_, handler_, statistics_), UserError);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
  std::ofstream(path) << "a file";
  EXPECT_THROW(Start(), UserError);
}

TEST_F(Connections, IPv6Works) {
  options_.listen = "[::1]:0";
  try {
    Start();
  } catch (const UserError& error) {
    GTEST_SKIP() << "no IPv6 here: " << error.what();
  }
  EXPECT_THAT(url(), HasSubstr("[::1]"));
  EXPECT_EQ(Ask("GET /echo HTTP/1.1\r\nHost: [::1]:80\r\n\r\n").status, 200);
}

TEST_F(Connections, StoppingAnswersWhatWasAdmittedAndRefusesTheRest) {
  RawClient client(url()), late(url());
  EXPECT_EQ(late.Ask(Request("GET", "/echo")).status, 200);
  RawClient half(url());
  half.Send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nabc");
  client.Send(Request("POST", "/hold", "abc"));
  ASSERT_TRUE(Eventually([&] { return handler_->held() == 1; }));
  int64_t lost = -1;
  std::thread stopping([&] { lost = server_->Stop(milliseconds(5000)); });
  ASSERT_TRUE(Eventually([&] { return handler_->drained(); }));
  const RawReply refused = late.Ask(Request("POST", "/echo", "abc"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.fields.at("connection"), "close");
  EXPECT_EQ(refused.fields.at("retry-after"), "5");
  const auto began = std::chrono::steady_clock::now();
  handler_->Release();
  const RawReply reply = client.Read();
  EXPECT_EQ(reply.body, "held abc");
  stopping.join();
  // The server does not wait for the body that never arrives in full.
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(1500));
  EXPECT_EQ(lost, 0);
}

TEST_F(Connections, StoppingCountsWhatItLoses) {
  RawClient client(url());
  client.Send(Request("POST", "/hold", "abc"));
  ASSERT_TRUE(Eventually([&] { return handler_->held() == 1; }));
  EXPECT_EQ(server_->Stop(milliseconds(200)), 1);
  EXPECT_TRUE(client.EndsWithin(1000));
  server_.reset();
  handler_->Release();  // a reply for a server that is gone
}

TEST_F(Connections, TheAccessLogHasNoTextsAndFollowsARename) {
  const TempFolder folder;
  options_.access_log = folder.path() + "/access.log";
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  EXPECT_EQ(
      Ask(Request("POST", "/echo?api_key=hidden", "private text",
                  "User-Agent: test\r\ntraceparent: 00-" + trace + "-00f067aa0ba902b7-01\r\n"))
          .status,
      200);
  ASSERT_TRUE(Eventually([&] { return std::filesystem::file_size(options_.access_log) > 0; }));
  std::filesystem::rename(options_.access_log, folder.path() + "/old.log");
  server_->ReopenLog();
  EXPECT_EQ(Ask(Request("GET", "/missing")).status, 404);
  server_.reset();
  const Json first = Json::ReadFile(folder.path() + "/old.log");
  EXPECT_EQ(first.At("path").AsString(), "/echo");
  EXPECT_EQ(first.At("trace_id").AsString(), trace);
  EXPECT_EQ(first.At("bytes_received").AsInt(), 12);
  EXPECT_THAT(first.Dump(), Not(HasSubstr("private")));
  EXPECT_THAT(first.Dump(), Not(HasSubstr("hidden")));
  EXPECT_THAT(first.Dump(), HasSubstr("\"texts\": 3,")) << "counts are integers";
  EXPECT_THAT(first.Dump(), HasSubstr("\"queue_ms\": 0.5,"));
  EXPECT_EQ(Json::ReadFile(options_.access_log).At("status").AsInt(), 404);
}

TEST_F(Connections, ThousandIdleConnectionsDelayNobody) {
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 400; ++i) {
    idle.push_back(std::make_unique<RawClient>(url()));
    idle.back()->Send(i % 2 == 0 ? "G" : "POST /echo HTTP/1.1\r\nHost: localhost\r\n");
  }
  RawClient client(url());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Ask(Request("POST", "/echo", "abc")).body, "abc");
}

}  // namespace
}  // namespace lacos::serve
