// Models of a few thousand weights, data of some dozen rows and runs of six steps for the fault
// tests.
#pragma once

#include <string>
#include <vector>

#include "integration/program.h"

namespace lacos {

// Files that tests read and never change: pairs.tsv, more.tsv, labelled.tsv, scored.tsv,
// classes.tsv, plain.tsv, dev.tsv, texts.txt, config.json (TinyModel's), sweep.toml (one cell), and
// the folders raw (a small test set) and int8 (TinyModel quantised).
class TinyInputs {
 public:
  TinyInputs();
  std::string operator/(const std::string& name) const { return folder_ / name; }
  const std::string& path() const { return folder_.path(); }

 private:
  TempFolder folder_;
};
const TinyInputs& Inputs();

// Six steps over pairs.tsv with the int8 base, a checkpoint after every second one, on one thread;
// flags in `more` take the place of these.
std::vector<std::string> TrainArguments(const std::string& output,
                                        const std::vector<std::string>& more = {});

// The arguments with the flag's values replaced, or the flag added.
std::vector<std::string> WithFlag(std::vector<std::string> arguments, const std::string& flag,
                                  const std::vector<std::string>& values);

}  // namespace lacos
