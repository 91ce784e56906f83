#include "lacos/serve/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <new>

#include "lacos/base/device_error.h"
#include "lacos/base/error.h"
#include "lacos/io/paths.h"
#include "lacos/serve/exchange.h"

namespace lacos::serve {
namespace {

// Bodies beyond this size are read by the thread for large jobs.
constexpr size_t kLargeBody = size_t{16} << 10;
// A job of the workers that runs so long stands still. The largest body without a space takes half a
// minute to tokenize, and a large adapter on a slow disk takes minutes to load.
constexpr double kStillSeconds = 300;

ProtocolOptions ProtocolFor(const ServiceOptions& options, const Models& models) {
  const auto model = models.Default();
  return {.max_texts = options.max_texts,
          .max_request_tokens = options.max_request_tokens,
          .dimension = model->width,
          .vocabulary = model->tokenizer->VocabularySize(),
          .empty_is_zero = options.empty_is_zero,
          .accept_token_ids = options.accept_token_ids,
          .strip = model->text.tokenize.strip,
          .has_keys = options.has_keys,
          .prompt_names = models.PromptNames(),
          .version = options.version};
}

WorkText ProbeOf(const ServedModel& model) {
  WorkText probe;
  model.tokenizer->Encode("Is anybody there?", probe.ids);
  if (probe.ids.empty()) probe.ids = {0};
  return probe;
}

ApiError Stopping() {
  ApiError error = Unhealthy("[server] is stopping; expected a running one; ask another server");
  error.headers = {{"retry-after", "5"}};
  return error;
}

HttpReply JsonReply(const Json& body) { return {.body = body.Dump()}; }

}  // namespace

Service::Service(const ServiceOptions& options, Engine& engine, Models& models)
    : options_(options),
      engine_(engine),
      models_(models),
      metrics_(models.Default()->text.tokenize.max_length),
      cache_(options.cache_bytes),
      dispatcher_({.batch_seconds = options.batch_ms / 1000,
                   .pauses = engine.pauses(),
                   .batch_tokens = options.batch_tokens,
                   .max_wait_seconds = options.max_wait},
                  engine, ProbeOf(*models.Default()), models.Default()->adapter,
                  models.Default()->tokenizer->VocabularySize(), metrics_),
      health_(dispatcher_, options.fresh_seconds) {
  models_.SetRunAlone([this](const std::function<void()>& work) { dispatcher_.RunAlone(work); });
  UpdateRoutes();
}

Service::~Service() {
  dispatcher_.Stop();
  models_.SetRunAlone([](const std::function<void()>& work) { work(); });
}

std::shared_ptr<const Routes> Service::CurrentRoutes() const {
  const std::lock_guard lock(mutex_);
  return routes_;
}

void Service::UpdateRoutes() {
  auto routes = std::make_shared<const Routes>(ProtocolFor(options_, models_));
  auto document = std::make_shared<const std::string>(OpenApi(*routes).Dump());
  const std::lock_guard lock(mutex_);
  routes_ = std::move(routes);
  openapi_ = std::move(document);
}

bool Service::NeedsKey(std::string_view method, std::string_view path) const {
  try {
    return !CurrentRoutes()->Find(method, path).route->open;
  } catch (const ApiError&) {
    return true;  // strangers do not learn which paths there are
  }
}

HttpReply Service::Failure(const ApiError& error, const HttpRequest& head) {
  metrics_.Add("lacos_refused", Metrics::Label("why", error.code));
  const std::string_view path = PathOf(head.target);
  if (CurrentRoutes()->AsksForVectors(head.method, path)) {
    std::string kind =
        error.code == "too_many_texts" ? "batch_size" : std::string(Name(error.type));
    kind[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(kind[0])));
    metrics_.Add("te_request_failure", Metrics::Label("err", kind));
  }
  ApiError told(error.status, error.code, models_.WithoutPlaces(error.what()), error.param,
                error.type);
  told.headers = error.headers;
  return ErrorReply(told, DialectOf(path));
}

Routes::Match Service::CheckedMatch(const Routes& routes, const HttpRequest& head) {
  Routes::Match match = routes.Find(head.method, PathOf(head.target));
  const Route& route = *match.route;
  if (route.admin && (head.key == nullptr || !head.key->admin)) {
    throw ApiError(403, "admin_key_needed",
                   "[key] may not do this; expected a key with admin rights; use such a key");
  }
  if (route.request || route.method == "DELETE") {
    if (draining_) throw Stopping();
  }
  if (!route.request) return match;
  RequireJson(head.headers);
  TimeoutOf(head.headers, options_.request_timeout);
  if (head.key != nullptr) RequireKeyLimit(*head.key, 0, 0);
  return match;
}

std::optional<HttpReply> Service::CheckHead(const HttpRequest& head) {
  try {
    CheckedMatch(*CurrentRoutes(), head);
    return std::nullopt;
  } catch (const ApiError& error) {
    HttpReply reply = Failure(error, head);
    reply.close = draining_;
    return reply;
  }
}

HttpReply Service::Refuse(const HttpRefusal& refusal) {
  ApiError error(refusal.status, refusal.code, refusal.message, "",
                 refusal.status == 429   ? TeiError::kOverloaded
                 : refusal.status >= 500 ? TeiError::kUnhealthy
                                         : TeiError::kValidation);
  error.headers = refusal.headers;
  HttpRequest head;  // without a method: what HTTP refuses has a counter of its own
  head.target = refusal.target;
  return Failure(error, head);
}

void Service::Drain() { draining_ = true; }

void Service::RequireKeyLimit(const ApiKey& key, double texts, double tokens) {
  std::optional<double> wait;
  {
    const std::lock_guard lock(mutex_);
    wait = key_limits_.Take(key, texts, tokens, std::chrono::steady_clock::now());
  }
  if (wait) {
    throw TooBusy(*wait, "rate_limit_exceeded",
                  fmt::format("[key] has reached its limit of texts or tokens; expected fewer; try "
                              "again after {:.1f} s",
                              std::ceil(*wait * 10) / 10));
  }
}

void Service::Handle(HttpRequest request, Send send) {
  const auto exchange = std::make_shared<Exchange>();
  exchange->request = std::move(request);
  exchange->send = std::move(send);
  exchange->dialect = DialectOf(PathOf(exchange->request.target));
  Guarded(*exchange, [&] {
    exchange->routes = CurrentRoutes();
    exchange->match = CheckedMatch(*exchange->routes, exchange->request);
    const Route& route = *exchange->match.route;
    if (route.method == "GET") return Get(exchange);
    const size_t bytes = route.admin ? 0 : exchange->request.body.size();
    workers_.Post(route.admin || bytes > kLargeBody, bytes, [this, exchange] {
      Guarded(*exchange, [&] {
        RequireWanted(*exchange);  // it may have waited behind large requests
        Post(exchange);
      });
    });
  });
}

void Service::RequireWanted(const Exchange& exchange) {
  const HttpRequest& request = exchange.request;
  if (exchange.match.route->admin) return;  // it has no deadline
  if (request.abandoned != nullptr && *request.abandoned) {
    metrics_.Add("lacos_abandoned");
    throw ClientGone();
  }
  const TimePoint deadline =
      After(request.arrived, TimeoutOf(request.headers, options_.request_timeout));
  if (std::chrono::steady_clock::now() < deadline) return;
  metrics_.Add("lacos_expired");
  throw TimeOver();
}

void Service::Get(const ExchangePtr& exchange) {
  const Routes::Match& match = exchange->match;
  switch (match.route->kind) {
    case RouteKind::kHealth:
    case RouteKind::kReady:
    case RouteKind::kPing:
      if (draining_) throw Stopping();
      return health_.Check([this, exchange](bool is_healthy) {
        Guarded(*exchange, [&] {
          if (is_healthy) return exchange->Reply({.body = R"({"status":"ok"})"});
          if (const std::string found = dispatcher_.DeviceFailure(); !found.empty())
            throw DeviceFailed(found);
          throw Unhealthy(
              "[server] cannot compute; expected a text within one second; restart it if this "
              "lasts");
        });
      });
    case RouteKind::kLive:
      if (!health_.IsMoving() || workers_.RunningSeconds() > kStillSeconds)
        throw Unhealthy("[server] a thread stands still; expected all to move; restart it");
      return exchange->Reply({.body = R"({"status":"ok"})"});
    case RouteKind::kMetrics:
      return exchange->Reply(MetricsText());
    case RouteKind::kInfo:
      return exchange->Reply(JsonReply(Info()));
    case RouteKind::kOpenApi: {
      const std::lock_guard lock(mutex_);
      return exchange->Reply({.body = *openapi_});
    }
    case RouteKind::kIndex: {
      Json index = Json::Object();
      for (const Route& route : exchange->routes->all()) {
        for (const std::string_view path : route.paths)
          index.Set(fmt::format("{} {}", route.method, path), route.summary);
      }
      return exchange->Reply({.body = index.Dump(2) + "\n"});
    }
    case RouteKind::kModels:
    case RouteKind::kAdapters: {
      std::vector<Json> cards;
      for (const auto& model : models_.All()) {
        if (match.route->kind == RouteKind::kModels || model != models_.Default())
          cards.push_back(ModelCardOf(model->name, model->created));
      }
      return exchange->Reply(JsonReply(ListOf(cards)));
    }
    case RouteKind::kModel: {
      for (const auto& model : models_.All()) {
        if (model->name == match.parameter)
          return exchange->Reply(JsonReply(ModelCardOf(model->name, model->created)));
      }
      throw UnknownModel(match.parameter);
    }
    default:
      throw ApiError(500, "internal", "[server] a route has no answer; expected one; report it");
  }
}

ApiError Service::UnknownModel(const std::string& name) const {
  std::string names;
  for (const auto& model : models_.All()) names += (names.empty() ? "" : ", ") + model->name;
  return {
      404, "model_not_found",
      fmt::format("[model] found {}; expected one of: {}; use one of them", Quoted(name), names),
      "model"};
}

void Service::Post(const ExchangePtr& exchange) {
  const Route& route = *exchange->match.route;
  if (route.kind == RouteKind::kUnloadAdapter)
    return exchange->Reply(UnloadAdapter(exchange->match.parameter));
  const Json body = ReadBody(*exchange->routes, route, exchange->dialect, exchange->request.body);
  // The strings of the body were copied.
  exchange->request.body = std::string();
  exchange->request.body_memory.reset();
  switch (route.kind) {
    case RouteKind::kTokenize:
      return exchange->Reply(Tokenize(body));
    case RouteKind::kDecode:
      return exchange->Reply(Decode(body));
    case RouteKind::kLoadAdapter:
      return exchange->Reply(LoadAdapter(body));
    default:
      exchange->call = ReadEmbedCall(route.kind, body);
      return Embed(exchange);
  }
}

HttpReply Service::Tokenize(const Json& body) {
  const TokenizeCall call = ReadTokenizeCall(body);
  const auto model = models_.Default();
  const std::string prompt =
      PromptOf(*model, {.field = "inputs", .prompt_name = call.prompt_name}, Dialect::kTei).text;
  std::string out = "[";
  size_t tokens = 0;
  for (size_t i = 0; i < call.texts.size(); ++i) {
    std::vector<TokenView> view;
    try {
      view = ViewTokens(*model, prompt + call.texts[i], call.special);
    } catch (const UserError& error) {
      throw ApiError(422, "text_not_tokenized", fmt::format("[inputs[{}]] {}", i, error.what()),
                     "inputs", TeiError::kTokenizer);
    }
    tokens += view.size();
    if (static_cast<int64_t>(tokens) > options_.max_request_tokens) {
      throw ApiError(
          413, "too_many_tokens",
          fmt::format("[inputs] the first {} texts have more than {} tokens; expected at "
                      "most that; send them in several requests",
                      i + 1, options_.max_request_tokens),
          "inputs");
    }
    if (i > 0) out += ',';
    AppendTokens(view, out);
  }
  return {.body = out + "]"};
}

HttpReply Service::Decode(const Json& body) {
  const DecodeCall call = ReadDecodeCall(body);
  const auto model = models_.Default();
  Json texts = Json::Array();
  for (size_t i = 0; i < call.ids.size(); ++i) {
    try {
      texts.Append(model->tokenizer->Decode(call.ids[i], call.skip_special));
    } catch (const UserError& error) {
      throw ApiError(422, "ids_not_decoded", fmt::format("[ids[{}]] {}", i, error.what()), "ids",
                     TeiError::kTokenizer);
    }
  }
  return JsonReply(texts);
}

HttpReply Service::LoadAdapter(const Json& body) {
  namespace fs = std::filesystem;
  const AdapterCall call = ReadAdapterCall(body);
  const auto refuse = [](int status, const char* code, const std::string& message,
                         const char* param) { return ApiError(status, code, message, param); };
  if (options_.adapter_root.empty()) {
    throw refuse(403, "no_adapter_root",
                 "[folder] the server loads no adapters; expected one that was started with "
                 "--adapter-root; start it so",
                 "folder");
  }
  std::error_code error;
  const fs::path root = fs::canonical(options_.adapter_root, error);
  const fs::path folder = fs::canonical(root / call.folder, error);
  const fs::path inside = folder.lexically_relative(root);
  if (error || inside.empty() || inside == "." || *inside.begin() == "..") {
    throw refuse(
        404, "no_such_folder",
        fmt::format("[folder] found {}; expected a folder below the --adapter-root; correct it",
                    Quoted(call.folder)),
        "folder");
  }
  if (call.name.size() > 128)
    throw refuse(422, "invalid_value",
                 "[name] found more than 128 bytes; expected fewer; shorten it", "name");
  // Clients are not told where folders are.
  const auto without_root = [&](std::string message) {
    for (size_t at = 0; (at = message.find(root.string(), at)) != std::string::npos;)
      message.replace(at, root.string().size(), "adapter-root");
    return message;
  };
  std::shared_ptr<const ServedModel> model;
  try {
    model = models_.Load({.name = call.name, .folder = folder.string()});
  } catch (const DeviceError&) {
    throw;
  } catch (const UserError& user_error) {
    throw refuse(422, "adapter_not_loaded", without_root(user_error.what()), "folder");
  }
  if (model == nullptr) {
    throw refuse(
        409, "name_taken",
        fmt::format("[name] found {}, which is loaded already; expected a new name; unload it "
                    "first, or choose another",
                    Quoted(call.name)),
        "name");
  }
  UpdateRoutes();
  Json card = ModelCardOf(model->name, model->created), warnings = Json::Array();
  for (const std::string& warning : model->warnings)
    warnings.Append(models_.WithoutPlaces(without_root(warning)));
  card.Set("warnings", warnings);
  return JsonReply(card);
}

HttpReply Service::UnloadAdapter(const std::string& name) {
  if (!models_.Unload(name)) {
    std::string names;
    for (const auto& model : models_.All()) {
      if (model != models_.Default()) names += (names.empty() ? "" : ", ") + model->name;
    }
    throw ApiError(404, "model_not_found",
                   fmt::format("[name] found {}; expected the name of an adapter ({}); use one",
                               Quoted(name), names.empty() ? "none is loaded" : names),
                   "name");
  }
  UpdateRoutes();
  Json reply = Json::Object();
  reply.Set("id", name);
  reply.Set("deleted", true);
  return JsonReply(reply);
}

}  // namespace lacos::serve
