#include "lacos/io/gguf_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <set>
#include <type_traits>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/io/atomic_file.h"

namespace lacos {
namespace {

constexpr uint32_t kVersion = 3;

// The format's numbers for the types of metadata.
enum class ValueType : uint32_t {
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9
};

static_assert(std::endian::native == std::endian::little,
              "values are written as they lie in memory");

template <class T>
void Append(std::string& out, T value) {
  static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void AppendString(std::string& out, std::string_view text) {
  Append(out, static_cast<uint64_t>(text.size()));
  out.append(text);
}

}  // namespace

int64_t GgmlBytes(GgmlType type, int64_t elements) {
  switch (type) {
    case GgmlType::kF32:
      return 4 * elements;
    case GgmlType::kF16:
    case GgmlType::kBF16:
      return 2 * elements;
    case GgmlType::kQ8_0:
      LACOS_CHECK(elements % kQ8Block == 0, "rows of Q8_0 are whole blocks");
      return elements / kQ8Block * kQ8BlockBytes;
  }
  return 0;
}

struct GgufWriter::State {
  explicit State(const std::string& path) : file(path) {}

  AtomicFile file;
  std::set<std::string, std::less<>> keys;
  std::string metadata;
  std::vector<GgufTensor> tensors;
  std::map<std::string, size_t> index;
  std::vector<int64_t> written;  // bytes written so far, for each element of `tensors`
  int64_t end = 0;
  bool begun = false;

  std::string& Key(std::string_view key, ValueType type) {
    LACOS_CHECK(!begun, "metadata are set before Begin");
    LACOS_CHECK(keys.emplace(key).second, "a key is set once");
    AppendString(metadata, key);
    Append(metadata, type);
    return metadata;
  }
};

GgufWriter::GgufWriter(const std::string& path) : state_(std::make_unique<State>(path)) {}
GgufWriter::~GgufWriter() = default;

void GgufWriter::Set(std::string_view key, std::string_view value) {
  AppendString(state_->Key(key, ValueType::kString), value);
}

void GgufWriter::Set(std::string_view key, uint32_t value) {
  Append(state_->Key(key, ValueType::kUint32), value);
}

void GgufWriter::Set(std::string_view key, float value) {
  Append(state_->Key(key, ValueType::kFloat32), value);
}

void GgufWriter::Set(std::string_view key, bool value) {
  Append(state_->Key(key, ValueType::kBool), static_cast<uint8_t>(value));
}

void GgufWriter::Set(std::string_view key, const std::vector<std::string>& values) {
  std::string& out = state_->Key(key, ValueType::kArray);
  Append(out, ValueType::kString);
  Append(out, static_cast<uint64_t>(values.size()));
  for (const std::string& value : values) AppendString(out, value);
}

void GgufWriter::Set(std::string_view key, std::span<const int32_t> values) {
  std::string& out = state_->Key(key, ValueType::kArray);
  Append(out, ValueType::kInt32);
  Append(out, static_cast<uint64_t>(values.size()));
  for (const int32_t value : values) Append(out, value);
}

void GgufWriter::Declare(const std::string& name, GgmlType type, std::vector<int64_t> shape) {
  State& state = *state_;
  LACOS_CHECK(!state.begun, "tensors are declared before Begin");
  LACOS_CHECK(!shape.empty() && shape.size() <= 4, "ggml's tensors have one to four dimensions");
  LACOS_CHECK(state.index.emplace(name, state.tensors.size()).second, "a tensor is declared once");
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) {
    const auto product = CheckedMultiply(rows, shape[i]);
    LACOS_CHECK(shape[i] > 0 && product, "a tensor's size fits into 64 bits");
    rows = *product;
  }
  const auto bytes = CheckedMultiply(rows, GgmlBytes(type, shape.back()));
  LACOS_CHECK(shape.back() > 0 && bytes, "a tensor's size fits into 64 bits");
  state.tensors.push_back({.name = name, .type = type, .shape = std::move(shape), .bytes = *bytes});
}

std::vector<GgufTensor> GgufWriter::Begin() {
  State& state = *state_;
  LACOS_CHECK(!state.begun, "Begin is called once");
  state.begun = true;
  std::string header = "GGUF";
  Append(header, kVersion);
  Append(header, static_cast<uint64_t>(state.tensors.size()));
  Append(header, static_cast<uint64_t>(state.keys.size()));
  header += state.metadata;
  state.metadata = {};
  int64_t end = 0;
  for (GgufTensor& tensor : state.tensors) {
    AppendString(header, tensor.name);
    Append(header, static_cast<uint32_t>(tensor.shape.size()));
    // ggml lists dimensions from the innermost one outwards.
    for (auto dimension = tensor.shape.rbegin(); dimension != tensor.shape.rend(); ++dimension) {
      Append(header, static_cast<uint64_t>(*dimension));
    }
    Append(header, tensor.type);
    Append(header, static_cast<uint64_t>(end));
    tensor.offset = end;  // the size of the header is added below
    end += RoundUp(tensor.bytes, kGgufAlignment);
  }
  const auto data_begin = RoundUp(static_cast<int64_t>(header.size()), kGgufAlignment);
  header.resize(static_cast<size_t>(data_begin), '\0');
  for (GgufTensor& tensor : state.tensors) tensor.offset += data_begin;
  state.end = data_begin + end;
  state.written.assign(state.tensors.size(), 0);
  state.file.WriteText(header);
  return state.tensors;
}

void GgufWriter::WriteAt(const GgufTensor& tensor, int64_t offset_in_tensor,
                         std::span<const std::byte> bytes) {
  State& state = *state_;
  const auto it = state.index.find(tensor.name);
  LACOS_CHECK(state.begun && it != state.index.end(), "the tensor was declared");
  const GgufTensor& own = state.tensors[it->second];
  const auto size = static_cast<int64_t>(bytes.size());
  LACOS_CHECK(offset_in_tensor >= 0 && offset_in_tensor <= own.bytes &&
                  size <= own.bytes - offset_in_tensor,
              "bytes lie inside their tensor");
  state.file.WriteAt(own.offset + offset_in_tensor, bytes);
  state.written[it->second] += size;
}

void GgufWriter::Finish() {
  State& state = *state_;
  LACOS_CHECK(state.begun, "Finish follows Begin");
  for (size_t i = 0; i < state.tensors.size(); ++i) {
    LACOS_CHECK(state.written[i] == state.tensors[i].bytes,
                "every byte of every tensor was written once");
  }
  // Writes the padding of the last tensor. All other padding was left as holes, which read as
  // zeros.
  if (!state.tensors.empty()) {
    const GgufTensor& last = state.tensors.back();
    constexpr std::array<std::byte, kGgufAlignment> kZeros{};
    const auto padding = static_cast<size_t>(state.end - last.offset - last.bytes);
    if (padding > 0) state.file.WriteAt(last.offset + last.bytes, std::span(kZeros).first(padding));
  }
  state.file.Commit();
}

}  // namespace lacos
