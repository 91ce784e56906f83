// Bodies of requests as plain values. Everything that is wrong with one is an ApiError that names the
// place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/serve/protocol/routes.h"

namespace lacos::serve {

// A request for vectors, whatever its dialect.
struct EmbedCall {
  std::vector<std::string> texts;
  std::vector<std::vector<int32_t>> ids;  // instead of texts, if `from_ids`
  bool from_ids = false;
  bool single = false;  // one text that did not stand in an array
  std::string field;    // the member with the texts, for messages: "input"
  std::string model;    // empty: the one that is served by default
  std::string prompt_name, input_type;
  bool normalize = true;
  int64_t dimensions = 0;  // 0: as many as the model's folder says
  bool base64 = false;
  std::optional<bool> truncate, truncate_left;

  size_t size() const { return from_ids ? ids.size() : texts.size(); }
  // The place of a text: "input[3]", or "input" for a single one.
  std::string Place(size_t index) const;
};

struct TokenizeCall {
  std::vector<std::string> texts;
  std::string prompt_name;
  bool special = true;
};

struct DecodeCall {
  std::vector<std::vector<int32_t>> ids;
  bool skip_special = true;
};

struct AdapterCall {
  std::string name, folder;
};

// Parses the body and checks it against the route's schema. Messages about the syntax are the same in
// both dialects (400). A value of a wrong kind is 400 in OpenAI's dialect and 422 in TEI's.
Json ReadBody(const Routes& routes, const Route& route, Dialect dialect, std::string_view body);

// These take a body that ReadBody has returned for a route of that kind.
EmbedCall ReadEmbedCall(RouteKind kind, const Json& body);
TokenizeCall ReadTokenizeCall(const Json& body);
DecodeCall ReadDecodeCall(const Json& body);
AdapterCall ReadAdapterCall(const Json& body);

// Throws ApiError 415 for a Content-Type other than JSON. It may be missing.
void RequireJson(const HttpFields& headers);

// The time that the request may take by its header X-Request-Timeout-Ms, in seconds, or `most`,
// whichever is less. Throws ApiError for a value that is no positive integer.
double TimeoutOf(const HttpFields& headers, double most);

}  // namespace lacos::serve
