// GGUF, the single-file model format of ggml and llama.cpp. Metadata comes first, then tensors at
// places that the header fixes; so a model can be written in the memory of one slice of a tensor.
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

// ggml's element types under its own numbers. Q8_0 stores 32 values of a row as an F16 scale and 32
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

constexpr int64_t kQ8Block = 32;        // values in a block of Q8_0
constexpr int64_t kQ8BlockBytes = 34;   // one F16 scale and 32 codes
constexpr int64_t kGgufAlignment = 32;  // the format's default alignment of tensors

// The number of bytes for `elements` values of one row. Q8_0 needs whole blocks.
int64_t GgmlBytes(GgmlType type, int64_t elements);

struct GgufTensor {
  std::string name;
  GgmlType type = GgmlType::kF32;
  std::vector<int64_t> shape;  // row-major, as everywhere in lacos: [out, in]
  int64_t offset = 0;          // distance of the first byte from the start of the file
  int64_t bytes = 0;
};

// Writes one file, version 3, little-endian. Metadata and tensors are declared first, in their
// order in the file. Then the bytes of tensors are written in any order. Finish gives the file its
// name. Throws UserError if writing fails.
class GgufWriter {
 public:
  explicit GgufWriter(const std::string& path);
  ~GgufWriter();
  GgufWriter(const GgufWriter&) = delete;
  GgufWriter& operator=(const GgufWriter&) = delete;

  // Declares metadata. Each key may be set once.
  void Set(std::string_view key, std::string_view value);
  void Set(std::string_view key, uint32_t value);
  void Set(std::string_view key, float value);
  void Set(std::string_view key, bool value);
  void Set(std::string_view key, const std::vector<std::string>& values);
  void Set(std::string_view key, std::span<const int32_t> values);
  // Without these two overloads a literal would silently become a bool, and an int would be
  // ambiguous.
  void Set(std::string_view key, const char* value) { Set(key, std::string_view(value)); }
  void Set(std::string_view key, int value) = delete;

  void Declare(const std::string& name, GgmlType type, std::vector<int64_t> shape);
  // Writes the header. Returns the declared tensors with their places, in the order of declaration.
  std::vector<GgufTensor> Begin();
  void WriteAt(const GgufTensor& tensor, int64_t offset_in_tensor,
               std::span<const std::byte> bytes);
  // Checks that every byte of every tensor was written, then gives the file its name.
  void Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos
