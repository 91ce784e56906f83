// The files that a command read, with their hashes: what run.json says of its inputs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lacos/formats/model_folder.h"
#include "lacos/io/json.h"

namespace lacos {

// Files of one role each ("base", "tokenizer", "adapter", "settings", "train", "dev", "config"), in
// a fixed order. A file that the manifest of its folder (lacos.json) lists with the size that it
// has is taken at the manifest's word. Any other is hashed, but for the weights (files of 64 MB and
// more) beyond the first `hashed_bytes` of a command, which would take minutes: of those only the
// size is given.
class RunInputs {
 public:
  // Weights of a command that are hashed at most: some seconds of SHA-256.
  static constexpr int64_t kHashedBytes = 4'000'000'000;

  // `between` is called every few megabytes; what it throws ends the work.
  explicit RunInputs(std::function<void()> between = {}, int64_t hashed_bytes = kHashedBytes)
      : between_(std::move(between)), hashed_bytes_left_(hashed_bytes) {}

  // A file; one that was added before is left out.
  void AddFile(const std::string& role, const std::string& path);
  // What is read of a base (configuration, weights, tokenizer) or an adapter, which may lie in a
  // subfolder of a sentence-transformers model.
  void AddBase(const std::string& folder);
  void AddAdapter(const std::string& folder);
  // Both, of a folder that was opened.
  void AddModel(const ModelFolder& folder);

  // [{"role", "path", "bytes", "sha256" (null where not known), "hash_from":
  // "contents"|"manifest"|null}].
  Json ToJson() const { return list_; }

 private:
  void AddPresent(const std::string& role, const std::string& folder,
                  const std::vector<std::string>& names);
  // The settings of a sentence-transformers folder; returns the folder of its transformer.
  std::string AddSettings(const std::string& folder, const char* marker);

  std::function<void()> between_;
  std::vector<std::string> seen_;  // canonical paths
  int64_t hashed_bytes_left_;
  Json list_ = Json::Array();
};

// One line for each input that is not the same in both lists: same role, same place in it. `before`
// may come from any file: what is not as ToJson writes it throws UserError.
std::vector<std::string> InputDifferences(const Json& before, const Json& now);

}  // namespace lacos
