// Words of a command line that the program does not know, and the known word that was probably
// meant.
#include "flags/unknown_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "flags/common.h"

namespace lacos::cli {
namespace {

std::string_view WithoutDashes(std::string_view word) {
  return word.substr(std::min(word.find_first_not_of('-'), word.size()));
}

// The number of insertions, deletions, substitutions and swaps of neighbours that lead from one
// word to the other (the optimal string alignment distance).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      size_t& here = distance[i][j];
      if (i == 0 || j == 0) {
        here = i + j;
        continue;
      }
      here = std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1,
                       distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here = std::min(here, distance[i - 2][j - 2] + 1);
    }
  }
  return distance[a.size()][b.size()];
}

std::string DidYouMean(const std::string& word, const std::vector<std::string>& known) {
  const std::string like = MostLike(word, known);
  return like.empty() ? "" : fmt::format("; did you mean '{}'?", like);
}

std::string NameWithParents(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : NameWithParents(*parent) + " " + app.get_name();
}

std::vector<std::string> FlagsOf(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<std::string> CommandsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

bool LooksLikeFlag(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

}  // namespace

std::string MostLike(const std::string& word, const std::vector<std::string>& known) {
  const std::string_view given = WithoutDashes(word);
  // One letter is enough of a flag's beginning, as in -h.
  const size_t fewest = word.starts_with('-') ? 1 : 2;
  std::string best;
  size_t best_distance = std::max<size_t>(given.size() / 3, 1) + 1;
  for (const std::string& candidate : known) {
    const std::string_view name = WithoutDashes(candidate);
    const bool begins = given.size() >= fewest && name.starts_with(given);
    const size_t distance = begins ? 1 : EditDistance(given, name);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

std::string UnknownCommandMessage(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> known = CommandsOf(app);
  if (std::ranges::find(known, word) != known.end()) return "";
  // 'help' and 'version' are commands of many programs, and flags of this one.
  std::vector<std::string> likely = known;
  const std::vector<std::string> flags = FlagsOf(app);
  likely.insert(likely.end(), flags.begin(), flags.end());
  return fmt::format("found the unknown command '{}'; expected one of {}{}", word,
                     fmt::join(known, ", "), DidYouMean(word, likely));
}

std::string ValueMessage(const std::string& what) {
  // "--known: 1 required bloom-560m|bloom-1b1 missing"
  constexpr std::string_view kRequired = ": 1 required ", kMissing = " missing";
  const size_t required = what.find(kRequired);
  if (required == std::string::npos || !what.ends_with(kMissing)) return what;
  const size_t begin = required + kRequired.size();
  return fmt::format("{}: is given without a value; expected {} after it", what.substr(0, required),
                     what.substr(begin, what.size() - kMissing.size() - begin));
}

std::string UnknownWordMessage(const CLI::App& app) {
  std::vector<std::string> words = app.remaining();
  std::erase(words, "--");  // not a word, but the mark after which no flags are read
  const auto chosen = app.get_subcommands();
  if (words.empty()) return chosen.empty() ? "" : UnknownWordMessage(*chosen.front());
  const auto flag = std::ranges::find_if(words, LooksLikeFlag);
  if (flag == words.end()) {
    if (!CommandsOf(app).empty()) return UnknownCommandMessage(app, words[0]);
    const CLI::Option* model = FindOption(&app, "--model");
    return fmt::format("found '{}', which belongs to no flag; expected {}", words[0],
                       model != nullptr && model->count() == 0 ? "a flag before it, such as --model"
                                                               : "nothing more");
  }
  const std::string name = flag->substr(0, flag->find('='));
  if (!chosen.empty() && FindOption(chosen.front(), name) != nullptr) {
    return fmt::format("found the flag '{}' before the command '{}'; expected it after the command",
                       name, chosen.front()->get_name());
  }
  return fmt::format("found the unknown flag '{}'; expected a flag of '{}'{}", name,
                     NameWithParents(app), DidYouMean(name, FlagsOf(app)));
}

}  // namespace lacos::cli
