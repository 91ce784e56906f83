#include "lacos/eval/results/overlap.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "lacos/base/nan.h"
#include "lacos/eval/measures/pair_classification.h"
#include "lacos/eval/measures/statistics.h"
#include "lacos/io/json_numbers.h"

namespace lacos {
namespace {

double Score(const std::string& task, const std::vector<double>& items,
             const std::vector<double>& gold) {
  if (items.size() < 2) return kNaN;
  if (task == "sts") return 100 * Spearman(items, gold);
  const std::vector<int32_t> same(gold.begin(), gold.end());
  bool one = false, other = false;
  for (const int32_t label : same) (label != 0 ? one : other) = true;
  return one && other ? 100 * EvaluatePairs(items, same).average_precision : kNaN;
}

}  // namespace

std::vector<Seen> FindTexts(const TextTable& texts, const TrainingTexts& trained) {
  std::vector<Seen> seen;
  for (int64_t row = 0; row < texts.size(); ++row)
    seen.push_back(trained.FindText(texts.text(row)));
  return seen;
}

Overlap FindOverlap(const TextTable& texts, const std::vector<Seen>& seen,
                    const TrainingTexts& trained, const std::set<int64_t>& rows,
                    const TaskResult& result) {
  Overlap overlap{.texts = static_cast<int64_t>(rows.size()), .unseen_score = kNaN};
  for (const int64_t row : rows) {
    const Seen how = seen[static_cast<size_t>(row)];
    overlap.texts_seen += how != Seen::kNo ? 1 : 0;
    overlap.texts_seen_exactly += how == Seen::kExactly ? 1 : 0;
  }
  overlap.pairs = static_cast<int64_t>(result.first.size());
  std::vector<double> items, gold;
  for (size_t i = 0; i < result.first.size(); ++i) {
    const bool any = seen[static_cast<size_t>(result.first[i])] != Seen::kNo ||
                     seen[static_cast<size_t>(result.second[i])] != Seen::kNo;
    if (!any) {
      ++overlap.unseen_pairs;
      if (!result.gold.empty()) {
        items.push_back(result.items[i]);
        gold.push_back(result.gold[i]);
      }
      continue;
    }
    const Seen pair = trained.FindPair(texts.text(result.first[i]), texts.text(result.second[i]));
    overlap.pairs_seen += pair != Seen::kNo ? 1 : 0;
    overlap.pairs_seen_exactly += pair == Seen::kExactly ? 1 : 0;
  }
  if (result.set.task == "sts" || result.set.task == "pair_classification")
    overlap.unseen_score = Score(result.set.task, items, gold);
  return overlap;
}

Json OverlapJson(const Overlap& overlap, const std::string& measure) {
  Json json = Json::Object();
  json.Set("texts", overlap.texts);
  json.Set("texts_seen", overlap.texts_seen);
  json.Set("texts_seen_exactly", overlap.texts_seen_exactly);
  json.Set("pairs", overlap.pairs);
  json.Set("pairs_seen", overlap.pairs_seen);
  json.Set("pairs_seen_exactly", overlap.pairs_seen_exactly);
  json.Set("unseen_pairs", overlap.unseen_pairs);
  json.Set("measure", measure);
  json.Set("unseen_score", NumberOrNull(overlap.unseen_score));
  return json;
}

Overlap ReadOverlap(const Json& json) {
  return {.texts = json.At("texts").AsInt(),
          .texts_seen = json.At("texts_seen").AsInt(),
          .texts_seen_exactly = json.At("texts_seen_exactly").AsInt(),
          .pairs = json.At("pairs").AsInt(),
          .pairs_seen = json.At("pairs_seen").AsInt(),
          .pairs_seen_exactly = json.At("pairs_seen_exactly").AsInt(),
          .unseen_pairs = json.At("unseen_pairs").AsInt(),
          .unseen_score = NumberOrNaN(json.At("unseen_score"))};
}

std::string OverlapSummary(const EvaluationResults& results) {
  const auto trained = results.system.Find("training_texts");
  if (!trained) return "Which test texts the model was trained on is not known.";
  int64_t sets = 0;
  for (const TaskResult& result : results.sets)
    sets += result.overlap && result.overlap->texts_seen > 0 ? 1 : 0;
  std::vector<std::string> from;
  const Json list = trained->At("from");
  for (size_t i = 0; i < list.size(); ++i) from.push_back(list[i].AsString());
  return fmt::format(
      "{} of {} sets have texts that are among the {} training texts of {} (compared without case, "
      "whitespace and punctuation). What the base was pre-trained on is not in them.",
      sets, results.sets.size(), trained->At("texts").AsInt(), fmt::join(from, ", "));
}

std::vector<std::string> OverlapHeader() {
  return {"set",        "texts", "trained on",   "pairs",
          "trained on", "score", "without them", "pairs left"};
}

std::vector<std::string> OverlapRow(const TaskResult& result) {
  const Overlap& overlap = *result.overlap;
  const auto seen = [](int64_t all, int64_t exactly) {
    return fmt::format("{} ({} exactly)", all, exactly);
  };
  const bool pairs = overlap.pairs > 0, scored = std::isfinite(overlap.unseen_score);
  return {result.set.Title(),
          fmt::format("{}", overlap.texts),
          seen(overlap.texts_seen, overlap.texts_seen_exactly),
          pairs ? fmt::format("{}", overlap.pairs) : "-",
          pairs ? seen(overlap.pairs_seen, overlap.pairs_seen_exactly) : "-",
          FormatScore(result.main()),
          scored ? FormatScore(overlap.unseen_score) : "-",
          pairs ? fmt::format("{}", overlap.unseen_pairs) : "-"};
}

}  // namespace lacos
