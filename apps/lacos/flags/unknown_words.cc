// Words of a command line that the program does not know, and the known word that was probably
// meant.
#include "flags/unknown_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "flags/common.h"
#include "lacos/base/similar_words.h"

namespace lacos::cli {
namespace {

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
