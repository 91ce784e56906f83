#include "lacos/model/loaded_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lacos/formats/tokenizer_files.h"
#include "lacos/io/json.h"

namespace lacos {
namespace {

// Such tokens are common: a padding token that was added without a row has never been used. A text
// that contains one is refused.
void WarnAboutTokensWithoutRow(LoadedModel& loaded, int64_t rows) {
  std::vector<std::string> without;
  for (const AddedToken& token : loaded.tokenizer->added_tokens()) {
    if (token.id >= rows) without.push_back(Json(token.content).Dump());
  }
  if (without.empty()) return;
  constexpr size_t kShown = 8;
  const size_t count = without.size();
  without.resize(std::min(count, kShown));
  loaded.folder.warnings.push_back(fmt::format(
      "[{}] {} added tokens have no row among the {} of the word embedding: {}{}; expected a row "
      "for each; a text that contains one of them is refused",
      loaded.folder.tokenizer_path, count, rows, fmt::join(without, ", "),
      count > kShown ? ", ..." : ""));
}

}  // namespace

std::vector<std::string> NotesOn(const ModelFolder& folder, const BaseWeights& base_weights,
                                 const LoraAdapter* adapter) {
  std::vector<std::string> notes;
  if (!base_weights.heads().empty())
    notes.push_back(HeadsNote(folder.base_path, base_weights.heads()));
  if (adapter != nullptr && !adapter->left_out_heads.empty())
    notes.push_back(HeadsNote(folder.adapter_path, adapter->left_out_heads));
  return notes;
}

std::vector<std::string> DifferencesFromSentenceTransformers(const ModelFolder& folder,
                                                             const BaseWeights& base_weights,
                                                             const VectorChoices& choices) {
  std::vector<std::string> notes;
  const Json& config = base_weights.config_json();
  const auto classes = config.Find("architectures");
  const auto causal = config.Find("is_causal");
  const std::string name =
      classes && classes->IsArray() && classes->size() > 0 ? (*classes)[0].AsString() : "";
  if (!choices.pooling_is_given && !folder.settings.pooling && name.ends_with("ForCausalLM") &&
      !(causal && causal->IsBool() && !causal->AsBool())) {
    notes.push_back(fmt::format(
        "[{}] sentence-transformers would pool the last token, since the folder has no modules.json and "
        "its config.json names {}; lacos takes the mean of all tokens; `pooling` last gives the same",
        folder.path, name));
  }
  if (choices.are_cut && folder.settings.normalize.value_or(false)) {
    notes.push_back(fmt::format(
        "[{}] vectors that are cut (`truncate_dim`) get length 1 afterwards; sentence-transformers cuts "
        "vectors of length 1 and leaves them shorter, unless normalize_embeddings is set",
        folder.path));
  }
  if (choices.may_have_blanks && folder.settings.strip.value_or(false)) {
    notes.push_back(fmt::format(
        "[{}] whitespace at both ends of a text is left out, as by sentence-transformers before 5.4, "
        "which the folder names; newer versions keep it; `strip` false keeps it",
        folder.path));
  }
  return notes;
}

LoadedModel LoadModel(const std::string& path, const std::string& base,
                      const std::string& adapter) {
  LoadedModel loaded;
  loaded.folder = OpenModelFolder(path, base, adapter);
  loaded.base_weights = BaseWeights::Open(loaded.folder.base_path);
  const int64_t rows = loaded.base_weights->config().vocab_size;
  loaded.tokenizer = OpenTokenizer(loaded.folder, rows);
  WarnAboutTokensWithoutRow(loaded, rows);
  if (!loaded.folder.adapter_path.empty()) {
    loaded.adapter = ReadLoraAdapter(loaded.folder.adapter_path, loaded.base_weights->config());
  }
  loaded.notes =
      NotesOn(loaded.folder, *loaded.base_weights, loaded.adapter ? &*loaded.adapter : nullptr);
  return loaded;
}

}  // namespace lacos
