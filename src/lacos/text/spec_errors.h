// Small helpers of the files that read tokenizer.json: refusals that name the place, and members
// with defaults.
#pragma once

#include <initializer_list>
#include <string_view>

#include "lacos/io/json.h"

namespace lacos {

// Something valid that is not implemented here.
[[noreturn]] void RefuseUnsupported(const Json& at, std::string_view found,
                                    std::string_view expected);
// Something that no program should have written.
[[noreturn]] void RefuseMalformed(const Json& at, std::string_view found,
                                  std::string_view expected);
// An unknown key whose value is not null may change ids: it is refused rather than ignored.
void RefuseUnknownKeys(const Json& object, std::initializer_list<std::string_view> known);

// Calls f for each member of a Sequence (also of one inside another), or for the single processor
// that `json` is.
template <class F>
void ForEachProcessor(const Json& json, std::string_view list, const F& f) {
  if (json.At("type").AsStringView() != "Sequence") {
    f(json);
    return;
  }
  json.At(list).ForEachElement([&](const Json& element) { ForEachProcessor(element, list, f); });
}

Json MemberOrNull(const Json& object, std::string_view key);
bool BoolOr(const Json& object, std::string_view key, bool otherwise);

}  // namespace lacos
