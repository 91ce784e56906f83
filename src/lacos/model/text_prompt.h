// What is put around every text of a call: a prompt in the same string, and tokens of their own.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include "lacos/formats/model_folder.h"

namespace lacos {

struct TextPrompt {
  // A text alone is a prompt without a frame.
  TextPrompt(std::string prompt = "", TextFrame around = {})  // NOLINT: texts convert
      : text(std::move(prompt)), frame(std::move(around)) {}
  TextPrompt(const char* prompt) : text(prompt) {}  // NOLINT: texts convert

  std::string text;  // is put before the text, and tokenized together with it
  TextFrame frame;   // surrounds both

  // A text that differs for different inputs of the model: `text` with this prompt.
  std::string Key(std::string_view of) const;

  auto operator<=>(const TextPrompt&) const = default;
};

// Returns `prompt`, or if it is empty the prompt with the given name, or if that is empty too the
// folder's default_prompt_name. Throws UserError for an unknown name.
TextPrompt ResolvePrompt(const EmbeddingSettings& settings, const std::string& prompt,
                         const std::string& prompt_name);

// What goes around texts that are compared with each other, around queries and around documents.
struct RolePrompts {
  TextPrompt plain, query, document;
};
// The prompts of a folder: `plain` is its default prompt; `query` and `document` are its prompts with
// these names, or nothing. So do encode, encode_query and encode_document of sentence-transformers
// 6.2: the two latter use neither the default prompt nor one named "passage" or "corpus".
RolePrompts FolderPrompts(const EmbeddingSettings& settings);

}  // namespace lacos
