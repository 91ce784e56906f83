#include "lacos/serve/protocol/api_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lacos/io/json.h"

namespace lacos::serve {
namespace {

// OpenAI's "type" for a status.
std::string_view OpenAiType(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

}  // namespace

Dialect DialectOf(std::string_view path) {
  const bool openai = path == "/v1" || path.starts_with("/v1/") || path == "/embeddings";
  return openai ? Dialect::kOpenAi : Dialect::kTei;
}

HttpReply ErrorReply(const ApiError& error, Dialect dialect) {
  Json body = Json::Object();
  if (dialect == Dialect::kOpenAi) {
    Json inner = Json::Object();
    inner.Set("message", std::string(error.what()));
    inner.Set("type", OpenAiType(error.status));
    inner.Set("param", error.param.empty() ? Json() : Json(error.param));
    inner.Set("code", error.code);
    body.Set("error", inner);
  } else {
    body.Set("error", std::string(error.what()));
    body.Set("error_type", Name(error.type));
  }
  return {.status = error.status, .headers = error.headers, .body = body.Dump()};
}

ApiError TooBusy(double wait_seconds, const std::string& code, const std::string& message) {
  ApiError error(429, code, message, "", TeiError::kOverloaded);
  const double wait = std::isfinite(wait_seconds) ? std::clamp(wait_seconds, 0.001, 120.0) : 120.0;
  error.headers = {{"retry-after", fmt::format("{:.0f}", std::ceil(wait))},
                   {"retry-after-ms", fmt::format("{:.0f}", std::ceil(wait * 1000))}};
  return error;
}

}  // namespace lacos::serve
