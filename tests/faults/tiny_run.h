// Shared inputs of the fault tests: models with a few thousand weights, data of a few dozen rows,
// and training runs of six steps.
#pragma once

#include <string>
#include <vector>

#include "integration/program.h"

namespace lacos {

// A folder with files that tests read but never change: pairs.tsv, more.tsv, labelled.tsv,
// scored.tsv, classes.tsv, plain.tsv, dev.tsv, texts.txt, config.json (of TinyModel), sweep.toml
// (one cell), and the folders raw (a small test set) and int8 (TinyModel quantized).
class TinyInputs {
 public:
  TinyInputs();
  std::string operator/(const std::string& name) const { return folder_ / name; }
  const std::string& path() const { return folder_.path(); }

 private:
  TempFolder folder_;
};
const TinyInputs& Inputs();

// The arguments of a training run with six steps over pairs.tsv on the int8 base, with a checkpoint
// after every second step, on one thread. Flags in `more` replace these.
std::vector<std::string> TrainArguments(const std::string& output,
                                        const std::vector<std::string>& more = {});

// Returns the arguments with the flag's values replaced, or with the flag added.
std::vector<std::string> WithFlag(std::vector<std::string> arguments, const std::string& flag,
                                  const std::vector<std::string>& values);

}  // namespace lacos
