// An answer that says why a request failed, in the two formats that clients read.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lacos/base/enum_names.h"
#include "lacos/serve/message.h"

namespace lacos::serve {

// Whose format an answer has.
enum class Dialect : uint8_t {
  kOpenAi,  // {"error": {"message", "type", "param", "code"}}
  kTei,     // {"error", "error_type"}, as text-embeddings-inference sends it
};

// The dialect of a path: OpenAI's below /v1 and for /embeddings, TEI's elsewhere.
Dialect DialectOf(std::string_view path);

// The error_type of text-embeddings-inference, as it is on the wire.
enum class TeiError : uint8_t {
  kValidation,
  kEmpty,
  kTokenizer,
  kBackend,
  kOverloaded,
  kUnhealthy
};
inline constexpr auto kTeiErrorNames = MakeEnumNames<EnumWord<TeiError>>({
    {TeiError::kValidation, "Validation"},
    {TeiError::kEmpty, "Empty"},
    {TeiError::kTokenizer, "Tokenizer"},
    {TeiError::kBackend, "Backend"},
    {TeiError::kOverloaded, "Overloaded"},
    {TeiError::kUnhealthy, "Unhealthy"},
});
constexpr const auto& NamesOf(TeiError) { return kTeiErrorNames; }

struct ApiError : std::runtime_error {
  ApiError(int status, std::string code, const std::string& message, std::string param = "",
           TeiError type = TeiError::kValidation)
      : std::runtime_error(message),
        status(status),
        code(std::move(code)),
        param(std::move(param)),
        type(type) {}

  int status;
  std::string code;   // a word for programs, such as "model_not_found"
  std::string param;  // the field of the request that is to blame, or empty
  TeiError type;
  HttpFields headers;  // such as retry-after
};

HttpReply ErrorReply(const ApiError& error, Dialect dialect);

// 429 with the seconds after which the request would be taken, rounded up and at most 120, and the
// same in milliseconds.
ApiError TooBusy(double wait_seconds, const std::string& code, const std::string& message);

}  // namespace lacos::serve
