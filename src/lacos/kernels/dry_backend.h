// A backend that computes nothing. The model's own code runs on it to measure its memory needs.
#pragma once

#include <memory>

#include "lacos/kernels/null_backend.h"

namespace lacos {

// The class that backends derive their dry copies (MakeDry) from. A dry copy adds up the memory
// that its ops would hold.
class DryBackend : public NullBackend {
 public:
  explicit DryBackend(const TypeSet& types) : types_(types) {}

  TypeSet Types() const override { return types_; }
  KernelInfo Describe() const override {
    return {.backend = "dry", .facts = {{"isa", "none"}}, .kernels = {}};
  }
  // Returns address space without access rights: it costs no memory, and an access crashes instead
  // of reading zeros.
  Buffer Allocate(size_t bytes) override;
  std::unique_ptr<DryBackend> MakeDry() override { return std::make_unique<DryBackend>(types_); }
  // Makes WorkspaceBytes count from here.
  virtual void ForgetWorkspace() {}

 private:
  TypeSet types_;
};

}  // namespace lacos
