// The server without its connections: answers requests by the table of routes, and hands texts to the
// dispatcher.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "lacos/serve/dispatcher.h"
#include "lacos/serve/health.h"
#include "lacos/serve/message.h"
#include "lacos/serve/metrics.h"
#include "lacos/serve/models.h"
#include "lacos/serve/protocol/routes.h"
#include "lacos/serve/schedule/rate_limit.h"
#include "lacos/serve/schedule/vector_cache.h"
#include "lacos/serve/text_reading.h"
#include "lacos/serve/workers.h"

namespace lacos::serve {

struct ServiceOptions {
  int64_t max_texts = 2048;              // of a request
  int64_t max_request_tokens = 300'000;  // of a request, after truncation
  bool empty_is_zero = false;            // an empty text gets the zero vector, not an error
  bool accept_token_ids = false;
  bool truncate = true;  // texts that are too long, unless a request says otherwise
  bool has_keys = false;
  double batch_ms = 100;        // the time of a batch
  int64_t batch_tokens = 4096;  // the most tokens of a batch, unless a single text has more
  double max_wait = 10;         // seconds; a request that would wait longer is refused
  double request_timeout = 60;  // seconds; then a request is not computed any more
  int64_t cache_bytes = 0;      // vectors that are kept
  double fresh_seconds = 30;    // how long a computed text proves that the server can compute
  std::string adapter_root;     // adapters are loaded from below this folder; empty: none
  std::string compute;          // x-compute-type, such as "cpu+int8"
  std::string version;
  std::string device;             // where vectors are computed, for /info: "cpu", "cuda:1"
  Json kernels = Json::Object();  // what computes there, for /info
  Json limits = Json::Object();   // further limits for /info: those of HTTP
  const HttpStatistics* connections = nullptr;  // for /metrics; must outlive the service
};

class Service : public Handler {
 public:
  // Measures the speed of the engine first. Both references must outlive the service.
  Service(const ServiceOptions& options, Engine& engine, Models& models);
  ~Service() override;

  bool NeedsKey(std::string_view method, std::string_view path) const override;
  std::optional<HttpReply> CheckHead(const HttpRequest& head) override;
  void Handle(HttpRequest request, Send send) override;
  HttpReply Refuse(const HttpRefusal& refusal) override;
  void Drain() override;

  // Requests that were admitted and are not answered.
  int64_t unanswered() const { return dispatcher_.unanswered(); }
  const Metrics& metrics() const { return metrics_; }

 private:
  struct Exchange;  // a request that is being answered
  using ExchangePtr = std::shared_ptr<Exchange>;

  static constexpr size_t kNoText = ~size_t{0};  // the place of an empty text

  std::shared_ptr<const Routes> CurrentRoutes() const;
  void UpdateRoutes();
  // Throws ApiError for a request that is refused whatever its body is.
  Routes::Match CheckedMatch(const Routes& routes, const HttpRequest& head);
  // Throws ApiError if the client has gone, or the request's time is over.
  void RequireWanted(const Exchange& exchange);
  void RequireKeyLimit(const ApiKey& key, double texts, double tokens);
  ApiError UnknownModel(const std::string& name) const;
  // The reply to a failed request, which is counted.
  HttpReply Failure(const ApiError& error, const HttpRequest& head);
  template <class F>
  void Guarded(Exchange& exchange, const F& step);

  void Get(const ExchangePtr& exchange);
  void Post(const ExchangePtr& exchange);
  HttpReply Tokenize(const Json& body);
  HttpReply Decode(const Json& body);
  HttpReply LoadAdapter(const Json& body);
  HttpReply UnloadAdapter(const std::string& name);
  Json Info() const;
  HttpReply MetricsText();

  // The steps of a request for vectors.
  std::shared_ptr<const ServedModel> FindModel(const std::string& name) const;
  void Embed(const ExchangePtr& exchange);
  void Queue(const ExchangePtr& exchange);
  void RequireComputed(const Exchange& exchange);
  void FillVectors(Exchange& exchange);
  void Reply(const ExchangePtr& exchange);
  void CountSuccess(const Exchange& exchange, const Timings& timings);

  const ServiceOptions options_;
  Engine& engine_;
  Models& models_;
  Metrics metrics_;
  mutable std::mutex mutex_;  // of the members down to the cache
  std::shared_ptr<const Routes> routes_;
  std::shared_ptr<const std::string> openapi_;
  KeyLimits key_limits_;
  VectorCache cache_;
  std::atomic<bool> draining_{false};
  // In the order in which they may be destroyed: workers use the dispatcher, whose threads post jobs.
  Dispatcher dispatcher_;
  Health health_;
  Workers workers_;
};

}  // namespace lacos::serve
