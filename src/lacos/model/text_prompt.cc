#include "lacos/model/text_prompt.h"

#include <fmt/format.h>

#include "lacos/base/error.h"

namespace lacos {
namespace {

// The prompt of the settings with this name, which must exist.
TextPrompt PromptNamed(const EmbeddingSettings& settings, const std::string& name) {
  const auto frame = settings.frames.find(name);
  return {settings.prompts.at(name), frame == settings.frames.end() ? TextFrame{} : frame->second};
}

}  // namespace

std::string TextPrompt::Key(std::string_view of) const {
  std::string key = text;
  // A prompt without a frame has the key that it always had. NUL separates what could be confused.
  if (frame != TextFrame{})
    key = fmt::format("{}{}{}{}{}", frame.before, '\0', frame.after, '\0', text);
  return key.append(of);
}

TextPrompt ResolvePrompt(const EmbeddingSettings& settings, const std::string& prompt,
                         const std::string& prompt_name) {
  if (!prompt.empty()) return prompt;
  const std::string& name = prompt_name.empty() ? settings.default_prompt_name : prompt_name;
  if (name.empty()) return "";
  if (settings.prompts.contains(name)) return PromptNamed(settings, name);
  std::string known;
  for (const auto& [key, value] : settings.prompts) known += (known.empty() ? "" : ", ") + key;
  throw UserError(fmt::format(
      "[`prompt_name`] the folder has no prompt '{}'; expected one of: {}; pass one of these, or "
      "the text itself with `prompt`",
      name, known.empty() ? "(none)" : known));
}

RolePrompts FolderPrompts(const EmbeddingSettings& settings) {
  const auto named = [&](const char* name) {
    return settings.prompts.contains(name) ? PromptNamed(settings, name) : TextPrompt();
  };
  return {.plain = ResolvePrompt(settings, "", ""),
          .query = named("query"),
          .document = named("document")};
}

}  // namespace lacos
