// Folders with small BLOOM models for tests, written byte by byte so that damaged ones can be
// made too.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/base/rng.h"
#include "lacos/formats/base_weights.h"
#include "lacos/io/json.h"
#include "lacos/tensor/convert.h"

namespace lacos {

// A folder that is removed when the test ends.
class TestFolder {
 public:
  TestFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "lacos_model_test_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void WriteText(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct RawTensor {
  std::string name, dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};

// Writes a safetensors file without alignment or a fixed order. The header ends with `padding`
// spaces, which shift every tensor.
inline void WriteRawSafetensors(const std::string& path, const std::vector<RawTensor>& tensors,
                                int padding = 0) {
  Json header = Json::Object();
  int64_t offset = 0;
  for (const RawTensor& tensor : tensors) {
    Json shape = Json::Array(), range = Json::Array(), entry = Json::Object();
    for (const int64_t d : tensor.shape) shape.Append(d);
    range.Append(offset);
    offset += static_cast<int64_t>(tensor.bytes.size());
    range.Append(offset);
    entry.Set("dtype", tensor.dtype);
    entry.Set("shape", shape);
    entry.Set("data_offsets", range);
    header.Set(tensor.name, entry);
  }
  std::string text = header.Dump() + std::string(static_cast<size_t>(padding), ' ');
  const uint64_t size = text.size();
  std::string file(reinterpret_cast<const char*>(&size), sizeof(size));
  file += text;
  for (const RawTensor& tensor : tensors) file += tensor.bytes;
  WriteText(path, file);
}

struct TinyModel {
  BloomConfig config{.hidden_size = 40, .heads = 5, .layers = 2, .vocab_size = 300};
  DType dtype = DType::kF32;
  std::string prefix;
  // by plain name, with the values as stored (rounded to dtype)
  std::map<std::string, std::vector<float>> values;
};

inline TinyModel MakeTinyModel(DType dtype = DType::kF32) {
  TinyModel model;
  model.dtype = dtype;
  Random random(7, RandomStream::kWeights);
  for (const TensorSpec& spec : ListTensors(model.config)) {
    int64_t count = 1;
    for (const int64_t d : spec.shape) count *= d;
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = static_cast<float>(random.Normal());
    std::vector<std::byte> bytes(values.size() * SizeOf(dtype));
    EncodeFromFloat(dtype, values.data(), values.size(), bytes.data());
    DecodeToFloat(dtype, bytes.data(), values.size(), values.data());
    model.values[spec.name] = values;
  }
  return model;
}

inline std::vector<RawTensor> RawTensors(const TinyModel& model) {
  std::vector<RawTensor> tensors;
  for (const TensorSpec& spec : ListTensors(model.config)) {
    const std::vector<float>& values = model.values.at(spec.name);
    std::string bytes(values.size() * SizeOf(model.dtype), '\0');
    EncodeFromFloat(model.dtype, values.data(), values.size(),
                    reinterpret_cast<std::byte*>(bytes.data()));
    tensors.push_back(
        {model.prefix + spec.name, std::string(Name(model.dtype)), spec.shape, bytes});
  }
  return tensors;
}

inline void WriteConfig(const std::string& folder, const TinyModel& model) {
  WriteText(folder + "/config.json", BloomConfigToJson(model.config, "float32").Dump(2));
}

inline void WriteModel(const std::string& folder, const TinyModel& model) {
  WriteConfig(folder, model);
  WriteRawSafetensors(folder + "/model.safetensors", RawTensors(model));
}

// Writes two shards with an index; the list of tensors is split in the middle.
inline void WriteShardedModel(const std::string& folder, const TinyModel& model) {
  WriteConfig(folder, model);
  const std::vector<RawTensor> tensors = RawTensors(model);
  Json map = Json::Object();
  for (int shard = 0; shard < 2; ++shard) {
    const size_t half = tensors.size() / 2;
    const std::vector<RawTensor> part(
        tensors.begin() + (shard == 0 ? 0 : static_cast<int64_t>(half)),
        shard == 0 ? tensors.begin() + static_cast<int64_t>(half) : tensors.end());
    const std::string name = fmt::format("model_{:05}-of-00002.safetensors", shard + 1);
    WriteRawSafetensors(folder + "/" + name, part);
    for (const RawTensor& tensor : part) map.Set(tensor.name, name);
  }
  Json index = Json::Object();
  index.Set("metadata", Json::Object());
  index.Set("weight_map", map);
  WriteText(folder + "/model.safetensors.index.json", index.Dump(2));
}

// The message of the UserError that `action` throws.
template <class F>
std::string ErrorOf(F&& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace lacos
