#include "lacos/model/preset.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "lacos/base/error.h"

namespace lacos {
namespace {

// The text of a token around texts, which must be one token by itself.
std::string OneToken(const PresetNames& preset, const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  tokenizer.Encode(std::string(text), ids);
  // A token with a name, such as [BOQ], is one that was added for the model. Otherwise its letters
  // would be taken for ordinary text.
  if (ids.size() == 1) return std::string(text);
  throw UserError(fmt::format(
      "[`preset`] {} puts '{}' around texts, which is {} tokens of this folder's tokenizer; expected "
      "one, as in {}; give that model's folder, or another preset",
      preset.word, text, ids.size(), preset.models));
}

}  // namespace

void ApplyPreset(Preset preset, const Tokenizer& tokenizer, EmbeddingSettings& settings) {
  const PresetNames& row = kPresetNames[preset];
  settings.pooling = row.pooling;
  if (row.similarity) settings.similarity = row.similarity;
  if (row.max_length) settings.max_length = row.max_length;
  if (row.query_before.empty()) return;
  const auto frame = [&](std::string_view before, std::string_view after) {
    return TextFrame{.before = OneToken(row, tokenizer, before),
                     .after = OneToken(row, tokenizer, after)};
  };
  settings.prompts = {{"query", ""}, {"document", ""}};
  settings.frames = {{"query", frame(row.query_before, row.query_after)},
                     {"document", frame(row.document_before, row.document_after)}};
  settings.default_prompt_name = row.plain_is_query ? "query" : "";
}

}  // namespace lacos
