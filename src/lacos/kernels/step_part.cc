#include "lacos/kernels/step_part.h"

#include <array>
#include <cstddef>

namespace lacos {
namespace {

struct PartNames {
  std::string_view name, title;
};
constexpr std::array<PartNames, kStepParts> kPartNames = {{
    {"products_forward", "frozen products, forward"},
    {"products_backward", "frozen products, backward"},
    {"attention_forward", "attention, forward"},
    {"attention_backward", "attention, backward"},
    {"lora", "LoRA's small products"},
    {"normalisation", "LayerNorm"},
    {"elementwise", "other element-wise work"},
    {"embedding", "embedding rows"},
    {"vectors", "pooling, similarity, loss"},
    {"optimizer", "optimizer"},
    {"memory", "copying and zeroing"},
}};

}  // namespace

std::string_view NameOf(StepPart part) { return kPartNames[static_cast<size_t>(part)].name; }
std::string_view TitleOf(StepPart part) { return kPartNames[static_cast<size_t>(part)].title; }

}  // namespace lacos
