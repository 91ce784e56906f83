// One family of raw files. It recognizes its files by their names and makes sets of them.
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
  virtual std::string Task() const = 0;  // the task of all its sets
  // Whether a file belongs to the family. `parts` is LowerParts of its name without the suffix of a
  // compression.
  virtual bool Wants(const std::vector<std::string>& parts) const = 0;
  // Takes a wanted file, which may be kept until its partner comes.
  virtual void Add(RawFile file, SuiteWriter& out) = 0;
  // Called when all files have been added.
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

// All formats, in the order in which a file is offered to them.
std::vector<std::unique_ptr<RawFormat>> MakeRawFormats();

// A description of a file that is recognized but cannot be converted; empty for all other files.
std::string RecognizedOnly(const std::vector<std::string>& parts);

}  // namespace lacos
