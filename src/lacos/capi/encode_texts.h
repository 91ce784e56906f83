// Encoding for other functions of the interface, with the settings of the model.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "lacos/capi/model_handle.h"
#include "lacos/model/text_prompt.h"

namespace lacos::capi {

// The prompt that the options of a call choose; `options` may be NULL.
TextPrompt PromptOfCall(const lacos_model& model, const lacos_encode_options* options);

// The vectors of texts in UTF-8, [texts.size(), lacos_dimension(model)], as lacos_encode computes
// them: in slices, so that other callers take turns. `progress` is called in the calling thread with
// the number of texts that are done, and may throw to end the work.
lacos_encode_stats EncodeTexts(const lacos_model& model, std::span<const std::string> texts,
                               const TextPrompt& prompt, std::span<float> out,
                               const std::function<void(size_t done)>& progress);

}  // namespace lacos::capi
