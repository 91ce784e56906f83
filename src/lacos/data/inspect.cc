#include "lacos/data/inspect.h"

#include <fmt/format.h>

#include <cmath>
#include <unordered_set>

#include "lacos/base/hash.h"

namespace lacos {
namespace {

constexpr size_t kShownExamples = 3;

int64_t Characters(const std::string& text) {
  int64_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return characters;
}

// The texts with their sizes, so that two different lists never give the same bytes.
std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += fmt::format("{} {}", text.size(), text);
  return joined;
}

std::string FormOf(const Inspection& found) {
  const ExampleFile& file = found.file;
  switch (file.kind) {
    case ExampleKind::kUnlabelled:
      return "texts";
    case ExampleKind::kClasses:
      return "texts with classes";
    case ExampleKind::kScored:
      return "pairs of texts with scores";
    case ExampleKind::kLabelled:
      return "pairs of texts with NLI labels";
    case ExampleKind::kPairs:
      break;
  }
  if (file.labels_are_open)
    return "pairs of texts labelled 0 and 1, which may be NLI or paraphrases";
  if (file.has_nli_labels) return "pairs of texts with NLI labels";
  if (!file.label_counts.empty()) return "pairs of texts with paraphrase labels";
  return found.negatives > 0 ? "pairs of texts with negatives" : "pairs of texts";
}

std::vector<std::string> FlagsOf(const Inspection& found, const InspectOptions& options) {
  std::vector<std::string> words = {"--train", found.file.path};
  const auto add = [&](const char* flag, const std::string& value) {
    words.emplace_back(flag);
    words.push_back(value);
  };
  if (found.file.kind == ExampleKind::kScored) add("--loss", "cosent");
  if (found.file.has_nli_labels && found.negatives == 0) words.emplace_back("--hard-negatives");
  if (found.file.labels_are_open) add("--label-scheme", "SCHEME");
  const int64_t most = found.tokens.Quantile(0.95);
  if (options.max_length > 0 && most > options.max_length)
    add("--max-length", fmt::format("{}", (most + 7) / 8 * 8));
  return words;
}

}  // namespace

int64_t Lengths::Quantile(double share) const {
  const auto wanted = static_cast<int64_t>(std::ceil(share * static_cast<double>(number_)));
  int64_t seen = 0;
  for (const auto& [length, count] : counts_) {
    seen += count;
    if (seen >= wanted) return length;
  }
  return 0;
}

Inspection InspectExamples(const std::string& path, const InspectOptions& options) {
  Inspection found;
  std::unordered_set<uint64_t> texts, examples;
  found.file = VisitExamples(path, options.examples, [&](const Example& example) {
    ++found.examples;
    if (example.texts.size() > 2) found.negatives += static_cast<int64_t>(example.texts.size()) - 2;
    found.repeated_examples += examples.insert(Sha256Prefix(Joined(example.texts))).second ? 0 : 1;
    for (const std::string& text : example.texts) {
      ++found.texts;
      found.repeated_texts += texts.insert(Sha256Prefix(text)).second ? 0 : 1;
      found.characters.Add(Characters(text));
      if (options.count_tokens) found.tokens.Add(options.count_tokens(text));
    }
    if (found.first.size() < kShownExamples) found.first.push_back(example);
    if (options.progress) options.progress(found.examples);
  });
  found.form = FormOf(found);
  found.train_flags = FlagsOf(found, options);
  return found;
}

}  // namespace lacos
