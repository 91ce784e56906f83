// Texts that the library makes and the caller releases with lacos_free_text.
#pragma once

#include <string_view>

namespace lacos::capi {

// Sets *out to a copy of the text with a NUL at its end. `out` may be NULL. Throws std::bad_alloc.
void GiveText(std::string_view text, char** out);

}  // namespace lacos::capi
