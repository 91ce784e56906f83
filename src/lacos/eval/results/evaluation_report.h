// report.html of an evaluation: scores with intervals, averages, languages, scatter plots, and
// pairs to read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lacos/eval/results/results.h"
#include "lacos/eval/tasks/text_table.h"
#include "lacos/report/page.h"

namespace lacos {

// The pairs of every sts set whose ranks by cosine and by gold score lie furthest apart, `count` a
// set, into results.worst.
void FindWorstPairs(const TextTable& texts, int64_t count, EvaluationResults& results);

// The page, one file without scripts or requests. A scatter plot shows at most 1,000 pairs of a
// set, evenly taken.
std::string EvaluationReportHtml(const EvaluationResults& results, double confidence);

// The page of two systems: differences with intervals and p.
std::string ComparisonReportHtml(const EvaluationResults& a, const EvaluationResults& b,
                                 const std::vector<Comparison>& comparisons, double confidence);

// Means of the main measure by language and name of sets ("STS17"), over the sets that a language
// takes part in, alone or with another; sets that are not usually averaged are left out.
struct LanguageScores {
  std::vector<std::string> names;                              // in order of first use
  std::map<std::string, std::map<std::string, double>> means;  // language, name
};
LanguageScores ScoresByLanguage(const EvaluationResults& results);

// What is known of the system: "name, value" rows, nested objects flattened.
HtmlTable SystemTable(const EvaluationResults& results);

}  // namespace lacos
