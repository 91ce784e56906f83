#include "lacos/data/prepare/pairing.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacos/base/error.h"

namespace lacos {

std::string FolderOf(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

void Pairing::Add(bool is_second, const std::string& key, const std::string& wider_key,
                  RawFile file, const Convert& convert) {
  const std::string place = FolderOf(file.name) + "/" + key;
  const auto it = waiting_.find(place);
  if (it == waiting_.end()) {
    waiting_.emplace(place, Half{is_second, wider_key, std::move(file)});
    return;
  }
  if (it->second.is_second ==
      is_second) {  // the folder has the same file twice, plain and compressed
    if (it->second.file.sha256 == file.sha256) return;
    throw UserError(fmt::format(
        "[{}] and [{}] differ; expected one of them, or equal ones; remove one from the folder",
        it->second.file.shown, file.shown));
  }
  const RawFile partner = std::move(it->second.file);
  waiting_.erase(it);
  if (is_second) {
    convert(partner, file);
  } else {
    convert(file, partner);
  }
}

void Pairing::Finish(const Convert& convert) {
  std::map<std::string, std::vector<RawFile>> halves[2];
  for (auto& [place, half] : waiting_) {
    auto& files = halves[half.is_second][half.wider_key];
    const bool known = std::any_of(
        files.begin(), files.end(),
        [&hash = half.file.sha256](const RawFile& file) { return file.sha256 == hash; });
    if (!known) files.push_back(std::move(half.file));
  }
  waiting_.clear();
  for (const bool is_second : {false, true}) {
    for (const auto& [key, files] : halves[is_second]) {
      if (files.size() > 1) {
        throw UserError(fmt::format(
            "[{}] and [{}] differ, and neither has its {} beside it; expected one of them; "
            "remove one from the "
            "folder",
            files[0].shown, files[1].shown, names_[!is_second]));
      }
      const auto partner = halves[!is_second].find(key);
      if (partner == halves[!is_second].end()) {
        throw UserError(fmt::format(
            "[{}] has no {} that belongs to it; expected both files; add the missing one or remove "
            "this one from the folder",
            files[0].shown, names_[!is_second]));
      }
      if (!is_second && partner->second.size() == 1) convert(files[0], partner->second[0]);
    }
  }
}

}  // namespace lacos
