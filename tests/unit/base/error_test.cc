// Messages contain names from files. They stay on one line and contain no control codes for
// a terminal.
#include "lacos/base/error.h"

#include <gtest/gtest.h>

namespace lacos {
namespace {

TEST(UserError, ShowsControlCharactersInsteadOfSendingThem) {
  const std::string hostile =
      std::string("[a\nb] \x1b[2J\r\t\x7f\xc2\x9b") + std::string(1, '\0') + "; expected x";
  EXPECT_STREQ(UserError(hostile).what(),
               "[a\\x0ab] \\x1b[2J\\x0d\\x09\\x7f\\x9b\\x00; expected x");
}

TEST(UserError, LeavesTextAlone) {
  // The UTF-8 of U+00A0 and U+0142 begins with or contains the bytes of control characters.
  const std::string text = "[caf\u00e9: \u00a0\u0142\u4f60] found 'x'; expected y; do z \xff\xc2";
  EXPECT_EQ(UserError(text).what(), text);
}

}  // namespace
}  // namespace lacos
