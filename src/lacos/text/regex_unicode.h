// Makes an older Oniguruma classify characters as a newer one does. The Unicode tables of the
// installed library may lack characters that the copy in Hugging Face tokenizers knows, and token
// ids must agree on every character.
#pragma once

#include <string>
#include <string_view>

namespace lacos {

// The pattern with each class of characters (\p{L}, \w, [[:alpha:]], ...) extended by the members
// that it gained between Unicode 14.0, the version of Oniguruma 6.9.8, and 16.0. With a newer
// library the additions change nothing. An invalid pattern stays invalid.
std::string WithCurrentUnicode(std::string_view pattern);

}  // namespace lacos
