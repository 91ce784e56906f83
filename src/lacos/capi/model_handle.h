// The object behind a lacos_model pointer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lacos.h"
#include "lacos/model/sentence_encoder.h"
#include "lacos/runtime/compute_thread.h"

struct lacos_model {
  std::shared_ptr<lacos::ComputeThread> compute_thread;
  // Opened without normalization, because lacos_encode applies what its options say. Used on the
  // compute thread, except for the folder's settings and the tokenizer, which are immutable.
  std::unique_ptr<lacos::SentenceEncoder> embedder;
  int threads = 1;
  lacos_compute compute = LACOS_COMPUTE_BF16;
  lacos_pooling pooling = LACOS_POOLING_MEAN;
  bool normalize = false;
  lacos::SentenceEncoderOptions options;  // as the caller gave them
  std::string description;
};

namespace lacos::capi {

// Throws CallError if the pointer is NULL.
void RequireModel(const lacos_model* model);

// Reads the caller's options, which may be NULL, and checks their ranges. `threads` receives the
// number of threads that they ask for.
SentenceEncoderOptions ReadOptions(const char* path, const lacos_options* given, int& threads);

// A lacos_choice as a value; nothing for LACOS_DEFAULT. Throws CallError for other numbers.
std::optional<bool> ReadChoice(const char* field, int32_t value);

// Runs `work` on the compute thread with the number of threads of the model. Throws UserError in a
// child of fork().
void RunForModel(const lacos_model& model, const std::function<void()>& work);

// Checks and returns a caller's text. `length` may be LACOS_NUL_TERMINATED. Throws CallError for
// NULL, except that NULL with length 0 is an empty text, and UserError for invalid UTF-8. Both
// messages begin with [where].
std::string_view ReadText(const char* text, size_t length, const std::string& where);

}  // namespace lacos::capi
