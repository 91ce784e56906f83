// The whole server: a model, the service that answers requests, and the connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lacos/model/sentence_encoder.h"
#include "lacos/serve/http/server.h"
#include "lacos/serve/models.h"
#include "lacos/serve/service.h"

namespace lacos::serve {

struct EmbeddingServerOptions {
  SentenceEncoderOptions model;
  std::string model_name;  // what replies and /v1/models call it; empty: the folder's name
  std::vector<AdapterFolder> adapters;
  ServiceOptions
      service;  // has_keys, limits, compute, device, kernels, version and connections are set by the server
  HttpServerOptions http;
};

class EmbeddingServer {
 public:
  // Checks everything that can be checked at once, and that the base fits into memory; then listens,
  // and answers 503 until the model is loaded. Returns when requests are answered. `check_cancel` is
  // called while it loads and may throw. Throws UserError.
  explicit EmbeddingServer(const EmbeddingServerOptions& options,
                           const std::function<void()>& check_cancel = {});
  ~EmbeddingServer();  // stops without waiting
  EmbeddingServer(const EmbeddingServer&) = delete;
  EmbeddingServer& operator=(const EmbeddingServer&) = delete;

  const std::string& url() const;  // see HttpServer
  const std::string& model_name() const;
  std::vector<std::string> notes()
      const;  // what the operator should hear beside the encoder's notes
  const SentenceEncoder& encoder() const;

  // See HttpServer.
  void ReloadKeys();
  void ReopenLog();
  int64_t Stop(std::chrono::milliseconds drain, const std::function<bool()>& hurry = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The name of a model folder as clients see it: the last part of its path.
std::string ModelNameOf(const std::string& path);

}  // namespace lacos::serve
