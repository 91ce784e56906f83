// report.html of an evaluation: scores with intervals, averages, languages, scatter plots, and
// pairs to read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lacos/eval/results/results.h"
#include "lacos/eval/tasks/text_table.h"

namespace lacos {

// Fills results.worst with the pairs of every sts set whose ranks by similarity and by gold score lie
// furthest apart, `count` pairs for each set.
void FindWorstPairs(const TextTable& texts, int64_t count, EvaluationResults& results);

// The page as one file without scripts or requests. A scatter plot shows at most 1,000 pairs of a
// set, taken at equal distances.
std::string EvaluationReportHtml(const EvaluationResults& results, double confidence);

// The page of two systems, with their differences, intervals and p.
std::string ComparisonReportHtml(const EvaluationResults& a, const EvaluationResults& b,
                                 const std::vector<Comparison>& comparisons, double confidence);

// The mean of the main measure for each language and each name of sets ("STS17"). It is over the
// sets in which the language occurs, alone or with another one. Sets that are not usually averaged
// are left out.
struct LanguageScores {
  std::vector<std::string> names;                              // in order of first use
  std::map<std::string, std::map<std::string, double>> means;  // by language, then by name
};
LanguageScores ScoresByLanguage(const EvaluationResults& results);

}  // namespace lacos
