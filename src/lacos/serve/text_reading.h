// From the texts of a request to token ids: prompts, truncation, and what is wrong with a text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/serve/models.h"
#include "lacos/serve/protocol/replies.h"
#include "lacos/serve/protocol/requests.h"

namespace lacos::serve {

struct ReadingOptions {
  int64_t max_request_tokens = 300'000;
  bool empty_is_zero = false;
  bool truncate = true;  // unless a request says otherwise
};

struct ReadTexts {
  std::vector<std::vector<int32_t>> ids;  // one list a text; an empty one is a zero vector
  std::vector<int64_t> truncated, empty;  // indexes of texts
  int64_t skipped = 0;                    // leading tokens that pooling leaves out
  int64_t characters = 0;                 // of all texts
};

// What goes around each text of the call. Throws ApiError for a prompt_name that the model
// does not have.
TextPrompt PromptOf(const ServedModel& model, const EmbedCall& call, Dialect dialect);

// Throws ApiError that names the text.
ReadTexts ReadCallTexts(const ServedModel& model, const EmbedCall& call, const TextPrompt& prompt,
                        const ReadingOptions& options);

// The tokens of a text for /tokenize.
std::vector<TokenView> ViewTokens(const ServedModel& model, const std::string& text, bool special);

}  // namespace lacos::serve
