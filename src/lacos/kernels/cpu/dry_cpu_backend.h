// The dry copy of the CPU backend: it computes nothing and adds up the scratch that ops need.
#pragma once

#include <memory>

#include "lacos/kernels/cpu/linear/frozen_linear.h"
#include "lacos/kernels/dry_backend.h"

namespace lacos::cpu {

// `linear` has the weights in the order in which they will be added to the copy, and outlives it.
std::unique_ptr<DryBackend> MakeDryCpuBackend(const TypeSet& types, FrozenLinear& linear);

}  // namespace lacos::cpu
