// Converts text to token ids and back. The tokenizer is immutable, so this runs in the
// calling thread.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "lacos/capi/model_handle.h"
#include "lacos/capi/status.h"
#include "lacos/text/strip.h"

namespace lacos::capi {
namespace {

void RequireRoom(const char* what, size_t capacity, size_t needed) {
  if (capacity >= needed) return;
  throw CallError(
      LACOS_BUFFER_TOO_SMALL,
      fmt::format("[{}] room for {}; expected {}; pass a larger one", what, capacity, needed));
}

// The number of characters before `kept`, which lies inside `text`.
int64_t CharactersBefore(std::string_view text, std::string_view kept) {
  const size_t bytes =
      // `kept` does not begin with whitespace, so it is not found inside the leading whitespace.
      kept.empty() ? 0 : text.find(kept);
  return std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bytes),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

void Tokenize(const lacos_model* model, const char* text, size_t length, int32_t* ids,
              int64_t* offsets, size_t capacity, size_t* count) {
  RequireModel(model);
  Require(count != nullptr,
          "[count] NULL; expected where the number of ids is to be put; pass its address");
  Require(ids != nullptr || capacity == 0,
          "[ids] NULL; expected room for `capacity` ids; pass its address");
  const std::string given(ReadText(text, length, "text"));
  const SentenceEncoder& embedder = *model->embedder;
  const std::string used = embedder.strip() ? StripWhitespace(given) : given;
  Encoding encoding;
  if (offsets != nullptr) {
    encoding = embedder.tokenizer().EncodeWithOffsets(used);
  } else {
    embedder.tokenizer().Encode(used, encoding.ids);
  }
  *count = encoding.ids.size();
  if (ids == nullptr) return;
  RequireRoom("ids", capacity, encoding.ids.size());
  std::copy(encoding.ids.begin(), encoding.ids.end(), ids);
  const int64_t shift = offsets != nullptr ? CharactersBefore(given, used) : 0;
  for (size_t i = 0; i < encoding.offsets.size(); ++i) {
    offsets[2 * i] = encoding.offsets[i].first + shift;
    offsets[2 * i + 1] = encoding.offsets[i].second + shift;
  }
}

void Decode(const lacos_model* model, const int32_t* ids, size_t count, bool skip_special_tokens,
            char* text, size_t capacity, size_t* length) {
  RequireModel(model);
  Require(length != nullptr,
          "[length] NULL; expected where the text's length is to be put; pass its address");
  Require(ids != nullptr || count == 0, "[ids] NULL; expected `count` ids; pass their address");
  Require(text != nullptr || capacity == 0,
          "[text] NULL; expected room for `capacity` bytes; pass its address");
  const std::string decoded =
      model->embedder->tokenizer().Decode(std::span(ids, count), skip_special_tokens);
  *length = decoded.size();
  if (text == nullptr) return;
  RequireRoom("text", capacity, decoded.size() + 1);
  std::memcpy(text, decoded.c_str(), decoded.size() + 1);
}

}  // namespace
}  // namespace lacos::capi

extern "C" {

lacos_status lacos_tokenize(const lacos_model* model, const char* text, size_t length, int32_t* ids,
                            int64_t* offsets, size_t capacity, size_t* count) {
  return lacos::capi::Call(
      [&] { lacos::capi::Tokenize(model, text, length, ids, offsets, capacity, count); });
}

lacos_status lacos_decode(const lacos_model* model, const int32_t* ids, size_t count,
                          int skip_special_tokens, char* text, size_t capacity, size_t* length) {
  return lacos::capi::Call([&] {
    lacos::capi::Decode(model, ids, count, skip_special_tokens != 0, text, capacity, length);
  });
}

int32_t lacos_token_id(const lacos_model* model, const char* token) {
  int32_t id = -1;
  lacos::capi::Call([&] {
    if (model != nullptr && token != nullptr) id = model->embedder->tokenizer().TokenId(token);
  });
  return id;
}
}
