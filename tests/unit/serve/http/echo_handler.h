// A handler for tests of the connections: it answers with what it got, when the test says so.
#pragma once

#include <fmt/format.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lacos/serve/message.h"

namespace lacos {

// /echo answers at once with the body; /hold answers when Release is called; /drop never calls
// `send`; /large answers with ten million bytes; /throw throws.
class EchoHandler : public Handler {
 public:
  bool NeedsKey(std::string_view, std::string_view path) const override {
    return path != "/health";
  }

  std::optional<HttpReply> CheckHead(const HttpRequest& head) override {
    if (head.target != "/missing") return std::nullopt;
    return HttpReply{.status = 404, .headers = {}, .body = "no such path", .log = {}};
  }

  void Handle(HttpRequest request, Send send) override {
    const std::lock_guard lock(mutex_);
    ++handled_;
    if (request.target == "/drop") return;
    if (request.target == "/throw") throw std::bad_alloc();
    if (request.target == "/hold") {
      held_.emplace_back(std::move(request), std::move(send));
      return;
    }
    HttpReply reply;
    reply.content_type = "text/plain";
    reply.body = request.target == "/large" ? std::string(10'000'000, 'x') : request.body;
    if (request.target == "/head") {
      for (const auto& [name, value] : request.headers)
        reply.body += fmt::format("{}={}\n", name, value);
    }
    reply.log = {{"texts", 3.0}, {"queue_ms", 0.5}};
    reply.headers.emplace_back("x-method", request.method);
    reply.headers.emplace_back("x-target", request.target);
    reply.headers.emplace_back("x-key", request.key == nullptr ? "-" : request.key->name);
    send(std::move(reply));
  }

  HttpReply Refuse(const HttpRefusal& refusal) override {
    return {.status = refusal.status,
            .headers = refusal.headers,
            .content_type = "text/plain",
            .body = refusal.code + ": " + refusal.message,
            .log = {}};
  }

  void Drain() override { drained_ = true; }

  // Answers all requests that are held, and returns how many there were.
  size_t Release() {
    std::vector<std::pair<HttpRequest, Send>> held;
    {
      const std::lock_guard lock(mutex_);
      held.swap(held_);
    }
    for (auto& [request, send] : held)
      send(
          {.headers = {}, .content_type = "text/plain", .body = "held " + request.body, .log = {}});
    return held.size();
  }
  size_t held() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  bool FirstIsAbandoned() const {
    const std::lock_guard lock(mutex_);
    return !held_.empty() && *held_[0].first.abandoned;
  }
  int handled() const {
    const std::lock_guard lock(mutex_);
    return handled_;
  }
  bool drained() const { return drained_; }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<HttpRequest, Send>> held_;
  int handled_ = 0;
  std::atomic<bool> drained_{false};
};

}  // namespace lacos
