// Functions that start and stop a server.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/capi/model_handle.h"
#include "lacos/capi/status.h"
#include "lacos/serve/embedding_server.h"

struct lacos_server {
  std::shared_ptr<lacos::ComputeThread> compute_thread;
  std::unique_ptr<lacos::serve::EmbeddingServer> server;
};

namespace lacos::capi {
namespace {

constexpr size_t kServerOptionsSize =
    offsetof(lacos_server_options, request_timeout) + sizeof(double);
constexpr double kMostSeconds = 1e6;

std::string OrNothing(const char* text) { return text == nullptr ? "" : text; }

double Seconds(const char* field, double value, double otherwise) {
  if (value == 0) return otherwise;
  if (std::isfinite(value) && value > 0 && value <= kMostSeconds) return value;
  throw CallError(LACOS_INVALID_ARGUMENT,
                  fmt::format("[{}] found {}; expected seconds from 0 to {}; correct it", field,
                              value, kMostSeconds));
}

serve::AdapterFolder ReadAdapter(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != 0 && equals != std::string::npos && equals + 1 < text.size()) {
    return {.name = text.substr(0, equals), .folder = text.substr(equals + 1)};
  }
  throw CallError(
      LACOS_INVALID_ARGUMENT,
      fmt::format("[options.adapters] found '{}'; expected NAME=FOLDER; correct it", text));
}

serve::EmbeddingServerOptions ReadServerOptions(const lacos_server_options& fields) {
  Require(fields.reserved == 0,
          "[options.reserved] not 0; expected 0; clear the structure before it is filled");
  serve::EmbeddingServerOptions options;
  options.http.listen = OrNothing(fields.listen);
  if (options.http.listen.empty()) options.http.listen = "127.0.0.1:0";
  options.http.keys_file = OrNothing(fields.api_keys);
  options.http.access_log = OrNothing(fields.access_log);
  options.http.no_auth = ReadChoice("no_auth", fields.no_auth).value_or(false);
  options.model_name = OrNothing(fields.model_name);
  for (const char* const* adapter = fields.adapters; adapter != nullptr && *adapter != nullptr;
       ++adapter) {
    options.adapters.push_back(ReadAdapter(*adapter));
  }
  options.service.accept_token_ids =
      ReadChoice("accept_token_ids", fields.accept_token_ids).value_or(false);
  options.service.empty_is_zero = ReadChoice("empty_is_zero", fields.empty_is_zero).value_or(false);
  options.service.max_wait = Seconds("options.max_wait", fields.max_wait, options.service.max_wait);
  options.service.request_timeout =
      Seconds("options.request_timeout", fields.request_timeout, options.service.request_timeout);
  return options;
}

void Start(const char* path, const lacos_options* given, const lacos_server_options* server_given,
           lacos_server** server) {
  Require(server != nullptr,
          "[server] NULL; expected where the server is to be put; pass the address of a pointer");
  *server = nullptr;
  serve::EmbeddingServerOptions options =
      ReadServerOptions(ReadStruct(server_given, kServerOptionsSize, "lacos_server_options"));
  int threads = 0;
  options.model = ReadOptions(path, given, threads);
  options.service.batch_tokens = options.model.batch_tokens;
  auto started = std::make_unique<lacos_server>();
  started->compute_thread = ComputeThread::Acquire();
  started->compute_thread->Run([&] { SetThreadCount(threads); });
  started->server = std::make_unique<serve::EmbeddingServer>(options);
  *server = started.release();
}

void RequireServer(const lacos_server* server) {
  Require(server != nullptr,
          "[server] NULL; expected a running server; call lacos_server_start first");
  if (server->compute_thread->IsHere()) return;
  throw UserError(
      "[fork] the server was started before this process was forked; expected a server of this "
      "process; start it after the fork");
}

void Stop(lacos_server* server, double drain_seconds, uint64_t* lost) {
  if (lost != nullptr) *lost = 0;
  if (server == nullptr) return;
  RequireServer(server);
  Require(std::isfinite(drain_seconds) && drain_seconds >= 0 && drain_seconds <= kMostSeconds,
          "[drain_seconds] not from 0 to 1000000; expected seconds; correct it");
  const std::unique_ptr<lacos_server> owner(server);
  const auto drain =
      std::chrono::milliseconds(static_cast<int64_t>(std::ceil(drain_seconds * 1000)));
  const int64_t unanswered = owner->server->Stop(drain);
  if (lost != nullptr) *lost = static_cast<uint64_t>(unanswered);
}

}  // namespace
}  // namespace lacos::capi

extern "C" {

lacos_status lacos_server_start(const char* path, const lacos_options* options,
                                const lacos_server_options* server_options, lacos_server** server) {
  return lacos::capi::Call([&] { lacos::capi::Start(path, options, server_options, server); });
}

const char* lacos_server_url(const lacos_server* server) {
  return server == nullptr ? "" : server->server->url().c_str();
}

lacos_status lacos_server_reload_keys(lacos_server* server) {
  return lacos::capi::Call([&] {
    lacos::capi::RequireServer(server);
    server->server->ReloadKeys();
  });
}

lacos_status lacos_server_stop(lacos_server* server, double drain_seconds, uint64_t* lost) {
  return lacos::capi::Call([&] { lacos::capi::Stop(server, drain_seconds, lost); });
}
}
