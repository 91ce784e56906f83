// An evaluation suite: its index, its hashes, and every set as the reader of its task reads it.
#include "lacos/data/suite.h"

#include "files.h"
#include "lacos/base/error.h"
#include "lacos/io/paths.h"
#include "lacos/io/utf8.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

constexpr std::string_view kNames[] = {"suite.json",   "a.tsv",         "sub/b.tsv",
                                       "corpus.jsonl", "queries.jsonl", "qrels.tsv"};

void ReadSet(const lacos::Suite& suite, const SuiteSet& set) {
  const auto rows = static_cast<size_t>(set.rows);
  if (set.task == "sts") {
    const ScoredPairs pairs = ReadStsSet(suite, set);
    Require(pairs.first.size() == rows && pairs.second.size() == rows && pairs.score.size() == rows,
            "a scored pair has two texts and a score");
    for (const double score : pairs.score) {
      Require(score >= set.score_low && score <= set.score_high, "a score lies on its scale");
    }
  } else if (set.task == "bitext") {
    const TextPairs pairs = ReadBitextSet(suite, set);
    Require(pairs.first.size() == rows && pairs.second.size() == rows,
            "a translation has two texts");
  } else if (set.task == "retrieval") {
    const RetrievalData data = ReadRetrievalSet(suite, set, set);
    Require(data.documents.ids.size() == rows && data.documents.texts.size() == rows,
            "a document has an id");
    for (const Relevance& relevance : data.relevant) {
      Require(relevance.query >= 0 &&
                  relevance.query < static_cast<int32_t>(data.queries.ids.size()) &&
                  relevance.document >= 0 && relevance.document < static_cast<int32_t>(rows),
              "what is relevant is a known query and document");
    }
  } else if (set.task == "pair_classification") {
    const LabelledPairs pairs = ReadPairClassificationSet(suite, set);
    Require(pairs.first.size() == rows && pairs.label.size() == rows,
            "a labelled pair has a label");
  } else {
    const LabelledTexts texts = ReadLabelledSet(suite, set);
    Require(texts.texts.size() == rows && texts.label.size() == rows,
            "a labelled text has a label");
    for (const int32_t label : texts.label) {
      Require(label >= 0 && label < static_cast<int32_t>(texts.labels.size()),
              "a label has a name");
    }
  }
}

}  // namespace

void ReadEverySet(const lacos::Suite& suite) {
  for (const SuiteSet& set : suite.sets) {
    for (const std::string* path : {&set.path, &set.queries.path, &set.qrels.path}) {
      Require(path->empty() || StaysInside(*path), "a set's files lie in the suite");
    }
    try {
      ReadSet(suite, set);
    } catch (const UserError&) {  // one damaged set must not hide the sets after it
    }
  }
}

void Suite(Input input) {
  const lacos::Suite suite = OpenSuite(MakeFolder(Text(input), kNames));
  for (const SuiteProblem& problem : VerifySuite(suite)) {
    Require(StaysInside(problem.path), "a damaged file lies in the suite");
  }
  ReadEverySet(suite);
  suite.Find("sts", "", "test");
}

}  // namespace lacos::fuzz
