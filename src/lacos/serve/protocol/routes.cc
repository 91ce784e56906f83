#include "lacos/serve/protocol/routes.h"

#include <fmt/format.h>

#include <algorithm>

namespace lacos::serve {
namespace {

Schema Floats() { return Schema::Array(Schema::Number()); }

Schema TextSchema(const ProtocolOptions& options) {
  if (options.empty_is_zero) return Schema::String();
  return options.strip ? Schema::String(1).NotBlank() : Schema::String(1);
}

Schema TextsSchema(const ProtocolOptions& options) {
  std::vector<Schema> forms = {TextSchema(options),
                               Schema::Array(TextSchema(options), 1, options.max_texts)};
  if (options.accept_token_ids) {
    const auto ids = [&] {
      return Schema::Array(Schema::Integer(0, options.vocabulary - 1), 1,
                           options.max_request_tokens);
    };
    forms.push_back(ids());
    forms.push_back(Schema::Array(ids(), 1, options.max_texts));
  }
  return Schema::OneOf(std::move(forms))
      .Described(options.accept_token_ids
                     ? "a text, several texts, or token ids of this model's tokenizer"
                     : "a text, or several texts");
}

Schema PromptName(const ProtocolOptions& options) {
  std::vector<std::string> names = options.prompt_names;
  std::sort(names.begin(), names.end());
  return (names.empty() ? Schema::Null() : Schema::Words(std::move(names)).OrNull())
      .Described(
          "a prompt of the model's folder that goes before each text; without it the folder's "
          "default prompt, if it has one");
}

Schema Dimensions(const ProtocolOptions& options) {
  return Schema::Integer(1, options.dimension)
      .OrNull()
      .Described("how many leading values of a vector are kept, before it is scaled to length 1");
}

Field Truncate() {
  return {"truncate", Schema::Boolean().OrNull().Described(
                          "whether texts that are too long are cut (the default) or refused")};
}
Field Direction() {
  return {"truncation_direction", Schema::Words({"Left", "Right", "left", "right"})
                                      .OrNull()
                                      .Described("the end of a text that is cut")};
}

Schema OpenAiRequest(const ProtocolOptions& options) {
  return Schema::Object(
      {{"input", TextsSchema(options), true},
       {"model", Schema::String().OrNull().Described("any name, unless the server has adapters")},
       {"encoding_format",
        Schema::Words({"float", "base64"})
            .OrNull()
            .Described("numbers (the default), or little-endian float32 in base64")},
       {"dimensions", Dimensions(options)},
       {"user", Schema::String().OrNull()},
       {"input_type",
        Schema::Words({"query", "document", "search_query", "search_document", "passage"})
            .OrNull()
            .Described("uses the folder's prompt for queries or documents, if it has one")},
       {"prompt_name", PromptName(options)},
       Truncate(),
       Direction()});
}

Schema OpenAiReply() {
  const auto indexes = [] { return Schema::Array(Schema::Integer(0)); };
  return Schema::Object(
      {{"object", Schema::Words({"list"}), true},
       {"data",
        Schema::Array(
            Schema::Object({{"object", Schema::Words({"embedding"}), true},
                            {"index", Schema::Integer(0), true},
                            {"embedding", Schema::OneOf({Floats(), Schema::String()}), true}})),
        true},
       {"model", Schema::String(), true},
       {"usage",
        Schema::Object({{"prompt_tokens", Schema::Integer(0), true},
                        {"total_tokens", Schema::Integer(0), true}}),
        true},
       {"lacos", Schema::Object({{"truncated", indexes(), true}, {"empty", indexes(), true}}),
        true}});
}

Schema TeiRequest(const ProtocolOptions& options, bool pooled) {
  std::vector<Field> fields = {{"inputs", TextsSchema(options), true},
                               {"prompt_name", PromptName(options)},
                               Truncate(),
                               Direction()};
  if (pooled) {
    fields.push_back({"normalize", Schema::Boolean().OrNull().Described(
                                       "whether vectors have length 1 (the default)")});
    fields.push_back({"dimensions", Dimensions(options)});
  }
  return Schema::Object(std::move(fields));
}

Schema SimilarityRequest(const ProtocolOptions& options) {
  return Schema::Object(
      {{"inputs",
        Schema::Object(
            {{"source_sentence", TextSchema(options), true},
             {"sentences", Schema::Array(TextSchema(options), 1, options.max_texts - 1), true}}),
        true},
       {"parameters",
        Schema::Object({{"prompt_name", PromptName(options)}, Truncate(), Direction()}).OrNull()}});
}

Schema TokenizeRequest(const ProtocolOptions& options) {
  return Schema::Object(
      {{"inputs",
        Schema::OneOf({Schema::String(), Schema::Array(Schema::String(), 1, options.max_texts)}),
        true},
       {"add_special_tokens", Schema::Boolean().OrNull().Described(
                                  "whether the tokens around every text are added (the default)")},
       {"prompt_name", PromptName(options)}});
}

Schema TokenizeReply() {
  return Schema::Array(
      Schema::Array(Schema::Object({{"id", Schema::Integer(0), true},
                                    {"text", Schema::String(), true},
                                    {"special", Schema::Boolean(), true},
                                    {"start", Schema::Integer(0).OrNull(), true},
                                    {"stop", Schema::Integer(0).OrNull(), true}})));
}

Schema DecodeRequest(const ProtocolOptions& options) {
  const auto ids = [&] {
    return Schema::Array(Schema::Integer(0, options.vocabulary - 1), 1, options.max_request_tokens);
  };
  return Schema::Object(
      {{"ids", Schema::OneOf({ids(), Schema::Array(ids(), 1, options.max_texts)}), true},
       {"skip_special_tokens", Schema::Boolean().OrNull()}});
}

std::vector<Field> ModelCardFields() {
  return {{"id", Schema::String(), true},
          {"object", Schema::Words({"model"}), true},
          {"created", Schema::Integer(0), true},
          {"owned_by", Schema::String(), true}};
}
Schema ModelCard() { return Schema::Object(ModelCardFields()); }
Schema LoadedAdapter() {
  std::vector<Field> fields = ModelCardFields();
  fields.push_back(
      {"warnings",
       Schema::Array(Schema::String()).Described("what is not used of the folder, and the like"),
       true});
  return Schema::Object(std::move(fields));
}
Schema ModelList() {
  return Schema::Object(
      {{"object", Schema::Words({"list"}), true}, {"data", Schema::Array(ModelCard()), true}});
}

Schema Message() { return Schema::Object({}); }

// Whether the path has the form, whose parameter is set to what stands in its place.
bool MatchesPath(std::string_view form, std::string_view path, std::string_view& parameter) {
  const size_t brace = form.find('{');
  if (brace == std::string_view::npos) return form == path;
  if (!path.starts_with(form.substr(0, brace)) || path.size() == brace) return false;
  parameter = path.substr(brace);
  return true;
}

std::string PercentDecoded(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

// The errors of a route that computes.
const std::vector<int> kComputing = {413, 415, 422, 424, 429};

}  // namespace

std::string_view PathOf(std::string_view target) {
  return target.substr(0, target.find_first_of("?#"));
}

const std::vector<StatusMeaning>& StatusMeanings() {
  static const std::vector<StatusMeaning> meanings = {
      {400, "The request is malformed"},
      {401, "The key is missing or unknown"},
      {403, "The key or the origin does not allow this"},
      {404, "There is no such model, path or folder"},
      {405, "The path has other methods"},
      {408, "The request was not complete in time"},
      {409, "There is something with this name already"},
      {413, "The request is too large"},
      {414, "The target is too long"},
      {415, "The body is not JSON"},
      {417, "The expectation is unknown"},
      {421, "The host is no name of this machine"},
      {422, "A value of the request cannot be used"},
      {424, "The model failed on a text of the request"},
      {429, "The server is busy, or the key's limit is reached; retry-after says for how long"},
      {431, "The head of the request is too large"},
      {500, "A defect of the server"},
      {501, "The transfer encoding is unknown"},
      {503, "The server cannot answer now"},
      {505, "The version of HTTP is unknown"},
  };
  return meanings;
}

Routes::Routes(const ProtocolOptions& options) : options_(options) {
  const ProtocolOptions& o = options_;
  const auto with = [](std::vector<int> more, std::vector<int> errors = kComputing) {
    errors.insert(errors.end(), more.begin(), more.end());
    return errors;
  };
  routes_ = {
      {.kind = RouteKind::kOpenAiEmbeddings,
       .method = "POST",
       .paths = {"/v1/embeddings", "/embeddings"},
       .summary = "Vectors of length 1 of texts, as OpenAI's API has them",
       .request = OpenAiRequest(o),
       .reply = OpenAiReply(),
       .errors = with({404})},
      {.kind = RouteKind::kModels,
       .method = "GET",
       .paths = {"/v1/models"},
       .summary = "The names of the models",
       .reply = ModelList()},
      {.kind = RouteKind::kModel,
       .method = "GET",
       .paths = {"/v1/models/{model}"},
       .summary = "One model",
       .reply = ModelCard(),
       .errors = {404}},
      {.kind = RouteKind::kEmbed,
       .method = "POST",
       .paths = {"/embed", "/"},
       .summary = "Vectors of texts, as text-embeddings-inference has them",
       .request = TeiRequest(o, /*pooled=*/true),
       .reply = Schema::Array(Floats()),
       .errors = kComputing},
      {.kind = RouteKind::kEmbedAll,
       .method = "POST",
       .paths = {"/embed_all"},
       .summary = "The last hidden state of every token of texts",
       .request = TeiRequest(o, /*pooled=*/false),
       .reply = Schema::Array(Schema::Array(Floats())),
       .errors = kComputing},
      {.kind = RouteKind::kSimilarity,
       .method = "POST",
       .paths = {"/similarity"},
       .summary = "How similar sentences are to one",
       .request = SimilarityRequest(o),
       .reply = Floats(),
       .errors = kComputing},
      {.kind = RouteKind::kTokenize,
       .method = "POST",
       .paths = {"/tokenize"},
       .summary = "The tokens of texts",
       .request = TokenizeRequest(o),
       .reply = TokenizeReply(),
       .errors = {413, 415, 422}},
      {.kind = RouteKind::kDecode,
       .method = "POST",
       .paths = {"/decode"},
       .summary = "The texts of token ids",
       .request = DecodeRequest(o),
       .reply = Schema::Array(Schema::String()),
       .errors = {413, 415, 422}},
      {.kind = RouteKind::kInfo,
       .method = "GET",
       .paths = {"/info"},
       .summary = "The model, its settings and the server's limits",
       .reply = Schema::Object({{"model_id", Schema::String(), true},
                                {"max_input_length", Schema::Integer(1), true},
                                {"max_client_batch_size", Schema::Integer(1), true}})},
      {.kind = RouteKind::kHealth,
       .method = "GET",
       .paths = {"/health"},
       .summary = "Whether texts can be computed",
       .reply = Message(),
       .open = true},
      {.kind = RouteKind::kReady,
       .method = "GET",
       .paths = {"/readyz"},
       .summary = "Whether texts can be computed",
       .reply = Message(),
       .open = true},
      {.kind = RouteKind::kLive,
       .method = "GET",
       .paths = {"/livez"},
       .summary = "Whether the threads of the server move",
       .reply = Message(),
       .open = true},
      {.kind = RouteKind::kPing,
       .method = "GET",
       .paths = {"/ping"},
       .summary = "Whether texts can be computed",
       .reply = Message(),
       .open = true},
      {.kind = RouteKind::kMetrics,
       .method = "GET",
       .paths = {"/metrics"},
       .summary = "Counters in Prometheus' text format",
       .open = true},
      {.kind = RouteKind::kOpenApi,
       .method = "GET",
       .paths = {"/openapi.json", "/api-doc/openapi.json"},
       .summary = "This document",
       .reply = Schema::Object({}),
       .open = true},
      {.kind = RouteKind::kIndex,
       .method = "GET",
       .paths = {"/"},
       .summary = "The routes",
       .reply = Schema::Object({})},
      {.kind = RouteKind::kAdapters,
       .method = "GET",
       .paths = {"/v1/adapters"},
       .summary = "The adapters that are loaded",
       .reply = ModelList(),
       .admin = true},
      {.kind = RouteKind::kLoadAdapter,
       .method = "POST",
       .paths = {"/v1/adapters"},
       .summary = "Loads an adapter over the base that is served",
       .request =
           Schema::Object({{"name", Schema::String(1), true}, {"folder", Schema::String(1), true}}),
       .reply = LoadedAdapter(),
       .errors = {403, 404, 409, 413, 415, 422},
       .admin = true},
      {.kind = RouteKind::kUnloadAdapter,
       .method = "DELETE",
       .paths = {"/v1/adapters/{name}"},
       .summary = "Unloads an adapter; requests that use it are still answered",
       .reply =
           Schema::Object({{"id", Schema::String(), true}, {"deleted", Schema::Boolean(), true}}),
       .errors = {403, 404},
       .admin = true},
  };
}

bool Routes::AsksForVectors(std::string_view method, std::string_view path) const {
  return std::any_of(routes_.begin(), routes_.end(), [&](const Route& route) {
    const bool computes = route.kind == RouteKind::kOpenAiEmbeddings ||
                          route.kind == RouteKind::kEmbed || route.kind == RouteKind::kEmbedAll ||
                          route.kind == RouteKind::kSimilarity;
    return computes && route.method == method &&
           std::find(route.paths.begin(), route.paths.end(), path) != route.paths.end();
  });
}

Routes::Match Routes::Find(std::string_view method, std::string_view path) const {
  std::string allowed;
  for (const Route& route : routes_) {
    for (const std::string_view form : route.paths) {
      std::string_view parameter;
      if (!MatchesPath(form, path, parameter)) continue;
      if (route.method == method) return {&route, PercentDecoded(parameter)};
      allowed += allowed.empty() ? "" : ", ";
      allowed += route.method;
      if (route.method == "GET") allowed += ", HEAD";
    }
  }
  if (allowed.empty()) {
    throw ApiError(
        404, "not_found",
        fmt::format("[path] found {}; expected one of the paths that GET / lists; correct "
                    "the URL",
                    Quoted(path)));
  }
  ApiError error(405, "method_not_allowed",
                 fmt::format("[method] found {} for {}; expected {}; use that", Quoted(method),
                             Quoted(path), allowed));
  error.headers = {{"allow", allowed}};
  throw error;
}

}  // namespace lacos::serve
