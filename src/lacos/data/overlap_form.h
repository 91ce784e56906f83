// The form of a text in which training and test texts are compared inexactly.
#pragma once

#include <string>
#include <string_view>

namespace lacos {

// The text in Unicode's form NFKC_Casefold (compatibility normalization and full case folding),
// without whitespace, punctuation, control characters and symbols other than pictures such as emoji.
// So case, tokenization ("you 'd"), quotation marks, final stops, and composed, decomposed or
// full-width letters make no difference. Accents stay. Empty for texts without a letter, digit or
// picture. Invalid UTF-8 counts as U+FFFD.
std::string OverlapForm(std::string_view text);

}  // namespace lacos
