#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

template <class T>
T LoadAs(const std::byte* source, size_t index) {
  T value;
  std::memcpy(&value, source + index * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void StoreAs(std::byte* out, size_t index, T value) {
  std::memcpy(out + index * sizeof(T), &value, sizeof(T));
}

}  // namespace

bool DecodeToFloat(DType dtype, const std::byte* source, size_t count, float* out) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out, source, count * sizeof(float));
      return true;
    case DType::kF64:
      for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(LoadAs<double>(source, i));
      return true;
    case DType::kF16:
      for (size_t i = 0; i < count; ++i) out[i] = F16ToFloat(LoadAs<uint16_t>(source, i));
      return true;
    case DType::kBF16:
      for (size_t i = 0; i < count; ++i) out[i] = BF16ToFloat(LoadAs<uint16_t>(source, i));
      return true;
    default:
      return false;
  }
}

bool EncodeFromFloat(DType dtype, const float* source, size_t count, std::byte* out) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out, source, count * sizeof(float));
      return true;
    case DType::kF64:
      for (size_t i = 0; i < count; ++i) StoreAs(out, i, static_cast<double>(source[i]));
      return true;
    case DType::kF16:
      for (size_t i = 0; i < count; ++i) StoreAs(out, i, FloatToF16(source[i]));
      return true;
    case DType::kBF16:
      for (size_t i = 0; i < count; ++i) StoreAs(out, i, FloatToBF16(source[i]));
      return true;
    default:
      return false;
  }
}

}  // namespace lacos
