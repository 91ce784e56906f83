// Lists that stand as text in a cell: ["a", "b"] as in JSON, or ['a', 'b'] as Python prints them.
// pandas and datasets write lists to .csv in this way.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lacos {

// The strings of such a list; nothing for any other text, also for a list with other elements.
std::optional<std::vector<std::string>> ParseListText(std::string_view cell);

// Whether a text begins and ends like a list or an object of JSON or Python with quoted strings,
// also one that ParseListText does not read, such as numpy's ['a' 'b'].
bool LooksLikeList(std::string_view cell);

}  // namespace lacos
