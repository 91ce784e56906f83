#include "lacos/train/report_json.h"

#include "lacos/io/json_numbers.h"

namespace lacos {

double TokensPerSecond(const TrainReport& report) {
  return report.seconds > 0 ? static_cast<double>(report.tokens) / report.seconds : 0;
}

Json ReportJson(const TrainReport& report) {
  Json json = Json::Object();
  json.Set("steps", report.steps);
  json.Set("bad_steps", report.bad_steps);
  json.Set("tokens", report.tokens);
  json.Set("truncated", report.truncated);
  json.Set("seconds", report.seconds);
  json.Set("tokens_per_second", TokensPerSecond(report));
  json.Set("loss_first", NumberOrNull(report.loss_first));
  json.Set("loss_last", NumberOrNull(report.loss_last));
  json.Set("strategy", report.strategy);
  json.Set("planned_peak_bytes", report.planned_peak_bytes);
  const auto add = [&](const std::string& name, const EvaluationRecord& record) {
    Json evaluation = Json::Object();
    if (report.evaluated) {
      evaluation.Set("step", record.step);
      evaluation.Set("spearman", NumberOrNull(record.spearman));
      evaluation.Set("pearson", NumberOrNull(record.pearson));
    }
    json.Set(name, evaluation);
  };
  add("first", report.first_evaluation);
  add("best", report.best_evaluation);
  add("last", report.last_evaluation);
  return json;
}

}  // namespace lacos
