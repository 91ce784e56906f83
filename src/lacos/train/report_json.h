// The report of a run as JSON, as programs and the command line give it.
#pragma once

#include "lacos/io/json.h"
#include "lacos/train/trainer.h"

namespace lacos {

// {"steps", "bad_steps", "tokens", "truncated", "seconds", "tokens_per_second", "loss_first",
// "loss_last", "strategy", "planned_peak_bytes", "first": {"step", "spearman", "pearson"}, "best",
// "last"}. Undefined numbers are null; "first", "best" and "last" are empty without dev scores.
Json ReportJson(const TrainReport& report);

// Tokens in all steps divided by their time, or 0.
double TokensPerSecond(const TrainReport& report);

}  // namespace lacos
