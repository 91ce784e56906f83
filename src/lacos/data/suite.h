// An evaluation suite: a folder of test sets that `lacos data prepare` wrote, its index and its
// readers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/data/examples.h"

namespace lacos {

// A file of a suite, or the raw file that it was made of.
struct SuiteFile {
  std::string path;    // relative to the suite's folder; for a raw file as it was found
  int64_t rows = 0;    // without the header; 0 for a raw file
  std::string sha256;  // of the whole file
};

// One file of test data (for retrieval: one language's three). Sets that are reported together have
// one name.
struct SuiteSet {
  std::string task;  // sts, retrieval, bitext, clustering, classification, pair_classification
  // "STS12", "STSBenchmark", "SICK-R", "STS17", "stsb-multi-mt", "XQuAD", "Tatoeba", ...
  std::string name;
  std::string subset;  // "MSRpar", "es-en", "de", "fra-eng"; empty where the set has none
  std::string split;   // train, dev, test; all: the set has no splits
  std::vector<std::string> languages;  // one, or one for each side
  std::string path;                    // retrieval: the documents
  int64_t rows = 0;
  std::string sha256;
  double score_low = 0, score_high = 0;  // sts: the scale of the raw scores
  // classification, clustering: the classes, in the order of their ids
  std::vector<std::string> labels;
  SuiteFile queries, qrels;  // retrieval; qrels is shared by all languages
  bool usual = true;         // false: not part of what is usually averaged (STS17's es-en-news)
  // false: another edition's texts (SentEval's tokenised ones); scores are equal
  bool published_text = true;
  std::vector<SuiteFile> origin;
};

// A set that was looked for and not found when the suite was made.
struct AbsentSet {
  std::string task, name, subset, split;
};

struct Suite {
  std::string folder;
  std::vector<SuiteSet> sets;  // by task, name, subset, split
  std::vector<AbsentSet> absent;

  // The sets of a task (and name), in order; an empty word means any. `split` also finds "all".
  std::vector<const SuiteSet*> Find(const std::string& task, const std::string& name = "",
                                    const std::string& split = "") const;
  std::string PathOf(const std::string& path) const { return folder + "/" + path; }
};

// Reads FOLDER/suite.json. UserError for a folder without it, another format, a path that leaves
// the folder, a file that is not there. Hashes are not computed: see VerifySuite.
Suite OpenSuite(const std::string& folder);

// Computes every hash; what is wrong, one entry a file, with the numbers of rows of suite.json as
// they are.
struct SuiteProblem {
  std::string path, found, expected;
};
std::vector<SuiteProblem> VerifySuite(const Suite& suite);

// The readers below check each row (UserError "[file:line] ...") and that there are as many as
// suite.json says.

// sts: raw scores in [score_low, score_high].
ScoredPairs ReadStsSet(const Suite& suite, const SuiteSet& set);

// bitext: row i of `first` is the translation of row i of `second`.
struct TextPairs {
  std::vector<std::string> first, second;
};
TextPairs ReadBitextSet(const Suite& suite, const SuiteSet& set);

// clustering, classification: label[i] indexes `labels`.
struct LabelledTexts {
  std::vector<std::string> texts, labels;
  std::vector<int32_t> label;
};
LabelledTexts ReadLabelledSet(const Suite& suite, const SuiteSet& set);

// pair_classification: label[i] is 1 where the two texts mean the same, else 0.
struct LabelledPairs {
  std::vector<std::string> first, second;
  std::vector<int32_t> label;
};
LabelledPairs ReadPairClassificationSet(const Suite& suite, const SuiteSet& set);

// Retrieval in BEIR's layout. Ids are unique; a document's text is its title, a blank and its text
// where it has a title.
struct RetrievalTexts {
  std::vector<std::string> ids, texts;
};
struct Relevance {
  int32_t query = 0, document = 0;  // indices into the texts
  double score = 0;                 // > 0: relevant
};
struct RetrievalData {
  RetrievalTexts queries, documents;
  std::vector<Relevance> relevant;
};
// Queries of one language, documents of the same or another: ids are shared by all languages of a
// set.
RetrievalData ReadRetrievalSet(const Suite& suite, const SuiteSet& queries,
                               const SuiteSet& documents);
// The same from any files in BEIR's layout: corpus.jsonl {"_id", "title", "text"}, queries.jsonl
// {"_id", "text"}, qrels.tsv with the header query-id, corpus-id, score. UserError for an id that
// occurs twice or that only the qrels name.
RetrievalData ReadRetrieval(const std::string& corpus, const std::string& queries,
                            const std::string& qrels);

}  // namespace lacos
