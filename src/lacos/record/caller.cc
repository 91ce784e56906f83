#include "lacos/record/caller.h"

#include <filesystem>
#include <map>
#include <system_error>

#include "lacos/record/build_commit.h"

extern char** environ;

namespace lacos {

namespace fs = std::filesystem;

Json BuildRecord() {
  Json build = Json::Object();
#if defined(__clang__)
  build.Set("compiler", "clang " __clang_version__);
#else
  build.Set("compiler", "g++ " __VERSION__);
#endif
  build.Set("type", LACOS_BUILD_TYPE);
  const std::string commit = LACOS_COMMIT;
  build.Set("commit", commit.empty() ? Json() : Json(commit));
  return build;
}

Json EnvironmentRecord() {
  std::map<std::string, std::string> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry;
    const size_t equals = variable.find('=');
    for (const char* prefix : {"ONEDNN_", "DNNL_", "OMP_", "GOMP_", "KMP_", "LACOS_"}) {
      if (equals != std::string::npos && variable.starts_with(prefix))
        found[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
  }
  Json json = Json::Object();
  for (const auto& [name, value] : found) json.Set(name, value);
  return json;
}

std::string WorkingDirectoryFrom(const std::string& output) {
  std::error_code error;
  const fs::path here = fs::current_path(error);
  const fs::path relative =
      here.lexically_relative(fs::weakly_canonical(fs::absolute(output, error) / "", error));
  return relative.empty() ? here.generic_string() : relative.generic_string();
}

}  // namespace lacos
