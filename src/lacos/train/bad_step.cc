#include "lacos/train/bad_step.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lacos {
namespace {

// The first places, such as "a.tsv:3, a.tsv:9, a.tsv:12 and 5 more".
std::string FirstPlaces(const std::vector<std::string>& places) {
  constexpr size_t kShown = 3;
  const auto end = places.begin() + static_cast<std::ptrdiff_t>(std::min(places.size(), kShown));
  std::string text = fmt::format("{}", fmt::join(places.begin(), end, ", "));
  if (places.size() > kShown) text += fmt::format(" and {} more", places.size() - kShown);
  return text;
}

}  // namespace

BadNumbers ExamineBadStep(TrainingSession& session, const TrainingBatch& batch,
                          const TrainingSession::StepResult& result,
                          const std::vector<std::string>& places) {
  BadNumbers bad{.gradient_values = result.gradients.nonfinite};
  if (const auto tensor = session.optimizer->FirstNonfiniteGradient()) bad.tensor = tensor->tensor;
  const std::vector<int64_t> rows = session.NonfiniteRows(batch);
  bad.vectors = !rows.empty();
  const auto add = [&](const std::string& place) {
    if (std::find(bad.places.begin(), bad.places.end(), place) == bad.places.end())
      bad.places.push_back(place);
  };
  for (const int64_t row : rows) add(places[row]);
  if (rows.empty()) std::for_each(places.begin(), places.end(), add);
  return bad;
}

std::string DescribeBadStep(const StepRecord& record) {
  const BadNumbers& bad = *record.bad;
  const auto number = [](double value) {
    return std::isnan(value) ? "nan" : fmt::format("{:.6g}", value);
  };
  std::string text = fmt::format("the loss is {}, the gradients' norm {}", number(record.loss),
                                 number(record.gradient_norm));
  if (!bad.tensor.empty()) {
    text += fmt::format(" ({} values are not finite, the first of '{}')", bad.gradient_values,
                        bad.tensor);
  }
  text += bad.vectors ? "; vectors that are not finite come from " : "; the texts are ";
  return text + FirstPlaces(bad.places);
}

}  // namespace lacos
