// The table of routes: what each takes, what it answers, and with which errors. Requests are checked
// against it, and /openapi.json is written from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/serve/protocol/api_error.h"
#include "lacos/serve/protocol/schema.h"

namespace lacos::serve {

// What the protocol must know about the models and the limits of the server.
struct ProtocolOptions {
  int64_t max_texts = 2048;              // of a request
  int64_t max_request_tokens = 300'000;  // of all its texts
  int64_t dimension = 0;                 // D, values of a whole vector
  int64_t vocabulary = 0;                // token ids are below
  bool empty_is_zero = false;            // an empty text gets the zero vector instead of an error
  bool accept_token_ids = false;
  bool strip = false;  // the default model strips whitespace, so a text of whitespace is empty
  bool has_keys = false;
  std::vector<std::string> prompt_names;  // of all models
  std::string version;
};

enum class RouteKind : uint8_t {
  kOpenAiEmbeddings,
  kModels,
  kModel,
  kEmbed,
  kEmbedAll,
  kSimilarity,
  kTokenize,
  kDecode,
  kInfo,
  kHealth,
  kReady,
  kLive,
  kPing,
  kMetrics,
  kOpenApi,
  kIndex,
  kAdapters,
  kLoadAdapter,
  kUnloadAdapter,
};

struct Route {
  RouteKind kind;
  std::string_view method;
  std::vector<std::string_view> paths;  // may end in a parameter: "/v1/models/{model}"
  std::string_view summary;
  std::optional<Schema> request, reply;  // JSON bodies; a reply without a schema is text
  std::vector<int> errors;               // statuses, beside those that every route may answer
  bool open = false;                     // needs no key
  bool admin = false;                    // needs an admin key
};

class Routes {
 public:
  explicit Routes(const ProtocolOptions& options);

  struct Match {
    const Route* route = nullptr;
    std::string parameter;  // the decoded end of the path, for a route that has one
  };
  // Throws ApiError 404, or 405 with the methods of the path.
  Match Find(std::string_view method, std::string_view path) const;

  // Whether this is the route of a request for vectors.
  bool AsksForVectors(std::string_view method, std::string_view path) const;

  const std::vector<Route>& all() const { return routes_; }
  const ProtocolOptions& options() const { return options_; }

 private:
  ProtocolOptions options_;
  std::vector<Route> routes_;
};

// The path of a request's target, without its query.
std::string_view PathOf(std::string_view target);

// The statuses that any route may answer, with what they mean.
struct StatusMeaning {
  int status;
  std::string_view meaning;
};
const std::vector<StatusMeaning>& StatusMeanings();

// The document of /openapi.json.
Json OpenApi(const Routes& routes);

}  // namespace lacos::serve
