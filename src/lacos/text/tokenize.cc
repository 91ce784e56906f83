#include "lacos/text/tokenize.h"

#include "lacos/text/strip.h"

namespace lacos {

TokenizedText TokenizeText(const Tokenizer& tokenizer, const std::string& text,
                           const TokenizeOptions& options) {
  TokenizedText result;
  if (options.strip) {
    tokenizer.Encode(StripWhitespace(text), result.ids);
  } else {
    tokenizer.Encode(text, result.ids);
  }
  const auto around = static_cast<int64_t>(options.before.size() + options.after.size());
  if (static_cast<int64_t>(result.ids.size()) + around > options.max_length) {
    result.ids.resize(static_cast<size_t>(options.max_length - around));
    result.truncated = true;
  }
  result.ids.insert(result.ids.begin(), options.before.begin(), options.before.end());
  result.ids.insert(result.ids.end(), options.after.begin(), options.after.end());
  return result;
}

}  // namespace lacos
