// Small helpers of the files that read tokenizer.json: refusals that name the place, and members with
// defaults.
#pragma once

#include <initializer_list>
#include <string_view>

#include "lacos/io/json.h"

namespace lacos {

// Something valid that is not implemented here.
[[noreturn]] void RefuseUnsupported(const Json& at, std::string_view found, std::string_view expected);
// Something that no program should have written.
[[noreturn]] void RefuseMalformed(const Json& at, std::string_view found, std::string_view expected);
// An unknown key whose value is not null may change ids: it is refused rather than ignored.
void RefuseUnknownKeys(const Json& object, std::initializer_list<std::string_view> known);

Json MemberOrNull(const Json& object, std::string_view key);
bool BoolOr(const Json& object, std::string_view key, bool otherwise);

}  // namespace lacos
