// How the vectors of a text's tokens become one vector for the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lacos/base/enum_names.h"

namespace lacos {

// The modes of sentence-transformers' Pooling module.
enum class Pooling : uint8_t { kMean, kWeightedMean, kLast, kCls, kMax, kMeanSqrtLen };

struct PoolingNames {
  Pooling value;
  std::string_view word;         // lacos's own word, for flags, recipes and Python
  std::string_view module_word;  // "pooling_mode" in sentence-transformers 5.4 and later
  std::string_view module_key;   // the boolean key in earlier versions
  int module_place;              // position of that key among those that the module writes
  std::optional<uint32_t> gguf;  // llama.cpp's LLAMA_POOLING_TYPE; nothing if it has no such mode
  int32_t c_value;               // lacos_pooling of include/lacos.h
};
inline constexpr auto kPoolingNames = MakeEnumNames<PoolingNames>({
    {Pooling::kMean, "mean", "mean", "pooling_mode_mean_tokens", 1, 1, 1},
    {Pooling::kWeightedMean, "weighted_mean", "weightedmean", "pooling_mode_weightedmean_tokens", 4,
     std::nullopt, 2},
    {Pooling::kLast, "last", "lasttoken", "pooling_mode_lasttoken", 5, 3, 3},
    {Pooling::kCls, "cls", "cls", "pooling_mode_cls_token", 0, 2, 4},
    {Pooling::kMax, "max", "max", "pooling_mode_max_tokens", 2, std::nullopt, 5},
    {Pooling::kMeanSqrtLen, "mean_sqrt_len", "mean_sqrt_len_tokens",
     "pooling_mode_mean_sqrt_len_tokens", 3, std::nullopt, 6},
});
constexpr const auto& NamesOf(Pooling) { return kPoolingNames; }

}  // namespace lacos
