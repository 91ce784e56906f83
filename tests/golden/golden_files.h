// Reads the tensors that were recorded from Python libraries, and compares results with them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/io/safetensors.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/bloom_model.h"
#include "lacos/model/encoder.h"
#include "lacos/tensor/convert.h"
#include "test_paths.h"

namespace lacos {

inline std::string GoldenPath(const std::string& name) {
  return std::string(LACOS_SOURCE_DIR) + "/tests/golden/models/" + name;
}

inline std::vector<float> ReadFloats(const SafetensorsFile& file, const std::string& name) {
  const TensorEntry* entry = file.Find(name);
  if (entry == nullptr) {
    ADD_FAILURE() << file.path() << " has no tensor " << name;
    return {};
  }
  std::vector<float> values(static_cast<size_t>(entry->Elements()));
  EXPECT_TRUE(DecodeToFloat(entry->dtype, file.Data(*entry).data(), values.size(), values.data()));
  return values;
}

inline std::vector<int32_t> ReadInt64s(const SafetensorsFile& file, const std::string& name) {
  const TensorEntry* entry = file.Find(name);
  if (entry == nullptr) {
    ADD_FAILURE() << file.path() << " has no tensor " << name;
    return {};
  }
  std::vector<int64_t> values(static_cast<size_t>(entry->Elements()));
  std::memcpy(values.data(), file.Data(*entry).data(), values.size() * sizeof(int64_t));
  return {values.begin(), values.end()};
}

inline PackedTexts ReadIds(const Json& lists) {
  PackedTexts texts;
  for (size_t i = 0; i < lists.size(); ++i) {
    std::vector<int32_t> ids;
    for (size_t k = 0; k < lists[i].size(); ++k)
      ids.push_back(static_cast<int32_t>(lists[i][k].AsInt()));
    texts.Add(ids);
  }
  return texts;
}

// The project's measure of distance: max |a - b| / max |b|.
inline double RelativeDifference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double difference = 0, largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) return INFINITY;
    difference = std::max(difference, std::abs(double(a[i]) - double(b[i])));
    largest = std::max(largest, std::abs(double(b[i])));
  }
  return largest > 0 ? difference / largest : difference;
}

struct BackendCase {
  std::string name;
  std::unique_ptr<Backend> (*make)();
};
inline std::vector<BackendCase> ExactBackends() {
  return {{"reference", [] { return MakeReferenceBackend(DType::kF64); }},
          {"cpu_f32", [] { return MakeCpuBackend({.compute = Compute::kF32}); }}};
}

}  // namespace lacos
