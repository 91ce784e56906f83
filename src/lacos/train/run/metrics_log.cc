#include "lacos/train/run/metrics_log.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/line_reader.h"

namespace lacos {

void KeepMetricsUpTo(const std::string& path, int64_t step) {
  std::string kept;
  LineReader reader(path);
  for (std::string line; reader.Next(line);) {
    try {
      if (Json::Parse(line, path).At("step").AsInt() <= step) kept += line + "\n";
    } catch (const UserError&) {
      break;
    }
  }
  WriteFileAtomically(path, kept);
}

void MetricsLog::OnStart(const TrainingData&, const MemoryPlan&, int64_t first_step, int64_t) {
  if (std::filesystem::exists(path_)) KeepMetricsUpTo(path_, first_step);
  file_.open(path_, std::ios::app);
}

void MetricsLog::WriteLine(const Json& line) {
  file_ << line.Dump() << '\n' << std::flush;
  if (!file_) {
    throw UserError(fmt::format(
        "[{}] could not write; expected a writable output with free space; free space, then run "
        "again with `resume`",
        path_));
  }
}

void MetricsLog::OnStep(const StepRecord& record) {
  Json line = Json::Object();
  line.Set("step", record.step);
  line.Set("epoch", record.epoch);
  line.Set("loss", record.loss);  // Dump writes null for values that are not finite
  line.Set("accuracy", record.accuracy >= 0 ? Json(record.accuracy) : Json());
  line.Set("learning_rate", record.learning_rate);
  line.Set("gradient_norm", record.gradient_norm);
  line.Set("clipped", record.clipped);
  line.Set("tokens", record.tokens);
  line.Set("texts", record.texts);
  line.Set("truncated", record.truncated);
  line.Set("tokens_per_second", record.tokens_per_second);
  line.Set("seconds", record.seconds);
  line.Set("rss_bytes", record.rss_bytes);
  line.Set("peak_rss_bytes", record.peak_rss_bytes);
  if (record.bad) {
    constexpr size_t kPlaces = 16;
    Json places = Json::Array();
    for (size_t i = 0; i < std::min(record.bad->places.size(), kPlaces); ++i)
      places.Append(record.bad->places[i]);
    Json bad = Json::Object();
    bad.Set("gradient_values", record.bad->gradient_values);
    bad.Set("tensor", record.bad->tensor.empty() ? Json() : Json(record.bad->tensor));
    bad.Set("vectors", record.bad->vectors);
    bad.Set("places", places);
    line.Set("bad", bad);
  }
  WriteLine(line);
}

void MetricsLog::OnEvaluation(const EvaluationRecord& record) {
  Json line = Json::Object();
  line.Set("step", record.step);
  line.Set("dev_spearman", record.spearman);
  line.Set("dev_pearson", record.pearson);
  line.Set("best", record.best);
  WriteLine(line);
}

}  // namespace lacos
