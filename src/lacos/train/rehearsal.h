// A training step of a tiny model, which makes resident what any run needs before memory is
// predicted.
#pragma once

#include "lacos/formats/base_weights.h"
#include "lacos/train/trainer.h"

namespace lacos {

// Runs one optimizer step with the options of a run. The model has one narrow block of zeros, which
// are stored in the form of `base_weights`. The step pages in the code of the program and the
// libraries, starts the threads and fills the buffers that the C library keeps: about 10
// MB, as much as the training of a small model. It takes about 10 ms and leaves nothing else
// behind.
void RehearseStep(const TrainOptions& options, const BaseWeights& base_weights,
                  EncoderOptions encoder_options);

}  // namespace lacos
