#include "lacos/eval/results/summary_json.h"

#include <algorithm>

#include "lacos/eval/results/overlap.h"
#include "lacos/io/json_numbers.h"

namespace lacos {

std::vector<Measure> MeanMeasures(const std::vector<const TaskResult*>& results) {
  std::vector<Measure> means = results[0]->measures;
  for (size_t i = 0; i < means.size(); ++i) {
    means[i].value = 0;
    for (const TaskResult* result : results) {
      means[i].value += result->measures[i].value / static_cast<double>(results.size());
    }
  }
  return means;
}

std::vector<std::string> TasksInOrder(const EvaluationResults& results) {
  std::vector<std::string> tasks;
  for (const TaskResult& result : results.sets) {
    if (std::ranges::find(tasks, result.set.task) == tasks.end()) tasks.push_back(result.set.task);
  }
  return tasks;
}

std::vector<const TaskResult*> SetsOfTask(const EvaluationResults& results,
                                          const std::string& task) {
  std::vector<const TaskResult*> found;
  for (const TaskResult& result : results.sets) {
    if (result.set.task == task) found.push_back(&result);
  }
  return found;
}

Json ResultsReport(const EvaluationResults& results, double confidence) {
  Json tasks = Json::Array();
  for (const TaskResult& result : results.sets) {
    Json task = Json::Object();
    task.Set("task", result.set.task);
    task.Set("name", result.set.name);
    task.Set("subset", result.set.subset);
    task.Set("split", result.set.split);
    task.Set("n", result.n);
    for (const Measure& measure : result.measures)
      task.Set(measure.name, NumberOrNull(measure.value));
    SetDetails(result, confidence, task);
    tasks.Append(task);
  }
  Json average = Json::Object();
  if (TasksInOrder(results).size() == 1) {
    for (const Measure& measure : MeanMeasures(SetsOfTask(results, results.sets[0].set.task))) {
      average.Set(measure.name, NumberOrNull(measure.value));
    }
  }
  const Json all = ResultsJson(results, confidence);
  Json report = Json::Object();
  report.Set("model", results.system.At("model"));
  report.Set("tasks", tasks);
  report.Set("average", average);
  report.Set("aggregates", all.At("aggregates"));
  return report;
}

}  // namespace lacos
