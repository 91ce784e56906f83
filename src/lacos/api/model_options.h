// The options of a model as lacos.h has them.
#pragma once

#include <cstdint>
#include <optional>

#include "lacos.h"
#include "lacos/sentence_encoder.h"

namespace lacos::v0 {

// The lacos_choice of a value.
int32_t Choice(const std::optional<bool>& value);

// The fields of lacos_options. They point into `options`, which must outlive them. Throws UserError
// for an unknown word.
lacos_options FieldsOf(const SentenceEncoderOptions& options);

}  // namespace lacos::v0
