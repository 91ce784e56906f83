#include "lacos/data/suite_families.h"

namespace lacos {

const std::vector<SuiteFamily>& SuiteFamilies() {
  static const std::vector<SuiteFamily> families = {
      {"sts-en", "sts", {"STS12", "STS13", "STS14", "STS15", "STS16", "STSBenchmark", "SICK-R"}},
      {"sts-multilingual", "sts", {"STS17", "stsb-multi-mt"}},
      {"retrieval", "retrieval", {"XQuAD"}},
      {"bitext", "bitext", {"Tatoeba"}},
      {"clustering", "clustering", {"StackOverflow"}},
      {"classification", "classification", {"CR", "MR", "SUBJ", "MPQA", "TREC", "SST2", "SST5"}},
      {"pair_classification", "pair_classification", {"MSRP"}},
  };
  return families;
}

const std::vector<std::string>& SuiteNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const SuiteFamily& family : SuiteFamilies()) list.emplace_back(family.name);
    list.emplace_back("all");
    return list;
  }();
  return names;
}

}  // namespace lacos
