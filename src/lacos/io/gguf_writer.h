// GGUF, the single-file model format of ggml and llama.cpp: metadata first, then tensors at places
// that the header fixes, so that a model is written in the memory of one slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/base/enum_names.h"

namespace lacos {

// ggml's element types by its own numbers. Q8_0: blocks of 32 values of a row, an F16 scale and 32
// codes.
enum class GgmlType : uint32_t { kF32 = 0, kF16 = 1, kQ8_0 = 8, kBF16 = 30 };
struct GgmlTypeNames {
  GgmlType value;
  std::string_view word;  // llama.cpp's
  std::string_view flag;
};
inline constexpr auto kGgmlTypeNames = MakeEnumNames<GgmlTypeNames>({
    {GgmlType::kF16, "F16", "f16"},
    {GgmlType::kQ8_0, "Q8_0", "q8_0"},
    {GgmlType::kBF16, "BF16", "bf16"},
    {GgmlType::kF32, "F32", "f32"},
});
constexpr const auto& NamesOf(GgmlType) { return kGgmlTypeNames; }

constexpr int64_t kQ8Block = 32;        // values
constexpr int64_t kQ8BlockBytes = 34;   // one F16, 32 codes
constexpr int64_t kGgufAlignment = 32;  // of every tensor: the format's default

// Bytes of `elements` values of one row; Q8_0 needs whole blocks.
int64_t GgmlBytes(GgmlType type, int64_t elements);

struct GgufTensor {
  std::string name;
  GgmlType type = GgmlType::kF32;
  std::vector<int64_t> shape;  // row-major as elsewhere here: [out, in]
  int64_t offset = 0;          // from the start of the file
  int64_t bytes = 0;
};

// Writes one file, version 3, little-endian. Metadata and tensors are declared first, in the order
// in which they shall stand; then bytes go to their places in any order. The file appears under its
// name with Finish. Throws UserError when writing fails.
class GgufWriter {
 public:
  explicit GgufWriter(const std::string& path);
  ~GgufWriter();
  GgufWriter(const GgufWriter&) = delete;
  GgufWriter& operator=(const GgufWriter&) = delete;

  // Each key once.
  void Set(std::string_view key, std::string_view value);
  void Set(std::string_view key, uint32_t value);
  void Set(std::string_view key, float value);
  void Set(std::string_view key, bool value);
  void Set(std::string_view key, const std::vector<std::string>& values);
  void Set(std::string_view key, std::span<const int32_t> values);
  // Without these two a literal or an int would silently become a bool or be ambiguous.
  void Set(std::string_view key, const char* value) { Set(key, std::string_view(value)); }
  void Set(std::string_view key, int value) = delete;

  void Declare(const std::string& name, GgmlType type, std::vector<int64_t> shape);
  // Writes the header; returns the declared tensors with their places, in the order of declaration.
  std::vector<GgufTensor> Begin();
  void WriteAt(const GgufTensor& tensor, int64_t offset_in_tensor,
               std::span<const std::byte> bytes);
  // Checks that every byte of every tensor was written, then makes the file appear.
  void Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
