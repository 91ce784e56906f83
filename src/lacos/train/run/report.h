// Generates report.html, the page about a training run: its curves, scores, settings, data and
// machine. The page is made from the files in the run's folder alone.
#pragma once

#include <string>

namespace lacos {

// Makes the page of the run in `folder` from its run.json and metrics.jsonl and writes it to
// `folder`/report.html. The run may be running, stopped or finished, and may have been resumed any
// number of times. The page's bytes depend only on the two files, the folder's name and whether the
// run is finished. An incomplete last line of metrics.jsonl is ignored. Throws UserError when there
// is no run.json of `lacos train`.
void WriteRunReport(const std::string& folder);

}  // namespace lacos
