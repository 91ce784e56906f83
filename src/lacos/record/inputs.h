// The inputs of a command in run.json: the files that it read, with their hashes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lacos/formats/model_folder.h"
#include "lacos/io/json.h"

namespace lacos {

// A list of files with one role each ("base", "tokenizer", "adapter", "settings", "train", "dev",
// "config"), in a fixed order. If the manifest of its folder (lacos.json) lists a file with its
// present size, the hash is taken from there. Other files are hashed. But after the first
// `hashed_bytes` of a command, weights (files of 64 MB and more) are listed with their size only,
// because hashing them would take minutes.
class RunInputs {
 public:
  // The most bytes of weights that are hashed for a command; they take a few seconds.
  static constexpr int64_t kHashedBytes = 4'000'000'000;

  // `between` is called every few megabytes; an exception from it ends the work.
  explicit RunInputs(std::function<void()> between = {}, int64_t hashed_bytes = kHashedBytes)
      : between_(std::move(between)), hashed_bytes_left_(hashed_bytes) {}

  // From now on, a file with one of these paths is recorded under the name that belongs to it: files
  // that a caller made for a moment are not known by their paths.
  void SetNames(std::map<std::string, std::string> names) { names_ = std::move(names); }
  // Adds a file, unless it was added before.
  void AddFile(const std::string& role, const std::string& path);
  // Adds the files that are read from a base (configuration, weights, tokenizer) or from an
  // adapter, which may be in a subfolder of a sentence-transformers model.
  void AddBase(const std::string& folder);
  void AddAdapter(const std::string& folder);
  // Adds the base and the adapter of a folder that was opened.
  void AddModel(const ModelFolder& folder);

  // The list as [{"role", "path", "bytes", "sha256" (null if unknown), "hash_from":
  // "contents"|"manifest"|null}].
  Json ToJson() const { return list_; }

 private:
  void AddPresent(const std::string& role, const std::string& folder,
                  const std::vector<std::string>& names);
  // Adds the settings of a sentence-transformers folder. Returns the folder of its transformer.
  std::string AddSettings(const std::string& folder, const char* marker);

  std::function<void()> between_;
  std::vector<std::string> seen_;             // canonical paths
  std::map<std::string, std::string> names_;  // by path
  int64_t hashed_bytes_left_;
  Json list_ = Json::Array();
};

// One line for each input that differs between the lists, compared by role and position in it.
// `before` may come from any file; throws UserError if it does not have the form that ToJson
// writes.
std::vector<std::string> InputDifferences(const Json& before, const Json& now);

}  // namespace lacos
