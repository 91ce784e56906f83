// Makes an older Oniguruma see characters as a newer one does: the installed library's Unicode
// tables may lack characters that Hugging Face tokenizers' own copy knows, and token ids must agree
// on every character.
#pragma once

#include <string>
#include <string_view>

namespace lacos {

// The pattern, in which each class of characters (\p{L}, \w, [[:alpha:]], ...) has the members that
// Unicode 16.0 gave to it after 14.0, the version of Oniguruma 6.9.8. With a newer library the
// additions change nothing. What is not a valid pattern stays so.
std::string WithCurrentUnicode(std::string_view pattern);

}  // namespace lacos
