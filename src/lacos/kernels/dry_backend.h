// A backend that computes nothing, so that the model's own code can be asked how much memory it
// would take.
#pragma once

#include <memory>

#include "lacos/kernels/null_backend.h"

namespace lacos {

// Backends derive their MakeDry() from it and add up in it what their ops would hold.
class DryBackend : public NullBackend {
 public:
  explicit DryBackend(const TypeSet& types) : types_(types) {}

  TypeSet Types() const override { return types_; }
  KernelInfo Describe() const override {
    return {.backend = "dry", .facts = {{"isa", "none"}}, .kernels = {}};
  }
  // Address space without access rights: costs no memory, and a read would crash instead of giving
  // zeros.
  Buffer Allocate(size_t bytes) override;
  std::unique_ptr<DryBackend> MakeDry() override { return std::make_unique<DryBackend>(types_); }
  // WorkspaceBytes counts from here.
  virtual void ForgetWorkspace() {}

 private:
  TypeSet types_;
};

}  // namespace lacos
