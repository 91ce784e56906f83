// Runs a whole sweep: finds the missing runs, makes them in order, keeps finished ones, and writes
// the results at the end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lacos/io/output.h"
#include "lacos/kernels/device.h"
#include "lacos/sweep/bases.h"
#include "lacos/sweep/grid.h"

namespace lacos {

// Computes the identity of a run: a hash of its settings, seed, base, training files and
// evaluation. A run is not repeated if the cell.json in its folder has the same hash.
class RunIdentities {
 public:
  // A run on another kind of device is another run.
  RunIdentities(const SweepRecipe& recipe, SweepBases& bases, const Device& device = {})
      : recipe_(recipe), bases_(bases), device_(device) {}
  std::string Of(const Cell& cell, uint64_t seed);

 private:
  const std::string& FileHash(const std::string& path);
  const std::string& EvaluationHash();
  const SweepRecipe& recipe_;
  SweepBases& bases_;
  Device device_;
  std::map<std::string, std::string> files_;
  std::string evaluation_;
};

// The path of a run's folder: OUTPUT/cells/CELL/seed-N.
std::string RunFolderOf(const std::string& output, const Cell& cell, uint64_t seed);

struct SweepOptions {
  std::string output;
  Device device;            // where runs compute
  bool keep_going = false;  // a failed run only excludes its cell instead of ending the sweep
  // Makes one run and writes its folder, in this process or in another one. Throws UserError when
  // the run fails.
  std::function<void(const Cell& cell, uint64_t seed, const std::string& identity)> run;
  std::function<void(const std::string&)> message, warning;  // called with a line of text
  // Its progress counts the missing runs and names the next one. Finished runs of an earlier sweep
  // in the folder are always kept, so `overwrite` has no effect.
  OutputOptions writing;
};

// Makes the runs that are missing, and makes those again whose settings or files have changed
// (`message` reports them). Writes recipe.toml, sweep.json, sweep.csv, report.html, run.json and
// lacos.json, and returns sweep.json. Finished runs stay, however the sweep ends. Folders of cells
// that the recipe no longer has are reported and kept. Throws UserError when a run fails and
// `keep_going` is not set (the message names the cell), when another process runs a sweep in the
// folder, and when the folder holds something else.
Json RunSweep(const SweepRecipe& recipe, const SweepOptions& options);

}  // namespace lacos
