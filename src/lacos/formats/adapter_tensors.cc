#include "lacos/formats/adapter_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string_view>

#include "lacos/base/error.h"
#include "lacos/formats/bloom_tensors.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShown = 12;

// The adapter's file. PEFT also looks for safetensors first.
std::string FindAdapterFile(const std::string& folder) {
  for (const char* name : {"adapter_model.safetensors", "adapter_model.bin"}) {
    const fs::path path = fs::path(folder) / name;
    if (PathExists(path.string())) return path.string();
  }
  throw UserError(fmt::format(
      "[{}] has neither adapter_model.safetensors nor adapter_model.bin; expected the adapter's "
      "weights beside adapter_config.json; check that the download or the training was complete",
      folder));
}

// A saved head is called base_model.model.score.weight, or in adapters of some old versions of PEFT
// base_model.model.score.modules_to_save.weight. The matrices of a head that is adapted are called
// base_model.model.lm_head.lora_A.weight.
bool BelongsToHead(std::string_view name) {
  constexpr std::string_view kRoot = AdapterTensors::kRoot;
  return name.starts_with(kRoot) && IsHeadTensor(name.substr(kRoot.size()));
}

}  // namespace

AdapterTensors::AdapterTensors(const std::string& folder)
    : file_(OpenTensorFile(FindAdapterFile(folder))) {
  RequireAsRecorded(file_->path());
  for (const TensorEntry& entry : file_->tensors()) {
    if (BelongsToHead(entry.name)) {
      heads_.push_back(entry.name);
    } else {
      left_.insert(entry.name);
    }
  }
  std::sort(heads_.begin(), heads_.end());
  causal_ = std::any_of(left_.begin(), left_.end(),
                        [](const std::string& name) { return name.starts_with(kHeadRoot); });
}

HostMatrix AdapterTensors::Take(const std::vector<std::string>& names,
                                const std::vector<int64_t>& shape) {
  const std::string root = causal_ ? kHeadRoot : kRoot;
  for (const std::string& name : names) {
    const TensorEntry* entry = file_->Find(root + name);
    if (entry == nullptr) continue;
    left_.erase(entry->name);
    if (entry->shape != shape) {
      misshapen_.push_back(fmt::format("{} has [{}], expected [{}]", entry->name,
                                       fmt::join(entry->shape, ", "), fmt::join(shape, ", ")));
      return {};
    }
    return Read(*entry);
  }
  missing_.push_back(root + names.front());
  return {};
}

HostMatrix AdapterTensors::Read(const TensorEntry& entry) const {
  HostMatrix matrix{.shape = entry.shape,
                    .values = std::vector<float>(static_cast<size_t>(entry.Elements())),
                    .stored = entry.dtype};
  const bool is_known =
      entry.dtype == DType::kF32 || entry.dtype == DType::kF16 || entry.dtype == DType::kBF16;
  if (!is_known || !DecodeToFloat(entry.dtype, file_->Data(entry).data(), matrix.values.size(),
                                  matrix.values.data())) {
    throw UserError(
        fmt::format("[{}: {}] has the type {}; expected F32, F16 or BF16; convert the adapter",
                    file_->path(), entry.name, Name(entry.dtype)));
  }
  for (size_t i = 0; i < matrix.values.size(); ++i) {
    if (std::isfinite(matrix.values[i])) continue;
    throw UserError(fmt::format(
        "[{}: {}] is {} at index {}; expected finite numbers; use an earlier checkpoint of the "
        "adapter",
        file_->path(), entry.name, matrix.values[i], i));
  }
  return matrix;
}

void AdapterTensors::RequireComplete() const {
  std::string problems;
  const auto add = [&](const char* title, const std::vector<std::string>& list) {
    if (list.empty()) return;
    const std::vector<std::string> shown(
        list.begin(), list.begin() + static_cast<std::ptrdiff_t>(std::min(list.size(), kShown)));
    problems += fmt::format("{}{} {}: {}{}", problems.empty() ? "" : "; ", list.size(), title,
                            fmt::join(shown, ", "), list.size() > kShown ? ", ..." : "");
  };
  add("missing", missing_);
  add("misshapen", misshapen_);
  add("unexpected", {left_.begin(), left_.end()});
  if (problems.empty()) return;
  throw UserError(fmt::format(
      "[{}] does not hold what adapter_config.json and the base ask for: {}; expected exactly "
      "those tensors; check that adapter and base belong together",
      file_->path(), problems));
}

}  // namespace lacos
