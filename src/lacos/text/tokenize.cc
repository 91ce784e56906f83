#include "lacos/text/tokenize.h"

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/text/strip.h"

namespace lacos {

void RequireRoomForText(const Tokenizer& tokenizer, const TokenizeOptions& options) {
  const int64_t around =
      tokenizer.TemplateIds() + static_cast<int64_t>(options.before.size() + options.after.size());
  if (around == 0 || around < options.max_length) return;
  throw UserError(fmt::format(
      "[`max_length`] is {}, and {} tokens are put around every text (`prefix`, `suffix`, and the "
      "post_processor of tokenizer.json); expected room for a text between them; raise "
      "`max_length`",
      options.max_length, around));
}

TokenizedText TokenizeText(const Tokenizer& tokenizer, const std::string& text,
                           const TokenizeOptions& options) {
  TokenizedText result;
  const auto around = static_cast<int64_t>(options.before.size() + options.after.size());
  std::string stripped;
  if (options.strip) stripped = StripWhitespace(text);
  result.stripped = options.strip && stripped.size() < text.size();
  result.truncated = tokenizer.EncodeTruncated(options.strip ? stripped : text,
                                               options.max_length - around, result.ids);
  result.ids.insert(result.ids.begin(), options.before.begin(), options.before.end());
  result.ids.insert(result.ids.end(), options.after.begin(), options.after.end());
  return result;
}

}  // namespace lacos
