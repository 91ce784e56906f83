// What lacos does with every key of the settings files in a model folder: one table, from which
// unsupported keys are refused, unknown ones are reported, and the table in docs/interop.md is made.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

// A settings file, or an object of arguments inside one.
enum class FolderFile : uint8_t {
  kTokenizerJson,
  kTokenizerConfig,
  kSpecialTokensMap,
  kAddedTokens,
  kSentenceBert,
  kTokenizerArgs,  // tokenizer_args and processor_kwargs of sentence_bert_config.json
  kModelArgs,      // model_args and model_kwargs
  kConfigArgs,     // config_args and config_kwargs
  kSentenceTransformers,
  kModules,  // the entries of modules.json
  kPooling,
  kNormalize,
  kConfig,
  kAdapter,
};

enum class KeyEffect : uint8_t {
  kFollowed,  // a reader uses the key
  kRefused,   // values other than the accepted ones are refused
  kNone,      // the key changes no ids, vectors or similarities
};

struct KeyRule {
  FolderFile file;
  std::string_view keys;  // names separated by spaces; a '*' stands for any characters
  KeyEffect effect;
  // For kFollowed and kNone a complete sentence. For kRefused what another value would mean, as the
  // rest of a sentence that begins with the value.
  std::string_view text;
  // The accepted values of a kRefused key as a JSON array.
  std::string_view accepted = R"([null, false, "", [], {}])";
};

std::span<const KeyRule> KeyRules();
// The file's name as docs and messages show it.
std::string_view NameOf(FolderFile file);
// The rule of a key, or nullptr for an unknown one. The arguments of a tokenizer and
// special_tokens_map.json also take the keys of tokenizer_config.json.
const KeyRule* FindKeyRule(FolderFile file, std::string_view key);

// Applies the table to the keys of `json`, an object of the given file. Throws UserError, naming
// file and key, for a value that is refused. Appends a warning that names the unknown keys.
void CheckKeys(const Json& json, FolderFile file, std::vector<std::string>& warnings);

// The table in Markdown, as docs/interop.md has it.
std::string KeyTable();

}  // namespace lacos
