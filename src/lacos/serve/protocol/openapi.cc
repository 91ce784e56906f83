// Writes the table of routes as an OpenAPI 3.1 document.
#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "lacos/serve/protocol/routes.h"

namespace lacos::serve {
namespace {

// Statuses that HTTP itself, or the state of the server, may give any request.
const std::vector<int> kEverywhere = {400, 403, 404, 405, 408, 413, 414, 415,
                                      417, 421, 429, 431, 500, 501, 503, 505};

Json ErrorSchema(Dialect dialect) {
  if (dialect == Dialect::kOpenAi) {
    return Schema::Object({{"error",
                            Schema::Object({{"message", Schema::String(), true},
                                            {"type", Schema::String(), true},
                                            {"param", Schema::String().OrNull(), true},
                                            {"code", Schema::String(), true}}),
                            true}})
        .ToJson();
  }
  return Schema::Object({{"error", Schema::String(), true},
                         {"error_type", Schema::Words(WordsOf<TeiError>()), true}})
      .ToJson();
}

Json JsonContent(Json schema) {
  Json media = Json::Object();
  media.Set("schema", std::move(schema));
  Json content = Json::Object();
  content.Set("application/json", media);
  return content;
}

Json Reference(Dialect dialect) {
  Json reference = Json::Object();
  reference.Set("$ref", dialect == Dialect::kOpenAi ? "#/components/schemas/OpenAiError"
                                                    : "#/components/schemas/TeiError");
  return reference;
}

Json Responses(const Route& route, std::string_view path, bool has_keys) {
  Json responses = Json::Object();
  Json good = Json::Object();
  good.Set("description", route.summary);
  if (route.reply) {
    good.Set("content", JsonContent(route.reply->ToJson()));
  } else {
    Json media = Json::Object(), content = Json::Object();
    media.Set("schema", Schema::String().ToJson());
    content.Set("text/plain", media);
    good.Set("content", content);
  }
  responses.Set("200", good);
  for (const StatusMeaning& meaning : StatusMeanings()) {
    const auto lists = [&](const std::vector<int>& statuses) {
      return std::find(statuses.begin(), statuses.end(), meaning.status) != statuses.end();
    };
    const bool key = meaning.status == 401 && has_keys && !route.open;
    if (!key && !lists(kEverywhere) && !lists(route.errors)) continue;
    Json response = Json::Object();
    response.Set("description", meaning.meaning);
    response.Set("content", JsonContent(Reference(DialectOf(path))));
    responses.Set(std::to_string(meaning.status), response);
  }
  return responses;
}

Json Operation(const Route& route, std::string_view path, bool has_keys) {
  Json operation = Json::Object();
  std::string id(route.method);
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char c : path) id += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  operation.Set("operationId", id);
  operation.Set("summary", route.summary);
  const size_t brace = path.find('{');
  if (brace != std::string_view::npos) {
    Json parameter = Json::Object();
    parameter.Set("name", path.substr(brace + 1, path.size() - brace - 2));
    parameter.Set("in", "path");
    parameter.Set("required", true);
    parameter.Set("schema", Schema::String(1).ToJson());
    Json parameters = Json::Array();
    parameters.Append(parameter);
    operation.Set("parameters", parameters);
  }
  if (route.request) {
    Json body = Json::Object();
    body.Set("required", true);
    body.Set("content", JsonContent(route.request->ToJson()));
    operation.Set("requestBody", body);
  }
  operation.Set("responses", Responses(route, path, has_keys));
  if (has_keys && !route.open) {
    Json security = Json::Array();
    for (const char* scheme : {"bearer", "header"}) {
      Json entry = Json::Object();
      entry.Set(scheme, Json::Array());
      security.Append(entry);
    }
    operation.Set("security", security);
  }
  return operation;
}

}  // namespace

Json OpenApi(const Routes& routes) {
  const bool has_keys = routes.options().has_keys;
  Json info = Json::Object();
  info.Set("title", "lacos serve");
  info.Set("version", routes.options().version);
  info.Set(
      "description",
      "Sentence embeddings with BLOOM. Members of a body that are not listed are ignored. Every "
      "reply has x-request-id. X-Request-Timeout-Ms lowers the time after which a request is "
      "not computed any more.");
  Json document = Json::Object();
  document.Set("openapi", "3.1.0");
  document.Set("info", info);
  Json paths = Json::Object();
  for (const Route& route : routes.all()) {
    std::string method(route.method);
    std::transform(method.begin(), method.end(), method.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    for (const std::string_view path : route.paths) {
      const std::string key(path);
      Json operations = paths.Has(key) ? paths.At(key) : Json::Object();
      operations.Set(method, Operation(route, path, has_keys));
      paths.Set(key, operations);
    }
  }
  document.Set("paths", paths);
  Json schemas = Json::Object(), components = Json::Object();
  schemas.Set("OpenAiError", ErrorSchema(Dialect::kOpenAi));
  schemas.Set("TeiError", ErrorSchema(Dialect::kTei));
  components.Set("schemas", schemas);
  if (has_keys) {
    components.Set("securitySchemes",
                   Json::Parse(R"({"bearer": {"type": "http", "scheme": "bearer"},
                                   "header": {"type": "apiKey", "in": "header", "name": "x-api-key"}})",
                               "security schemes"));
  }
  document.Set("components", components);
  return document;
}

}  // namespace lacos::serve
