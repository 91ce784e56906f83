// A whole sweep: which runs are missing, in what order they are made, what is kept, and the results
// at the end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lacos/io/output.h"
#include "lacos/sweep/bases.h"
#include "lacos/sweep/grid.h"

namespace lacos {

// What the hash of a run stands for: its settings, seed, base, training files and evaluation. A run
// whose hash is that of its folder's cell.json is not made again.
class RunIdentities {
 public:
  RunIdentities(const SweepRecipe& recipe, SweepBases& bases) : recipe_(recipe), bases_(bases) {}
  std::string Of(const Cell& cell, uint64_t seed);

 private:
  const std::string& FileHash(const std::string& path);
  const std::string& EvaluationHash();
  const SweepRecipe& recipe_;
  SweepBases& bases_;
  std::map<std::string, std::string> files_;
  std::string evaluation_;
};

// Where a run's folder is: OUTPUT/cells/CELL/seed-N.
std::string RunFolderOf(const std::string& output, const Cell& cell, uint64_t seed);

struct SweepOptions {
  std::string output;
  bool keep_going = false;  // a failed run leaves its cell out, instead of ending the sweep
  // Makes one run into its folder, in this process or another; throws UserError when it fails.
  std::function<void(const Cell& cell, uint64_t seed, const std::string& identity)> run;
  std::function<void(const std::string&)> message, warning;  // a line for people
  // Its progress counts the runs to make and names the next one. The folder is that of an earlier
  // sweep, whose finished runs stay: overwrite has no meaning.
  OutputOptions writing;
};

// Makes the runs that are missing or were made of something else (`message` says so), and writes
// recipe.toml, sweep.json, sweep.csv, report.html, run.json and lacos.json. Returns sweep.json.
// What is finished stays, however the sweep ends. Folders of cells that the recipe no longer has
// are named and kept. Throws UserError: a failed run (with the cell's name, and without
// keep_going), another process in the folder, a folder that holds something else.
Json RunSweep(const SweepRecipe& recipe, const SweepOptions& options);

}  // namespace lacos
