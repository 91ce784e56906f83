#include "lacos/serve/protocol/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "lacos/base/error.h"
#include "lacos/text/strip.h"

namespace lacos::serve {
namespace {

// What LangChain's users need to read: its default sends ids of OpenAI's tokenizer.
constexpr std::string_view kIdsRefused =
    "found token ids; expected texts, since ids of another tokenizer would give wrong vectors without "
    "an error; in LangChain set OpenAIEmbeddings(..., check_embedding_ctx_length=False); start the "
    "server with --accept-token-ids if these are ids of its model";

std::string WithPlace(const std::string& place, std::string_view message) {
  return fmt::format("[{}] {}", place.empty() ? "body" : place, message);
}

// The message of a parser that thinks of files, for a body.
std::string AboutBody(const std::string& message) {
  const size_t advice = message.rfind("; ");
  return message.substr(0, advice) + "; correct the request";
}

bool HoldsIds(const Json& value) {
  return value.IsArray() && value.size() > 0 &&
         (value[0].IsNumber() ||
          (value[0].IsArray() && value[0].size() > 0 && value[0][0].IsNumber()));
}

// The errors about texts that have a status or code of their own, which a schema cannot give.
void CheckTexts(const ProtocolOptions& options, const Json& value, const std::string& place) {
  if (!options.accept_token_ids && HoldsIds(value))
    throw ApiError(400, "token_ids_refused", WithPlace(place, kIdsRefused), place);
  if (value.IsArray() && static_cast<int64_t>(value.size()) > options.max_texts) {
    throw ApiError(413, "too_many_texts",
                   WithPlace(place, fmt::format("found {} texts; expected at most {}; send them in "
                                                "several requests, or raise --max-texts",
                                                value.size(), options.max_texts)),
                   place);
  }
  if (options.empty_is_zero) return;
  const auto check = [&](const Json& text, const std::string& at) {
    if (!text.IsString()) return;
    const bool empty =
        options.strip ? StripWhitespace(text.AsString()).empty() : text.AsStringView().empty();
    if (!empty) return;
    throw ApiError(400, "empty_text",
                   WithPlace(at,
                             "found an empty text; expected at least one character; leave it out, "
                             "or start the server with --empty zero"),
                   at, TeiError::kEmpty);
  };
  check(value, place);
  if (!value.IsArray()) return;
  size_t index = 0;
  value.ForEachElement(
      [&](const Json& text) { check(text, fmt::format("{}[{}]", place, index++)); });
}

// The ids of /decode are limited like the tokens of texts.
void CheckIdCount(const ProtocolOptions& options, const Json& value) {
  if (!value.IsArray()) return;
  int64_t ids = 0;
  value.ForEachElement([&](const Json& element) {
    ids += element.IsArray() ? static_cast<int64_t>(element.size()) : 1;
  });
  if (ids <= options.max_request_tokens) return;
  throw ApiError(413, "too_many_tokens",
                 fmt::format("[ids] found {} ids; expected at most {}; send them in several "
                             "requests, or raise --max-request-tokens",
                             ids, options.max_request_tokens),
                 "ids");
}

void CheckAllTexts(const ProtocolOptions& options, RouteKind kind, const Json& body) {
  if (!body.IsObject()) return;
  const auto check = [&](const Json& object, const char* name, const std::string& place) {
    if (object.IsObject() && object.Has(name)) CheckTexts(options, object.At(name), place);
  };
  switch (kind) {
    case RouteKind::kOpenAiEmbeddings:
      check(body, "input", "input");
      break;
    case RouteKind::kEmbed:
    case RouteKind::kEmbedAll:
      check(body, "inputs", "inputs");
      break;
    case RouteKind::kSimilarity: {
      const Json inputs = body.Has("inputs") ? body.At("inputs") : Json();
      check(inputs, "source_sentence", "inputs.source_sentence");
      if (!inputs.IsObject() || !inputs.Has("sentences")) break;
      ProtocolOptions others = options;
      --others.max_texts;  // the source sentence is one of them
      CheckTexts(others, inputs.At("sentences"), "inputs.sentences");
      break;
    }
    case RouteKind::kTokenize:
    case RouteKind::kDecode: {
      // Empty texts have no tokens, which is an answer.
      ProtocolOptions relaxed = options;
      relaxed.empty_is_zero = true;
      relaxed.accept_token_ids = kind == RouteKind::kDecode;
      const char* name = kind == RouteKind::kDecode ? "ids" : "inputs";
      if (!body.Has(name)) break;
      const Json value = body.At(name);
      if (kind == RouteKind::kDecode) CheckIdCount(options, value);
      // A list of ids is one text.
      if (kind == RouteKind::kDecode && value.IsArray() && value.size() > 0 && value[0].IsNumber())
        break;
      CheckTexts(relaxed, value, name);
      break;
    }
    default:
      break;
  }
}

// Texts or ids of one member.
void ReadInputs(const Json& value, EmbedCall& call) {
  if (value.IsString()) {
    call.single = true;
    call.texts.push_back(value.AsString());
    return;
  }
  const auto read_ids = [&](const Json& list) {
    std::vector<int32_t>& ids = call.ids.emplace_back();
    ids.reserve(list.size());
    list.ForEachElement(
        [&](const Json& id) { ids.push_back(static_cast<int32_t>(id.AsDouble())); });
  };
  call.from_ids = HoldsIds(value);
  if (call.from_ids && value[0].IsNumber()) {
    call.single = true;
    read_ids(value);
    return;
  }
  value.ForEachElement([&](const Json& element) {
    if (call.from_ids) {
      read_ids(element);
    } else {
      call.texts.push_back(element.AsString());
    }
  });
}

std::string StringOr(const Json& object, const char* name) {
  const auto value = object.Find(name);
  return value ? value->AsString() : "";
}

// The members that all routes for texts share.
void ReadShared(const Json& object, EmbedCall& call) {
  call.prompt_name = StringOr(object, "prompt_name");
  if (const auto truncate = object.Find("truncate")) call.truncate = truncate->AsBool();
  const std::string direction = StringOr(object, "truncation_direction");
  if (!direction.empty()) call.truncate_left = direction == "Left" || direction == "left";
}

}  // namespace

std::string EmbedCall::Place(size_t index) const {
  if (field == "inputs.sentences")
    return index == 0 ? "inputs.source_sentence" : fmt::format("{}[{}]", field, index - 1);
  return single ? field : fmt::format("{}[{}]", field, index);
}

Json ReadBody(const Routes& routes, const Route& route, Dialect dialect, std::string_view body) {
  const ProtocolOptions& options = routes.options();
  Json json;
  if (body.empty()) {
    throw ApiError(
        400, "invalid_json",
        "[body] found no bytes; expected a JSON object; send one with Content-Length or in "
        "chunks");
  }
  try {
    json = Json::Parse(
        body, "body",
        {.values = static_cast<size_t>(options.max_request_tokens + 2 * options.max_texts + 1000)});
  } catch (const JsonTooLarge& error) {
    const std::string message = error.what();
    throw ApiError(413, "too_many_values",
                   message.substr(0, message.rfind("; ")) + "; send them in several requests");
  } catch (const UserError& error) {
    throw ApiError(400, "invalid_json", AboutBody(error.what()));
  }
  CheckAllTexts(options, route.kind, json);
  try {
    route.request->Check(json);
  } catch (const SchemaMismatch& mismatch) {
    throw ApiError(dialect == Dialect::kOpenAi ? 400 : 422, "invalid_value",
                   WithPlace(mismatch.place, mismatch.what()), mismatch.place);
  }
  return json;
}

EmbedCall ReadEmbedCall(RouteKind kind, const Json& body) {
  EmbedCall call;
  if (kind == RouteKind::kSimilarity) {
    call.field = "inputs.sentences";
    const Json inputs = body.At("inputs");
    call.texts.push_back(inputs.At("source_sentence").AsString());
    inputs.At("sentences").ForEachElement([&](const Json& text) {
      call.texts.push_back(text.AsString());
    });
    if (const auto parameters = body.Find("parameters")) ReadShared(*parameters, call);
    return call;
  }
  call.field = kind == RouteKind::kOpenAiEmbeddings ? "input" : "inputs";
  ReadInputs(body.At(call.field), call);
  ReadShared(body, call);
  if (const auto normalize = body.Find("normalize"); normalize && kind == RouteKind::kEmbed)
    call.normalize = normalize->AsBool();
  if (const auto dimensions = body.Find("dimensions"); dimensions && kind != RouteKind::kEmbedAll)
    call.dimensions = static_cast<int64_t>(dimensions->AsDouble());
  if (kind == RouteKind::kOpenAiEmbeddings) {
    call.model = StringOr(body, "model");
    call.base64 = StringOr(body, "encoding_format") == "base64";
    call.input_type = StringOr(body, "input_type");
  }
  return call;
}

TokenizeCall ReadTokenizeCall(const Json& body) {
  TokenizeCall call;
  const Json inputs = body.At("inputs");
  if (inputs.IsString()) {
    call.texts.push_back(inputs.AsString());
  } else {
    inputs.ForEachElement([&](const Json& text) { call.texts.push_back(text.AsString()); });
  }
  call.prompt_name = StringOr(body, "prompt_name");
  if (const auto special = body.Find("add_special_tokens")) call.special = special->AsBool();
  return call;
}

DecodeCall ReadDecodeCall(const Json& body) {
  EmbedCall ids;
  ReadInputs(body.At("ids"), ids);
  DecodeCall call{.ids = std::move(ids.ids)};
  if (const auto skip = body.Find("skip_special_tokens")) call.skip_special = skip->AsBool();
  return call;
}

AdapterCall ReadAdapterCall(const Json& body) {
  return {.name = body.At("name").AsString(), .folder = body.At("folder").AsString()};
}

void RequireJson(const HttpFields& headers) {
  const auto given = FindField(headers, "content-type");
  if (!given) return;
  std::string type(given->substr(0, given->find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (type.empty() || type == "application/json" ||
      (type.starts_with("application/") && type.ends_with("+json")))
    return;
  throw ApiError(415, "unsupported_media_type",
                 fmt::format("[content-type] found {}; expected application/json; send that header",
                             Quoted(type)));
}

double TimeoutOf(const HttpFields& headers, double most) {
  const auto given = FindField(headers, "x-request-timeout-ms");
  if (!given) return most;
  int64_t milliseconds = 0;
  const auto [end, error] =
      std::from_chars(given->data(), given->data() + given->size(), milliseconds);
  if (error == std::errc::result_out_of_range && (*given)[0] != '-') return most;
  if (error != std::errc() || end != given->data() + given->size() || milliseconds < 1) {
    throw ApiError(
        400, "invalid_value",
        fmt::format("[x-request-timeout-ms] found {}; expected milliseconds as an integer "
                    "of at least 1; correct the header",
                    Quoted(*given)));
  }
  return std::min(most, static_cast<double>(milliseconds) / 1000);
}

}  // namespace lacos::serve
