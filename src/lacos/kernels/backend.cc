#include "lacos/kernels/backend.h"

namespace lacos {

std::string KernelInfo::FactsText() const {
  std::string text;
  for (const Fact& fact : facts) text += (text.empty() ? "" : ", ") + fact.value;
  return text;
}

}  // namespace lacos
