// The file of keys: its lines, its mistakes, and what a request may show.
#include <gmock/gmock.h>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/serve/http/keys.h"

namespace lacos::serve {
namespace {

using testing::HasSubstr;

std::string Line(const std::string& name, const std::string& key, const std::string& more = "") {
  return name + " " + Sha256Hex(key) + more + "\n";
}

TEST(ApiKeys, ALineHasNameHashAndLimits) {
  const ApiKeys keys =
      ApiKeys::Parse("# comment\n\n" + Line("a", "one", " texts/s=2.5 tokens/min=1000") +
                         Line("b", "two", " admin"),
                     "keys");
  EXPECT_EQ(keys.size(), 2u);
  const auto a = keys.Find({{"authorization", "Bearer one"}});
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->name, "a");
  EXPECT_EQ(a->texts_per_second, 2.5);
  EXPECT_EQ(a->tokens_per_minute, 1000);
  EXPECT_FALSE(a->admin);
  EXPECT_TRUE(keys.Find({{"x-api-key", "two"}})->admin);
}

TEST(ApiKeys, TheThreeFieldsAreTriedInTurn) {
  const ApiKeys keys = ApiKeys::Parse(Line("a", "one"), "keys");
  EXPECT_NE(keys.Find({{"authorization", "bearer   one"}}), nullptr);
  EXPECT_NE(keys.Find({{"authorization", "Bearer "}, {"api-key", "one"}}), nullptr);
  EXPECT_EQ(keys.Find({{"authorization", "Basic one"}}), nullptr);
  EXPECT_EQ(keys.Find({{"authorization", "one"}}), nullptr);
  EXPECT_EQ(keys.Find({{"authorization", "Bearer " + Sha256Hex(std::string("one"))}}), nullptr);
  EXPECT_EQ(keys.Find({}), nullptr);
}

TEST(ApiKeys, MistakesAreNamedWithoutTheKey) {
  const std::string good = Line("a", "one");
  for (const auto& [text, part] :
       {std::pair<std::string, std::string>{"a secret-key\n", "64 hexadecimal"},
        {good + Line("a", "two"), "'a' a second time"},
        {good + Line("b", "one"), "again"},
        {Line("a", "one", " texts/s=-1"), "texts/s=NUMBER"},
        {Line("a", "one", " root"), "admin"},
        {Line("a b\x01", "one"), "64 hexadecimal"},
        {"# none\n", "no keys"}}) {
    try {
      ApiKeys::Parse(text, "keys");
      FAIL() << text;
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
      EXPECT_THAT(error.what(), HasSubstr("[keys"));
      EXPECT_THAT(error.what(), Not(HasSubstr("secret-key")));
    }
  }
}

}  // namespace
}  // namespace lacos::serve
