// Raw test sets in a folder, as `data prepare` reads them, and the suite that it writes.
#include <filesystem>

#include "files.h"
#include "lacos/data/prepare/prepare.h"
#include "lacos/io/manifest.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

constexpr std::string_view kNames[] = {"README.txt",
                                       "stsbenchmark/sts-train.csv",
                                       "SICK.txt",
                                       "stsb-en-dev.csv",
                                       "2012/STS.input.MSRpar.txt",
                                       "2012/STS.gs.MSRpar.txt",
                                       "STS.input.track1.ar-ar.txt",
                                       "STS.gs.track1.ar-ar.txt",
                                       "STS.en-de.txt",
                                       "sts/2016/answer-answer.test.tsv",
                                       "TREC.train.all",
                                       "custrev.all",
                                       "rt-polarity.pos",
                                       "rt-polarity.neg",
                                       "title_StackOverflow.txt",
                                       "label_StackOverflow.txt",
                                       "tatoeba.xyz-eng.xyz",
                                       "tatoeba.xyz-eng.eng",
                                       "msr_paraphrase_test.txt",
                                       "xquad.qq.json",
                                       "xquad.qr.json",
                                       "allnli.tsv",
                                       "more.zip"};

}  // namespace

void TestSets(Input input) {
  const std::string folder = MakeFolder(Text(input), kNames);
  RemoveScratch("suite");
  const std::string to = folder.substr(0, folder.rfind('/')) + "/suite";
  const PrepareReport report = PrepareSuite(
      {.from = folder, .to = to, .allow_incomplete = true, .allow_changed_texts = true});
  Require(report.written && !report.sets.empty(), "what is found is written");
  // The output must be a complete suite.
  const lacos::Suite suite = OpenSuite(to);
  Require(suite.sets.size() == report.sets.size(), "a suite has the sets that were reported");
  Require(VerifySuite(suite).empty() && VerifyManifest(to).empty(),
          "a suite's files are as recorded");
  ReadEverySet(suite);
}

}  // namespace lacos::fuzz
