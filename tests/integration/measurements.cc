#include "integration/measurements.h"

#include <algorithm>

namespace lacos {

bool IsMeasured(std::string_view key) {
  constexpr std::string_view kParts[] = {"seconds", "per_second", "ms_per_text", "peak", "rss"};
  return key == "date" || std::ranges::any_of(kParts, [&](std::string_view part) {
           return key.find(part) != std::string_view::npos;
         });
}

Json WithoutMeasurements(const Json& json) {
  if (json.IsArray()) {
    Json list = Json::Array();
    for (size_t i = 0; i < json.size(); ++i) list.Append(WithoutMeasurements(json[i]));
    return list;
  }
  if (!json.IsObject()) return json;
  Json object = Json::Object();
  for (const std::string& key : json.Keys()) {
    if (IsMeasured(key)) continue;
    // The Pareto fronts of measured costs change with the measurements.
    const auto cost = json.Find("cost");
    if (key == "points" && cost && cost->IsString() &&
        (cost->AsString() == "train_seconds" || cost->AsString() == "encode_ms_per_text")) {
      continue;
    }
    object.Set(key, WithoutMeasurements(json.At(key)));
  }
  return object;
}

}  // namespace lacos
