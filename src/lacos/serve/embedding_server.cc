#include "lacos/serve/embedding_server.h"

#include <fmt/format.h>

#include <filesystem>
#include <mutex>
#include <utility>

#include "lacos/base/enum_names.h"
#include "lacos/base/error.h"
#include "lacos/base/version.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/encoder.h"
#include "lacos/record/run_record.h"
#include "lacos/serve/fit.h"
#include "lacos/serve/model_engine.h"

namespace lacos::serve {
namespace {

// Answers in place of the service until the model is loaded.
class LoadingHandler : public Handler {
 public:
  void Set(std::shared_ptr<Service> service) {
    const std::lock_guard lock(mutex_);
    service_ = std::move(service);
    if (draining_ && service_ != nullptr) service_->Drain();
  }

  bool NeedsKey(std::string_view method, std::string_view path) const override {
    const std::shared_ptr<Service> service = Get();
    return service != nullptr && service->NeedsKey(method, path);  // until then all get 503
  }
  std::optional<HttpReply> CheckHead(const HttpRequest& head) override {
    if (const std::shared_ptr<Service> service = Get()) return service->CheckHead(head);
    if (PathOf(head.target) == "/livez") return std::nullopt;
    HttpRefusal refusal{
        .status = 503,
        .code = "loading",
        .message =
            "[server] the model is being loaded; expected a server that is ready; try "
            "again in a few seconds",
        .headers = {{"retry-after", "5"}},
        .target = head.target};
    return Refuse(refusal);
  }
  void Handle(HttpRequest request, Send send) override {
    if (const std::shared_ptr<Service> service = Get()) {
      service->Handle(std::move(request), std::move(send));
      return;
    }
    send({.headers = {}, .body = R"({"status":"loading"})", .log = {}});  // /livez
  }
  HttpReply Refuse(const HttpRefusal& refusal) override {
    if (const std::shared_ptr<Service> service = Get()) return service->Refuse(refusal);
    Json inner = Json::Object();
    inner.Set("message", refusal.message);
    inner.Set("type", refusal.status >= 500 ? "server_error" : "invalid_request_error");
    inner.Set("param", Json());
    inner.Set("code", refusal.code);
    Json json = Json::Object();
    if (refusal.target.starts_with("/v1/") || refusal.target.starts_with("/embeddings")) {
      json.Set("error", inner);
    } else {
      json.Set("error", refusal.message);
      json.Set("error_type", refusal.status >= 500 ? "Unhealthy" : "Validation");
    }
    return {.status = refusal.status, .headers = refusal.headers, .body = json.Dump(), .log = {}};
  }
  void Drain() override {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    if (service_ != nullptr) service_->Drain();
  }

 private:
  std::shared_ptr<Service> Get() const {
    const std::lock_guard lock(mutex_);
    return service_;
  }
  mutable std::mutex mutex_;
  std::shared_ptr<Service> service_;
  bool draining_ = false;
};

// Throws UserError where adapters could never be loaded by requests although they should.
void CheckAdapterRoot(const EmbeddingServerOptions& options) {
  const std::string& root = options.service.adapter_root;
  if (root.empty()) return;
  std::error_code error;
  if (!std::filesystem::is_directory(root, error)) {
    throw UserError(fmt::format(
        "[adapter_root {}] is no folder; expected one below which adapters lie; check the path",
        root));
  }
  if (options.http.keys_file.empty()) {
    throw UserError(fmt::format(
        "[adapter_root {}] only an admin key may load adapters, and there are no keys; expected a "
        "file of keys; give it (`api_keys`), or leave `adapter_root` out",
        root));
  }
}

Json LimitsOf(const HttpLimits& limits) {
  Json json = Json::Object();
  json.Set("max_connections", limits.connections);
  json.Set("max_connections_per_address", limits.connections_per_address);
  json.Set("max_head_bytes", limits.head_bytes);
  json.Set("max_fields", limits.fields);
  json.Set("max_target_bytes", limits.target_bytes);
  json.Set("max_body_bytes", limits.body_bytes);
  json.Set("payload_limit", limits.body_bytes);  // TEI's name
  json.Set("max_all_body_bytes", limits.all_body_bytes);
  const auto seconds = [](std::chrono::milliseconds time) {
    return static_cast<double>(time.count()) / 1000;
  };
  json.Set("head_seconds", seconds(limits.head_time));
  json.Set("body_seconds", seconds(limits.body_time));
  json.Set("min_body_bytes_per_second", limits.body_bytes_per_second);
  json.Set("idle_seconds", seconds(limits.idle_time));
  json.Set("write_seconds", seconds(limits.write_time));
  json.Set("max_gzip_expansion", int64_t{kMaxGzipExpansion});
  return json;
}

}  // namespace

struct EmbeddingServer::State {
  EmbeddingServerOptions options;
  std::string name;
  std::shared_ptr<HttpStatistics> statistics = std::make_shared<HttpStatistics>();
  std::shared_ptr<LoadingHandler> handler = std::make_shared<LoadingHandler>();
  // In the order in which they may be destroyed, from the last one up.
  std::unique_ptr<SentenceEncoder> encoder;
  std::unique_ptr<Models> models;
  std::unique_ptr<ModelEngine> engine;
  std::shared_ptr<Service> service;
  std::unique_ptr<HttpServer> http;
};

std::string ModelNameOf(const std::string& path) {
  std::filesystem::path folder = std::filesystem::absolute(path).lexically_normal();
  if (folder.filename().empty()) folder = folder.parent_path();
  const std::string name = folder.filename().string();
  return name.empty() ? "lacos" : name;
}

EmbeddingServer::EmbeddingServer(const EmbeddingServerOptions& given,
                                 const std::function<void()>& check_cancel)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.options = given;
  EmbeddingServerOptions& options = s.options;
  s.name = options.model_name.empty() ? ModelNameOf(options.model.path) : options.model_name;
  HttpServer::Check(options.http);
  CheckAdapterRoot(options);
  options.model.device =
      ChooseDevice({.device = options.model.device, .compute = options.model.compute});
  const int64_t activations = RequireFit(options.model, options.service.batch_tokens);
  s.http = std::make_unique<HttpServer>(options.http, s.handler, s.statistics);
  const auto check = [&] {
    if (check_cancel) check_cancel();
  };
  check();
  s.encoder = std::make_unique<SentenceEncoder>(options.model);
  if (activations > 0) s.encoder->encoder().arena().Reserve(static_cast<size_t>(activations));
  check();
  s.models = std::make_unique<Models>(s.name, *s.encoder, options.model);
  for (const AdapterFolder& adapter : options.adapters) {
    if (s.models->Load(adapter) == nullptr) {
      throw UserError(fmt::format(
          "[adapter {}] the name is taken; expected a name of its own for each model; choose another",
          adapter.name));
    }
    check();
  }
  s.engine = std::make_unique<ModelEngine>(s.encoder->encoder());
  options.service.has_keys = !options.http.keys_file.empty();
  options.service.compute =
      fmt::format("{}+{}", NameOf(options.model.device), Name(options.model.compute));
  options.service.device = NameOf(options.model.device);
  options.service.kernels = KernelsJson(s.encoder->backend().Describe());
  options.service.version = kLacosVersion;
  options.service.limits = LimitsOf(options.http.limits);
  options.service.connections = s.statistics.get();
  s.service = std::make_shared<Service>(options.service, *s.engine, *s.models);
  s.handler->Set(s.service);
}

EmbeddingServer::~EmbeddingServer() {
  if (state_ == nullptr) return;
  if (state_->http != nullptr) state_->http->Stop(std::chrono::milliseconds(0));
  state_->handler->Set(nullptr);
}

const std::string& EmbeddingServer::url() const { return state_->http->url(); }
const std::string& EmbeddingServer::model_name() const { return state_->name; }
const SentenceEncoder& EmbeddingServer::encoder() const { return *state_->encoder; }

std::vector<std::string> EmbeddingServer::notes() const {
  std::vector<std::string> notes = state_->http->notes();
  for (const auto& model : state_->models->All()) {
    if (model != state_->models->Default())  // whose notes are the encoder's
      notes.insert(notes.end(), model->warnings.begin(), model->warnings.end());
  }
  return notes;
}

void EmbeddingServer::ReloadKeys() { state_->http->ReloadKeys(); }
void EmbeddingServer::ReopenLog() { state_->http->ReopenLog(); }

int64_t EmbeddingServer::Stop(std::chrono::milliseconds drain, const std::function<bool()>& hurry) {
  return state_->http->Stop(drain, hurry);
}

}  // namespace lacos::serve
