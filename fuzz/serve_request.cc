// Bodies of requests to the server: whatever the bytes are, the answer is a call or an error that is
// valid JSON, names no more than a little of the input and has a status of its route.
#include "lacos/serve/protocol/requests.h"

#include <algorithm>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/serve/protocol/routes.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

using namespace lacos::serve;

// Reads the body as the route does. Returns the number of texts or lists of ids.
size_t ReadCall(RouteKind kind, const lacos::Json& body) {
  switch (kind) {
    case RouteKind::kTokenize:
      return ReadTokenizeCall(body).texts.size();
    case RouteKind::kDecode:
      return ReadDecodeCall(body).ids.size();
    case RouteKind::kLoadAdapter:
      return ReadAdapterCall(body).name.empty() ? 0 : 1;
    default: {
      const EmbedCall call = ReadEmbedCall(kind, body);
      Require(call.dimensions >= 0 && call.dimensions <= 16, "dimensions are in their range");
      Require(call.from_ids ? call.texts.empty() : call.ids.empty(), "a call has texts or ids");
      for (const auto& list : call.ids) {
        for (const int32_t id : list) Require(id >= 0 && id < 300, "ids are in their range");
      }
      for (size_t i = 0; i < call.size(); ++i)
        Require(!call.Place(i).empty(), "a text has a place");
      return call.size();
    }
  }
}

// The longest part of the message that repeats the input byte by byte, if it is too long. Parts with the
// words that stand around a quotation do not count, since the fuzzer finds inputs that have them, too.
size_t Repeated(std::string_view message, std::string_view input) {
  constexpr size_t kWindow = 96;
  const auto has = [](std::string_view part, std::string_view words) {
    return part.find(words) != std::string_view::npos;
  };
  for (size_t i = 0; i + kWindow <= message.size(); ++i) {
    const std::string_view part = message.substr(i, kWindow);
    if (has(part, "; last read: '") || has(part, "'; expected")) continue;
    if (has(input, part)) return kWindow;
  }
  return 0;
}

}  // namespace

void ServeRequest(Input input) {
  const std::string_view text = Text(input);
  if (text.empty()) return;
  const auto choice = static_cast<unsigned char>(text[0]);
  const std::string_view bytes = text.substr(1);
  const Routes routes({.max_texts = 5,
                       .max_request_tokens = 40,
                       .dimension = 16,
                       .vocabulary = 300,
                       .empty_is_zero = (choice & 1) != 0,
                       .accept_token_ids = (choice & 2) != 0,
                       .strip = (choice & 4) != 0,
                       .prompt_names = (choice & 8) != 0 ? std::vector<std::string>{"query"}
                                                         : std::vector<std::string>{}});
  std::vector<const Route*> with_body;
  for (const Route& route : routes.all()) {
    if (route.request) with_body.push_back(&route);
  }
  const Route& route = *with_body[(choice >> 4) % with_body.size()];
  const Dialect dialect = DialectOf(route.paths[0]);
  try {
    const lacos::Json body = ReadBody(routes, route, dialect, bytes);
    Require(ReadCall(route.kind, body) > 0, "a good body holds at least one thing");
  } catch (const ApiError& error) {
    const std::string message = error.what();
    Require(!message.empty() && message[0] == '[', "a message begins with the place");
    Require(message.size() < 1000 && Repeated(message, bytes) == 0, "a message repeats little");
    Require(error.status == 400 || error.status == 413 || error.status == 422,
            "a bad body has one of three statuses");
    const lacos::Json reply = lacos::Json::Parse(ErrorReply(error, dialect).body, "reply");
    Require(reply.Has("error"), "an error is JSON");
  }
  // The bytes as a target and as headers.
  try {
    routes.Find("POST", PathOf(bytes.substr(0, 200)));
  } catch (const ApiError& error) {
    Require(error.status == 404 || error.status == 405, "a path is unknown or has other methods");
    lacos::Json::Parse(ErrorReply(error, dialect).body, "reply");
  }
  try {
    const HttpFields headers = {{"x-request-timeout-ms", std::string(bytes.substr(0, 40))},
                                {"content-type", std::string(bytes.substr(0, 40))}};
    const double seconds = TimeoutOf(headers, 60);
    Require(seconds > 0 && seconds <= 60, "a timeout is in its range");
    RequireJson(headers);
  } catch (const ApiError& error) {
    Require(error.status == 400 || error.status == 415, "a header is wrong");
  }
}

}  // namespace lacos::fuzz
