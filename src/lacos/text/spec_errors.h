// Helpers for the files that read tokenizer.json: errors that name the place, and members with
// defaults.
#pragma once

#include <initializer_list>
#include <string_view>

#include "lacos/io/json.h"

namespace lacos {

// Throws UserError for something valid that lacos does not implement.
[[noreturn]] void RefuseUnsupported(const Json& at, std::string_view found,
                                    std::string_view expected);
// Throws UserError for something that no program should have written.
[[noreturn]] void RefuseMalformed(const Json& at, std::string_view found,
                                  std::string_view expected);
// Refuses unknown keys with a value other than null, because they might change ids.
void RefuseUnknownKeys(const Json& object, std::initializer_list<std::string_view> known);

// Calls f for each member of a Sequence, also of one inside another, or for `json` itself if it is
// a single processor.
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
