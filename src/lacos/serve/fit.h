// Whether the model of a server fits into memory, which is asked before the server listens.
#pragma once

#include <cstdint>

#include "lacos/model/sentence_encoder.h"

namespace lacos::serve {

// Throws UserError if the base and, on a GPU, a batch of `batch_tokens` tokens do not fit into the
// memory that is free. options.device is not kAuto. Returns the bytes of the activations of such a
// batch on a GPU, for Arena::Reserve, and 0 on the CPU, where memory is taken as it is touched.
int64_t RequireFit(const SentenceEncoderOptions& options, int64_t batch_tokens);

}  // namespace lacos::serve
