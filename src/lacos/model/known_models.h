// Public facts about the published BLOOM models, and the check of a folder against them. So a user
// can see whether a download is whole and whether lacos reads it as the packages of Hugging Face do.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/formats/bloom_config.h"

namespace lacos {

// A text and its ids.
struct KnownEncoding {
  std::string_view text;
  std::vector<int32_t> ids;
};

// What a model of the name must show. Everything comes from public sources, which known_models.cc
// names.
struct KnownModel {
  std::string_view name;
  BloomConfig config;
  int64_t ids = 0;  // size of the tokenizer's vocabulary
  std::vector<KnownEncoding> encodings;
  // The log-probability (natural logarithm) of each id but the first after the ids before it; empty
  // if none is known.
  KnownEncoding predicted;
  std::vector<double> log_probabilities;
  // The largest distance that the arithmetic of the source explains.
  double tolerance = 0;
};

std::span<const KnownModel> KnownModels();

// One comparison.
struct KnownFact {
  std::string what;
  std::string found, expected;
  bool equal = false;
};

// Compares a folder with the facts: architecture, tokenizer, and predictions if any are known and
// the architecture is right. The folder may be an original one or a quantized base, whose
// predictions differ by its quantization error. Throws UserError if it cannot be read.
std::vector<KnownFact> CheckKnownModel(const KnownModel& known, const std::string& path);

}  // namespace lacos
