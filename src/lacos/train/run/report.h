// report.html of a training run: its curves, scores, settings, data and machine, made from the
// files of its folder alone.
#pragma once

#include <string>

namespace lacos {

// Makes the page of the run in `folder` (running, stopped or finished, whatever sessions it had)
// from its run.json and metrics.jsonl, and writes it as `folder`/report.html. The bytes depend on
// those files, the folder's name and on whether the run is finished. A last line of metrics.jsonl
// that was cut short is passed over. Throws UserError without a run.json of `lacos train`.
void WriteRunReport(const std::string& folder);

}  // namespace lacos
