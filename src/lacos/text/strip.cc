#include "lacos/text/strip.h"

#include <array>
#include <string>
#include <string_view>

namespace lacos {
namespace {

// The characters for which Python's str.isspace() is true, in UTF-8.
constexpr std::array<std::string_view, 29> kWhitespace = {
    "\t",     "\n",     "\v",     "\f",     "\r",     "\x1c",   "\x1d",   "\x1e",
    "\x1f",   " ",      "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
    "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
    "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

}  // namespace

std::string StripWhitespace(const std::string& text) {
  std::string_view rest = text;
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view blank : kWhitespace) {
      if (rest.starts_with(blank)) {
        rest.remove_prefix(blank.size());
        found = true;
      }
      if (rest.ends_with(blank)) {
        rest.remove_suffix(blank.size());
        found = true;
      }
    }
  }
  return std::string(rest);
}

}  // namespace lacos
