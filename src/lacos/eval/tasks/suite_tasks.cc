// The tasks of a prepared suite under the names that `lacos eval --suite` takes.
#include "lacos/eval/tasks/suite_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "lacos/base/error.h"

namespace lacos {
namespace {

TaskName NameOf(const SuiteSet& set) {
  return {.task = set.task,
          .name = set.name,
          .subset = set.subset,
          .split = set.split,
          .languages = set.languages,
          .usual = set.usual};
}

using Tasks = std::vector<std::unique_ptr<EvaluationTask>>;

void AddRetrieval(const Suite& suite, const std::vector<const SuiteSet*>& sets,
                  bool keep_identical_ids, Tasks& tasks) {
  const auto add = [&](const SuiteSet& questions, const SuiteSet& paragraphs) {
    TaskName name = NameOf(questions);
    if (&questions != &paragraphs) {
      name.subset = questions.subset + "-" + paragraphs.subset;
      name.languages.insert(name.languages.end(), paragraphs.languages.begin(),
                            paragraphs.languages.end());
    }
    tasks.push_back(MakeRetrievalTask(
        std::move(name), ReadRetrievalSet(suite, questions, paragraphs), keep_identical_ids));
  };
  for (const SuiteSet* set : sets) add(*set, *set);
  const auto english =
      std::ranges::find_if(sets, [](const SuiteSet* set) { return set->subset == "en"; });
  if (english == sets.end()) return;
  for (const SuiteSet* set : sets) {
    if (set == *english) continue;
    add(*set, **english);
    add(**english, *set);
  }
}

void AddClassification(const Suite& suite, const std::vector<const SuiteSet*>& sets,
                       const ClassificationProtocol& protocol, Tasks& tasks) {
  const auto split = [&](const char* name) -> const SuiteSet* {
    for (const SuiteSet* set : sets) {
      if (set->split == name) return set;
    }
    return nullptr;
  };
  const SuiteSet *train = split("train"), *test = split("test"), *all = split("all");
  if (train != nullptr && test != nullptr) {
    tasks.push_back(MakeClassificationTask(NameOf(*test), ReadLabelledSet(suite, *train),
                                           ReadLabelledSet(suite, *test), protocol));
  } else if (all != nullptr) {
    tasks.push_back(
        MakeClassificationTask(NameOf(*all), ReadLabelledSet(suite, *all), {}, protocol));
  }
}

void AddFamily(const Suite& suite, const SuiteFamily& family,
               const ClassificationProtocol& protocol, bool keep_identical_ids, Tasks& tasks,
               std::vector<std::string>& absent) {
  for (const std::string& name : family.sets) {
    std::vector<const SuiteSet*> sets = suite.Find(family.task, name);
    const size_t before = tasks.size();
    if (std::string_view(family.task) == "retrieval") {
      AddRetrieval(suite, sets, keep_identical_ids, tasks);
    } else if (std::string_view(family.task) == "classification") {
      AddClassification(suite, sets, protocol, tasks);
    } else {
      for (const SuiteSet* set : sets) {
        // MTEB scores all of SICK-R. Of other sets only the test data counts.
        if (set->split != "test" && set->split != "all" && name != "SICK-R") continue;
        if (set->task == "sts") tasks.push_back(MakeStsTask(NameOf(*set), ReadStsSet(suite, *set)));
        if (set->task == "bitext")
          tasks.push_back(MakeBitextTask(NameOf(*set), ReadBitextSet(suite, *set)));
        if (set->task == "clustering")
          tasks.push_back(MakeClusteringTask(NameOf(*set), ReadLabelledSet(suite, *set)));
        if (set->task == "pair_classification") {
          tasks.push_back(
              MakePairClassificationTask(NameOf(*set), ReadPairClassificationSet(suite, *set)));
        }
      }
    }
    if (tasks.size() == before) absent.push_back(name);
  }
  for (const AbsentSet& set : suite.absent) {
    const bool wanted = set.task == family.task &&
                        std::ranges::find(family.sets, set.name) != family.sets.end() &&
                        std::ranges::find(absent, set.name) == absent.end();
    const bool scored = set.split == "test" || set.split == "all" || set.split.empty();
    if (wanted && scored) absent.push_back(set.name + (set.subset.empty() ? "" : " " + set.subset));
  }
}

}  // namespace

std::vector<std::unique_ptr<EvaluationTask>> SuiteTasks(const Suite& suite,
                                                        const std::vector<std::string>& names,
                                                        const ClassificationProtocol& protocol,
                                                        bool keep_identical_ids,
                                                        std::vector<std::string>& absent) {
  std::set<std::string> wanted;
  for (const std::string& name : names) {
    if (std::ranges::find(SuiteNames(), name) == SuiteNames().end()) {
      throw UserError(fmt::format("[`suite`] found '{}'; expected {}; choose among these", name,
                                  fmt::join(SuiteNames(), ", ")));
    }
    for (const SuiteFamily& family : SuiteFamilies()) {
      if (name == "all" || name == family.name) wanted.insert(family.name);
    }
  }
  Tasks tasks;
  for (const SuiteFamily& family : SuiteFamilies()) {
    if (wanted.contains(family.name))
      AddFamily(suite, family, protocol, keep_identical_ids, tasks, absent);
  }
  return tasks;
}

}  // namespace lacos
