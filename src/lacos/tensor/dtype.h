// Element types of tensors, with their sizes and names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lacos/base/enum_names.h"

namespace lacos {

// kF64 and kC128 serve the reference backend: double, and complex double for complex-step
// differentiation.
enum class DType : uint8_t { kF32, kBF16, kF16, kF64, kC128, kI8, kU8, kI32, kI64 };

struct DTypeNames {
  DType value;
  std::string_view word;     // safetensors'
  std::string_view flag;     // lacos's own, where weights are written; empty: never chosen
  std::string_view torch;    // torch.dtype; empty: no file has it
  std::string_view storage;  // PyTorch's class of storage
  std::string_view numpy;    // the "descr" of a .npy file; empty: numpy has no such type
  size_t bytes;
};
inline constexpr auto kDTypeNames = MakeEnumNames<DTypeNames>({
    {DType::kF32, "F32", "f32", "torch.float32", "torch.FloatStorage", "<f4", 4},
    {DType::kBF16, "BF16", "bf16", "torch.bfloat16", "torch.BFloat16Storage", "", 2},
    {DType::kF16, "F16", "f16", "torch.float16", "torch.HalfStorage", "<f2", 2},
    {DType::kF64, "F64", "", "torch.float64", "torch.DoubleStorage", "<f8", 8},
    {DType::kC128, "C128", "", "", "", "", 16},  // the reference backend's own
    {DType::kI8, "I8", "", "torch.int8", "torch.CharStorage", "|i1", 1},
    {DType::kU8, "U8", "", "torch.uint8", "torch.ByteStorage", "|u1", 1},
    {DType::kI32, "I32", "", "torch.int32", "torch.IntStorage", "<i4", 4},
    {DType::kI64, "I64", "", "torch.int64", "torch.LongStorage", "<i8", 8},
});
constexpr const auto& NamesOf(DType) { return kDTypeNames; }

constexpr size_t SizeOf(DType dtype) { return kDTypeNames[dtype].bytes; }

}  // namespace lacos
