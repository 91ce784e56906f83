// /info and /metrics: what the server is, and what it has done.
#include "lacos/serve/service.h"

namespace lacos::serve {

Json Service::Info() const {
  const auto model = models_.Default();
  const auto optional = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  Json pooling = Json::Object(), type = Json::Object(), info = Json::Object();
  pooling.Set("pooling", Name(model->pooling));
  type.Set("embedding", pooling);
  // The members of text-embeddings-inference's /info.
  info.Set("model_id", model->name);
  info.Set("model_sha", Json());
  info.Set("model_dtype", options_.compute);
  info.Set("model_type", type);
  info.Set("max_concurrent_requests",
           options_.limits.Has("max_connections") ? options_.limits.At("max_connections") : Json());
  info.Set("max_input_length", model->text.tokenize.max_length);
  info.Set("max_batch_tokens", dispatcher_.BatchTokens());
  info.Set("max_batch_requests", Json());
  info.Set("max_client_batch_size", options_.max_texts);
  info.Set("auto_truncate", options_.truncate);
  info.Set("tokenization_workers", 2);
  info.Set("version", options_.version);
  info.Set("sha", Json());
  info.Set("docker_label", Json());

  Json ours = Json::Object(), prompts = Json::Array(), names = Json::Array();
  for (const std::string& name : models_.PromptNames()) prompts.Append(name);
  for (const auto& served : models_.All()) names.Append(served->name);
  ours.Set("dimension", model->dimension);
  ours.Set("similarity", Name(model->similarity));
  ours.Set("prompts", prompts);
  ours.Set("default_prompt_name", optional(model->settings.default_prompt_name));
  ours.Set("models", names);
  ours.Set("device", options_.device);
  ours.Set("kernels", options_.kernels);
  ours.Set("accept_token_ids", options_.accept_token_ids);
  ours.Set("empty", options_.empty_is_zero ? "zero" : "error");
  ours.Set("max_request_tokens", options_.max_request_tokens);
  ours.Set("batch_ms", options_.batch_ms);
  ours.Set("max_wait_seconds", options_.max_wait);
  ours.Set("request_timeout_seconds", options_.request_timeout);
  ours.Set("cache_bytes", options_.cache_bytes);
  ours.Set("tokens_per_second", dispatcher_.Rate());
  options_.limits.ForEachItem(
      [&](std::string_view name, const Json& value) { ours.Set(std::string(name), value); });
  info.Set("lacos", ours);
  return info;
}

HttpReply Service::MetricsText() {
  dispatcher_.UpdateGauges();
  metrics_.Set("lacos_draining", draining_ ? 1 : 0);
  if (const HttpStatistics* http = options_.connections; http != nullptr) {
    metrics_.Set("lacos_connections", static_cast<double>(http->connections_open));
    metrics_.Set("lacos_http_connections", static_cast<double>(http->connections_accepted));
    metrics_.Set("lacos_http_connections_refused", static_cast<double>(http->connections_refused));
    metrics_.Set("lacos_http_requests", static_cast<double>(http->requests));
    metrics_.Set("lacos_http_refusals", static_cast<double>(http->refusals));
  }
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_.Text()};
}

}  // namespace lacos::serve
