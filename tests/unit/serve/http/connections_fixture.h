// A server on a free port of this machine with short time limits, whose handler echoes.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "echo_handler.h"
#include "lacos/serve/http/server.h"
#include "raw_client.h"

namespace lacos::serve {

class Connections : public testing::Test {
 protected:
  Connections() {
    options_.listen = "127.0.0.1:0";
    options_.limits.head_time = std::chrono::milliseconds(1500);
    options_.limits.body_time = std::chrono::milliseconds(2500);
    options_.limits.idle_time = std::chrono::milliseconds(3000);
    options_.limits.write_time = std::chrono::milliseconds(1500);
    options_.limits.body_bytes = 1 << 20;
  }
  void Start() { server_ = std::make_unique<HttpServer>(options_, handler_, statistics_); }
  const std::string& url() {
    if (server_ == nullptr) Start();
    return server_->url();
  }
  RawReply Ask(const std::string& bytes) { return RawClient(url()).Ask(bytes); }
  // Whether the condition becomes true within five seconds.
  static bool Eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  HttpServerOptions options_;
  std::shared_ptr<EchoHandler> handler_ = std::make_shared<EchoHandler>();
  std::shared_ptr<HttpStatistics> statistics_ = std::make_shared<HttpStatistics>();
  std::unique_ptr<HttpServer> server_;
};

}  // namespace lacos::serve
