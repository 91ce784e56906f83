// A step of a tiny model, so that the process has what any run makes resident before memory is
// predicted.
#pragma once

#include "lacos/formats/base_weights.h"
#include "lacos/train/trainer.h"

namespace lacos {

// Runs one optimizer step, with the options of a run, of a model of one narrow block whose weights
// are zeros stored as those of `checkpoint`. It pages in the program's and the libraries' code,
// starts the threads and fills the buffers that oneDNN and the C library keep: some 10 MB, as much
// as a small model's training. Takes some 10 ms and leaves nothing else behind.
void RehearseStep(const TrainOptions& options, const BaseWeights& base_weights,
                  EncoderOptions encoder_options);

}  // namespace lacos
