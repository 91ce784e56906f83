// What is known about a system, a run or a machine: a JSON object as pairs of a name and a text.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/report/table.h"

namespace lacos {

using Facts = std::vector<std::pair<std::string, std::string>>;

// A value for people: "yes", "9.68 MB (9,675,776 bytes)", "1.30 ms", "7,885,312". The key says what
// a number counts: "memory_bytes", "embed_seconds", "ms_per_text". Null is "unknown", and an empty
// text or list is "none". The elements of a list are joined.
std::string FactText(std::string_view key, const Json& value);

// All that an object has, in its order. The members of an object in it have its key before their
// names: "machine: cpu".
Facts FactsOf(const Json& object);

// A table of facts.
HtmlTable FactsTable(std::string title, const Facts& facts);
// One table of the facts about several things, a column for each. Rows with different values are
// marked by "≠".
HtmlTable ComparedFacts(std::string title, const std::vector<ShownText>& names,
                        const std::vector<Facts>& facts);

}  // namespace lacos
