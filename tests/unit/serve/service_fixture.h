// A service without HTTP over bloom-nano, whose engine can be made to fail or stand still.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <future>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/model/sentence_encoder.h"
#include "lacos/serve/model_engine.h"
#include "lacos/serve/service.h"
#include "test_paths.h"

namespace lacos::serve {

// Passes batches on to a model, unless it is told to fail or to wait.
class TestEngine : public Engine {
 public:
  explicit TestEngine(Encoder& encoder, double seconds_per_token = -1)
      : engine_(encoder), seconds_per_token_(seconds_per_token) {}

  std::vector<std::vector<float>> Compute(std::span<const EngineText> texts, int64_t& computed,
                                          const std::function<void()>& pause) override {
    {
      std::unique_lock lock(mutex_);
      ++batches_;
      open_.wait(lock, [&] { return !closed_; });
    }
    for (const EngineText& text : texts) {
      if (poison_ >= 0 && std::find(text.ids.begin(), text.ids.end(), poison_) != text.ids.end()) {
        if (poison_takes_memory_) throw std::bad_alloc();
        throw UserError(poison_message_);
      }
    }
    seen_ += static_cast<int64_t>(texts.size());
    if (seconds_per_token_ >= 0) {
      computed = 0;
      for (const EngineText& text : texts) computed += static_cast<int64_t>(text.ids.size());
      std::this_thread::sleep_for(
          std::chrono::duration<double>(seconds_per_token_ * static_cast<double>(computed)));
      return {texts.size(), std::vector<float>(static_cast<size_t>(width()), 1.0f)};
    }
    if (!pause) return engine_.Compute(texts, computed, pause);
    return engine_.Compute(texts, computed, [&] {
      if (on_pause_) std::exchange(on_pause_, nullptr)();
      pause();
    });
  }
  int64_t pauses() const override { return engine_.pauses(); }
  int64_t width() const override { return engine_.width(); }

  // Batches wait from now on, or go on.
  void Close() { Set(true); }
  void Open() { Set(false); }
  // Texts with this id fail.
  void Poison(int32_t id, bool takes_memory = false) {
    poison_takes_memory_ = takes_memory;
    poison_ = id;
  }
  // What is thrown for the texts that fail from now on.
  void SetPoisonMessage(const std::string& message) { poison_message_ = message; }
  // If 0 or more, each token takes this long and nothing is computed, so that every machine has the
  // same speed.
  void SetSecondsPerToken(double seconds) { seconds_per_token_ = seconds; }
  // The next pause of a batch begins with this.
  void SetOnPause(std::function<void()> on_pause) { on_pause_ = std::move(on_pause); }
  int64_t batches() const { return batches_; }
  int64_t seen() const { return seen_; }  // texts that were computed

 private:
  void Set(bool closed) {
    {
      const std::lock_guard lock(mutex_);
      closed_ = closed;
    }
    open_.notify_all();
  }
  ModelEngine engine_;
  std::mutex mutex_;
  std::condition_variable open_;
  bool closed_ = false;
  std::function<void()> on_pause_;
  std::atomic<double> seconds_per_token_;
  std::atomic<int64_t> batches_{0}, seen_{0};
  std::atomic<int32_t> poison_{-1};
  std::atomic<bool> poison_takes_memory_{false};
  std::string poison_message_ = "[text] cannot be computed; expected another; leave it out";
};

class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() {
    encoder_options_.path = LACOS_SOURCE_DIR "/examples/bloom-nano";
    encoder_options_.compute = Compute::kF32;
    options_.compute = "cpu+f32";
    options_.version = "0.0.0";
    // No test waits so long, also where a sanitizer makes the model slow.
    options_.max_wait = options_.request_timeout = 600;
  }
  ~ServiceTest() override {
    if (engine_) engine_->Open();
  }

  // Opens the model and starts the service with options_.
  Service& Start() {
    encoder_ = std::make_unique<SentenceEncoder>(encoder_options_);
    engine_ = std::make_unique<TestEngine>(encoder_->encoder(), seconds_per_token_);
    models_ = std::make_unique<Models>("nano", *encoder_, encoder_options_);
    service_ = std::make_unique<Service>(options_, *engine_, *models_);
    return *service_;
  }

  HttpRequest MakeRequest(const std::string& method, const std::string& target,
                          const std::string& body = "") const {
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.connection = 1;
    request.arrived = std::chrono::steady_clock::now();
    if (!body.empty()) request.headers = {{"content-type", "application/json"}};
    return request;
  }
  std::future<HttpReply> Send(HttpRequest request) {
    const auto promise = std::make_shared<std::promise<HttpReply>>();
    service_->Handle(std::move(request),
                     [promise](HttpReply reply) { promise->set_value(std::move(reply)); });
    return promise->get_future();
  }
  HttpReply Ask(HttpRequest request) {
    if (const auto refused = service_->CheckHead(request)) return *refused;
    return Send(std::move(request)).get();
  }
  HttpReply Post(const std::string& target, const std::string& body) {
    return Ask(MakeRequest("POST", target, body));
  }
  HttpReply Get(const std::string& target) { return Ask(MakeRequest("GET", target)); }

  // The vector of a text as `lacos embed` has it.
  std::vector<float> Expected(const std::string& text, bool normalize, int64_t dimensions = 0,
                              const std::string& prompt = "") {
    SentenceEncoderOptions options = encoder_options_;
    options.normalize = normalize;
    if (dimensions > 0) options.truncate_dim = dimensions;
    SentenceEncoder encoder(options);
    std::vector<float> vector(static_cast<size_t>(encoder.dimension()));
    encoder.Encode(std::vector<std::string>{text}, prompt, vector);
    return vector;
  }
  static std::vector<float> Floats(const Json& array) {
    std::vector<float> floats;
    array.ForEachElement(
        [&](const Json& value) { floats.push_back(static_cast<float>(value.AsDouble())); });
    return floats;
  }
  static Json Parsed(const HttpReply& reply) { return Json::Parse(reply.body, "reply"); }

  SentenceEncoderOptions encoder_options_;
  ServiceOptions options_;
  double seconds_per_token_ = -1;  // of the engine while the service starts; see SetSecondsPerToken
  std::unique_ptr<SentenceEncoder> encoder_;
  std::unique_ptr<TestEngine> engine_;
  std::unique_ptr<Models> models_;
  std::unique_ptr<Service> service_;
};

// The message, code and type of an error.
inline std::string Message(const HttpReply& reply) {
  const Json body = Json::Parse(reply.body, "reply");
  return body.At("error").IsObject() ? body.At("error").At("message").AsString()
                                     : body.At("error").AsString();
}
inline std::string CodeOf(const HttpReply& reply) {
  return Json::Parse(reply.body, "reply").At("error").At("code").AsString();
}
inline std::string TypeOf(const HttpReply& reply) {
  return Json::Parse(reply.body, "reply").At("error_type").AsString();
}

// Whether two vectors have the same bits.
MATCHER_P(HasTheBitsOf, expected, "") {
  return arg.size() == expected.size() &&
         std::memcmp(arg.data(), expected.data(), arg.size() * sizeof(float)) == 0;
}

}  // namespace lacos::serve
