#include "lacos/formats/side_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "lacos/base/error.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/paths.h"

namespace lacos {

namespace fs = std::filesystem;

const std::vector<std::string>& TokenizerFileNames() {
  static const std::vector<std::string> names = {"tokenizer.json",
                                                 "tokenizer_config.json",
                                                 "special_tokens_map.json",
                                                 "added_tokens.json",
                                                 "vocab.json",
                                                 "merges.txt"};
  return names;
}

std::vector<std::string> CopyFiles(const std::string& from, const std::string& to,
                                   const std::vector<std::string>& names) {
  std::vector<std::string> copied;
  for (const std::string& name : names) {
    const fs::path source = fs::path(from) / name;
    if (!FileExists(source.string())) continue;
    const fs::path target = fs::path(to) / name;
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (error) {
      throw UserError(fmt::format(
          "[{}] could not be made: {}; expected a folder that can be written; check its rights",
          target.parent_path().string(), error.message()));
    }
    // Only the contents are copied, because the source may be a symbolic link into a cache or
    // read-only.
    WriteFileAtomically(target.string(), ReadFileToString(source.string()));
    copied.push_back(name);
  }
  return copied;
}

std::vector<std::string> CopySideFiles(const std::string& from, const std::string& to) {
  std::vector<std::string> names = TokenizerFileNames();
  for (const char* name :
       {"generation_config.json", "README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE",
        "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"}) {
    names.emplace_back(name);
  }
  const fs::path modules = fs::path(from) / "modules.json";
  if (FileExists(modules.string())) {
    Json::ReadFile(modules.string()).ForEachElement([&](const Json& module) {
      const std::string path = module.At("path").AsString();
      if (StaysInside(path))
        names.push_back((fs::path(path).lexically_normal() / "config.json").string());
    });
  }
  return CopyFiles(from, to, names);
}

std::string AbsolutePath(const std::string& path) {
  std::string absolute = fs::absolute(path).lexically_normal().string();
  while (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
  return absolute;
}

}  // namespace lacos
