#include "lacos/serve/protocol/replies.h"

#include <fmt/format.h>

#include <numeric>

#include "lacos/serve/protocol/vector_text.h"

namespace lacos::serve {
namespace {

void AppendIndexes(const std::vector<int64_t>& indexes, std::string& out) {
  out += '[';
  for (size_t i = 0; i < indexes.size(); ++i)
    fmt::format_to(std::back_inserter(out), "{}{}", i > 0 ? "," : "", indexes[i]);
  out += ']';
}

std::string Milliseconds(double seconds) { return fmt::format("{:.0f}", seconds * 1000); }

// Room for a value of a unit vector and its comma.
constexpr size_t kTextBytes = 14;

}  // namespace

int64_t EmbedResult::Tokens() const {
  return std::accumulate(tokens.begin(), tokens.end(), int64_t{0});
}

std::string OpenAiEmbeddings(const EmbedResult& result, bool base64, std::string_view model) {
  std::string out = R"({"object":"list","data":[)";
  size_t values = 0;
  for (const Vector& vector : result.vectors) values += vector->size();
  out.reserve(values * (base64 ? 6 : kTextBytes) + result.vectors.size() * 64 + 1024);
  for (size_t i = 0; i < result.vectors.size(); ++i) {
    fmt::format_to(std::back_inserter(out), R"({}{{"object":"embedding","index":{},"embedding":)",
                   i > 0 ? "," : "", i);
    if (base64) {
      out += '"';
      AppendBase64(*result.vectors[i], out);
      out += '"';
    } else {
      AppendFloats(*result.vectors[i], out);
    }
    out += '}';
  }
  fmt::format_to(
      std::back_inserter(out),
      R"(],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}},"lacos":{{"truncated":)",
      Json(model).Dump(), result.Tokens(), result.Tokens());
  AppendIndexes(result.truncated, out);
  out += R"(,"empty":)";
  AppendIndexes(result.empty, out);
  out += "}}";
  return out;
}

std::string TeiEmbeddings(const EmbedResult& result) {
  std::string out = "[";
  size_t values = 0;
  for (const Vector& vector : result.vectors) values += vector->size();
  out.reserve(values * kTextBytes + 64);
  for (size_t i = 0; i < result.vectors.size(); ++i) {
    if (i > 0) out += ',';
    AppendFloats(*result.vectors[i], out);
  }
  out += ']';
  return out;
}

std::string TeiTokenStates(const EmbedResult& result, int64_t width) {
  std::string out = "[";
  for (size_t i = 0; i < result.vectors.size(); ++i) {
    out += i > 0 ? ",[" : "[";
    const std::span<const float> states(*result.vectors[i]);
    const auto d = static_cast<size_t>(width);
    for (size_t begin = 0; begin < states.size(); begin += d) {
      if (begin > 0) out += ',';
      AppendFloats(states.subspan(begin, d), out);
    }
    out += ']';
  }
  out += ']';
  return out;
}

std::string Numbers(std::span<const double> values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    out += Json(values[i]).Dump();
  }
  out += ']';
  return out;
}

HttpFields EmbedHeaders(const EmbedResult& result, int64_t characters, const Timings& timings,
                        std::string_view compute) {
  return {{"x-compute-type", std::string(compute)},
          {"x-compute-time", Milliseconds(timings.total)},
          {"x-compute-characters", std::to_string(characters)},
          {"x-compute-tokens", std::to_string(result.Tokens())},
          {"x-total-time", Milliseconds(timings.total)},
          {"x-tokenization-time", Milliseconds(timings.tokenization)},
          {"x-queue-time", Milliseconds(timings.queue)},
          {"x-inference-time", Milliseconds(timings.inference)},
          {"x-lacos-truncated", std::to_string(result.truncated.size())}};
}

void AppendTokens(std::span<const TokenView> tokens, std::string& out) {
  out += '[';
  for (size_t i = 0; i < tokens.size(); ++i) {
    const TokenView& token = tokens[i];
    fmt::format_to(std::back_inserter(out), R"({}{{"id":{},"text":{},"special":{},)",
                   i > 0 ? "," : "", token.id, Json(token.text).Dump(), token.special);
    if (token.special) {
      out += R"("start":null,"stop":null})";
    } else {
      fmt::format_to(std::back_inserter(out), R"("start":{},"stop":{}}})", token.start, token.stop);
    }
  }
  out += ']';
}

int64_t CountCharacters(std::string_view text) {
  int64_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return characters;
}

Json ModelCardOf(std::string_view name, int64_t created) {
  Json card = Json::Object();
  card.Set("id", name);
  card.Set("object", "model");
  card.Set("created", created);
  card.Set("owned_by", "lacos");
  return card;
}

Json ListOf(const std::vector<Json>& items) {
  Json data = Json::Array(), list = Json::Object();
  for (const Json& item : items) data.Append(item);
  list.Set("object", "list");
  list.Set("data", data);
  return list;
}

}  // namespace lacos::serve
