// An evaluation suite: a folder of test sets that `lacos data prepare` wrote, with its index and
// its readers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/data/examples.h"
#include "lacos/data/retrieval.h"

namespace lacos {

// A file of a suite, or a raw file from which it was made.
struct SuiteFile {
  std::string path;  // relative to the suite's folder; for a raw file, the path where it was found
  int64_t rows = 0;  // number of rows without the header; 0 for a raw file
  std::string sha256;  // hash of the whole file
};

// One file of test data, or for retrieval the three files of one language. Sets that are reported
// together have the same name.
struct SuiteSet {
  std::string task;  // sts, retrieval, bitext, clustering, classification, pair_classification
  // "STS12", "STSBenchmark", "SICK-R", "STS17", "stsb-multi-mt", "XQuAD", "Tatoeba", ...
  std::string name;
  std::string subset;  // such as "MSRpar", "es-en", "de" or "fra-eng"; empty if the set has none
  std::string split;   // train, dev or test, or "all" for a set without splits
  std::vector<std::string> languages;  // one, or one for each side
  std::string path;                    // for retrieval, the documents
  int64_t rows = 0;
  std::string sha256;
  double score_low = 0, score_high = 0;  // for sts, the scale of the raw scores
  // For classification and clustering, the classes in the order of their ids.
  std::vector<std::string> labels;
  SuiteFile queries, qrels;  // for retrieval; all languages share the qrels
  bool usual = true;         // whether it is usually averaged (STS17's es-en-news is not)
  // Whether the texts are those that were published. SentEval's edition has tokenized texts with
  // equal scores.
  bool published_text = true;
  std::vector<SuiteFile> origin;
};

// A set that was looked for and not found when the suite was made.
struct AbsentSet {
  std::string task, name, subset, split;
};

struct Suite {
  std::string folder;
  std::vector<SuiteSet> sets;  // sorted by task, name, subset and split
  std::vector<AbsentSet> absent;

  // The sets of a task (and name), in order. An empty word means any. `split` also matches "all".
  std::vector<const SuiteSet*> Find(const std::string& task, const std::string& name = "",
                                    const std::string& split = "") const;
  std::string PathOf(const std::string& path) const { return folder + "/" + path; }
};

// Reads FOLDER/suite.json. Throws UserError for a folder without it, another format, a path that
// leads out of the folder, and a missing file. Hashes are not computed; VerifySuite does that.
Suite OpenSuite(const std::string& folder);

// A file that differs from the index, which VerifySuite reports. VerifySuite computes every hash;
// it does not count rows.
struct SuiteProblem {
  std::string path, found, expected;
};
std::vector<SuiteProblem> VerifySuite(const Suite& suite);

// The readers below check each row and the number of rows in suite.json. They throw UserError
// "[file:line] ...".

// For sts, with raw scores in [score_low, score_high].
ScoredPairs ReadStsSet(const Suite& suite, const SuiteSet& set);

// For bitext: row i of `first` is the translation of row i of `second`.
struct TextPairs {
  std::vector<std::string> first, second;
};
TextPairs ReadBitextSet(const Suite& suite, const SuiteSet& set);

// For clustering and classification: label[i] is an index into `labels`.
struct LabelledTexts {
  std::vector<std::string> texts, labels;
  std::vector<int32_t> label;
};
LabelledTexts ReadLabelledSet(const Suite& suite, const SuiteSet& set);

// For pair_classification: label[i] is 1 if the two texts mean the same, else 0.
struct LabelledPairs {
  std::vector<std::string> first, second;
  std::vector<int32_t> label;
};
LabelledPairs ReadPairClassificationSet(const Suite& suite, const SuiteSet& set);

// The queries of one language and the documents of the same or another one. All languages of a set
// share the ids.
RetrievalData ReadRetrievalSet(const Suite& suite, const SuiteSet& queries,
                               const SuiteSet& documents);

}  // namespace lacos
