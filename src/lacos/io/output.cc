#include "lacos/io/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "lacos/base/error.h"
#include "lacos/io/atomic_file.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

void RequireParentFolder(const std::string& path) {
  std::error_code error;
  fs::path parent = fs::path(path).lexically_normal();
  if (!parent.has_filename())
    parent = parent.parent_path();  // "folder/" is a name for the folder itself
  parent = parent.parent_path();
  if (parent.empty()) parent = ".";
  if (!fs::is_directory(parent, error)) {
    throw UserError(
        fmt::format("[{}] the folder '{}' is not there; expected an existing folder to write in; "
                    "create it, or choose another `output`",
                    path, parent.string()));
  }
}

void RefuseInputs(const std::string& path, const std::vector<std::string>& inputs,
                  OutputKind kind) {
  const bool several =
      std::ranges::count_if(inputs, [](const std::string& input) { return !input.empty(); }) > 1;
  for (const std::string& input : inputs) {
    std::error_code error;  // set if one of them does not exist, and then they are different
    if (input.empty() || !fs::equivalent(path, input, error)) continue;
    throw UserError(
        fmt::format("[{}] is {} input itself; expected another {}{}; choose another `output`", path,
                    several ? "an" : "the", kind == OutputKind::kFile ? "file" : "folder",
                    several ? " for the result" : ""));
  }
}

// Requires a place for a file. A file may be replaced, but a device or pipe is no place for one.
void RequireFile(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw UserError(fmt::format(
        "[{}] is a folder or a device; expected a file that may be replaced; choose another "
        "`output`",
        path));
  }
}

void RequireModelOrEmptyFolder(const std::string& path) {
  std::error_code error;
  const bool holds_model =
      fs::exists(fs::path(path) / "config.json") || fs::exists(fs::path(path) / "lacos.json");
  if (!fs::is_directory(path, error) || (!holds_model && !fs::is_empty(path, error))) {
    throw UserError(fmt::format(
        "[{}] holds something else than a model; expected a model folder or an empty one to "
        "replace; choose another `output`, or remove it yourself",
        path));
  }
}

}  // namespace

void OutputOptions::Report(const WorkProgress& work) const {
  CheckCancel();
  if (progress) progress(work);
}

void CheckOutput(const std::string& path, const OutputPlace& place) {
  RefuseExisting(path, place.overwrite);
  if (place.kind == OutputKind::kFile) RequireFile(path);
  RequireParentFolder(path);
  std::error_code error;
  if (!fs::exists(path, error)) return;
  RefuseInputs(path, place.inputs, place.kind);
  if (place.kind == OutputKind::kFolder) RequireModelOrEmptyFolder(path);
}

}  // namespace lacos
