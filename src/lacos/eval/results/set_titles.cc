#include "lacos/eval/results/set_titles.h"

#include <algorithm>

namespace lacos {
namespace {

std::vector<std::string> NamesOf(const std::vector<SetAndPart>& sets) {
  std::vector<std::string> names;
  for (const auto& [name, part] : sets) names.push_back(name);
  return names;
}

}  // namespace

SetTitles::SetTitles(std::vector<SetAndPart> sets)
    : sets_(std::move(sets)), names_(NamesOf(sets_)) {}

ShownText SetTitles::Title(const SetAndPart& set) const {
  return names_(set.first, set.second.empty() ? "" : " " + set.second);
}

ShownText SetTitles::RowName(const SetAndPart& set, HtmlTable& table) const {
  const auto is_other = [&](const SetAndPart& other) {
    return other.first == set.first && other.second != set.second;
  };
  if (set.second.empty() || std::ranges::none_of(sets_, is_other)) {
    table.EndGroup();
    return Title(set);
  }
  table.StartGroup(names_(set.first));
  return set.second;
}

}  // namespace lacos
