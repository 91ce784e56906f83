// One family of raw files: which ones it wants by their names, and what sets they make.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lacos/data/prepare/raw_text.h"
#include "lacos/data/prepare/suite_writer.h"

namespace lacos {

class RawFormat {
 public:
  virtual ~RawFormat() = default;
  virtual std::string Task() const = 0;  // of all its sets
  // `parts`: LowerParts of a name without its compression's suffix.
  virtual bool Wants(const std::vector<std::string>& parts) const = 0;
  // A wanted file; it may be kept until its partner comes.
  virtual void Add(RawFile file, SuiteWriter& out) = 0;
  // All files have been added.
  virtual void Finish(SuiteWriter&) {}
};

std::unique_ptr<RawFormat> MakeSemEvalFormat();    // STS.input.X.txt + STS.gs.X.txt: STS12 to STS17
std::unique_ptr<RawFormat> MakeScoredTsvFormat();  // score TAB s1 TAB s2 by year; STS2017-extended
std::unique_ptr<RawFormat> MakeStsTableFormat();   // STS benchmark, SICK, stsb-multi-mt
std::unique_ptr<RawFormat> MakeLabelledLinesFormat();  // "label text" lines: sent-conv, TREC, SST
std::unique_ptr<RawFormat> MakePolarityFilesFormat();  // one file a class: CR, MR, SUBJ, MPQA
std::unique_ptr<RawFormat> MakeStackOverflowFormat();  // titles and labels
std::unique_ptr<RawFormat> MakeTatoebaFormat();        // LASER's tatoeba.XXX-eng.{XXX,eng}
std::unique_ptr<RawFormat> MakeMsrParaphraseFormat();  // MSRP
std::unique_ptr<RawFormat> MakeXquadFormat();          // SQuAD's JSON in many languages

// All of them, in the order in which a file is offered.
std::vector<std::unique_ptr<RawFormat>> MakeRawFormats();

// Files that are recognised and not converted: what they are, or an empty text.
std::string RecognizedOnly(const std::vector<std::string>& parts);

}  // namespace lacos
