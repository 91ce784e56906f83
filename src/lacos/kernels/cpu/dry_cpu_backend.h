// The CPU backend's dry copy: computes nothing and adds up the scratch that its ops would take.
#pragma once

#include <memory>

#include "lacos/kernels/cpu/linear/frozen_linear.h"
#include "lacos/kernels/dry_backend.h"

namespace lacos::cpu {

// `linear` has the weights, in the order in which they will be added here; it must outlive the
// copy.
std::unique_ptr<DryBackend> MakeDryCpuBackend(const TypeSet& types, FrozenLinear& linear);

}  // namespace lacos::cpu
