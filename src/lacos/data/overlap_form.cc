#include "lacos/data/overlap_form.h"

#include <utf8proc.h>

#include <vector>

#include "lacos/base/check.h"
#include "lacos/io/utf8.h"

namespace lacos {
namespace {

// The options of the form NFKC_Casefold.
constexpr auto kOptions = static_cast<utf8proc_option_t>(
    UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);

// Whether a character tells texts apart. Characters that the library's Unicode version does not
// know yet do.
bool Counts(utf8proc_int32_t character) {
  switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
      return false;
    default:
      return true;
  }
}

// The ASCII characters need no tables, and most texts have no others.
bool IsAscii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

std::string FormOfAscii(std::string_view text) {
  std::string form;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) form += c;
    if (c >= 'A' && c <= 'Z') form += static_cast<char>(c - 'A' + 'a');
  }
  return form;
}

}  // namespace

std::string OverlapForm(std::string_view text) {
  if (IsAscii(text)) return FormOfAscii(text);
  if (!IsValidUtf8(text)) return OverlapForm(ReplaceInvalidUtf8(text));
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  const utf8proc_ssize_t length = utf8proc_decompose(bytes, size, nullptr, 0, kOptions);
  LACOS_CHECK(length >= 0, "the text is valid UTF-8");
  // utf8proc_normalize_utf32 may need room for one more character.
  std::vector<utf8proc_int32_t> characters(static_cast<size_t>(length) + 1);
  utf8proc_decompose(bytes, size, characters.data(), length, kOptions);
  const utf8proc_ssize_t composed = utf8proc_normalize_utf32(characters.data(), length, kOptions);
  std::string form;
  for (utf8proc_ssize_t i = 0; i < composed; ++i) {
    const utf8proc_int32_t character = characters[static_cast<size_t>(i)];
    if (Counts(character)) AppendUtf8(static_cast<char32_t>(character), form);
  }
  return form;
}

}  // namespace lacos
