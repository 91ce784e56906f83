// The table of keys: every row has an effect that holds, and its texts are sentences.
#include "lacos/formats/folder_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Names(const KeyRule& rule) {
  std::istringstream words{std::string(rule.keys)};
  return {std::istream_iterator<std::string>(words), {}};
}

// A key that a pattern with a star covers.
std::string Example(std::string name) {
  const size_t star = name.find('*');
  return star == std::string::npos ? name : name.replace(star, 1, "odd");
}

std::vector<std::string> Check(FolderFile file, const std::string& key, const std::string& value) {
  const std::string path = std::string(NameOf(file));
  std::vector<std::string> warnings;
  CheckKeys(Json::Parse(fmt::format(R"({{"{}": {}}})", key, value), path), file, warnings);
  return warnings;
}

TEST(FolderKeys, EveryKeyStandsInOneRowOfItsFile) {
  std::set<std::pair<FolderFile, std::string>> seen;
  for (const KeyRule& rule : KeyRules()) {
    EXPECT_FALSE(Names(rule).empty());
    for (const std::string& name : Names(rule)) {
      EXPECT_TRUE(seen.emplace(rule.file, name).second) << NameOf(rule.file) << ": " << name;
      if (name.find('*') == std::string::npos) {
        EXPECT_EQ(FindKeyRule(rule.file, name), &rule) << NameOf(rule.file) << ": " << name;
      }
    }
    EXPECT_EQ(rule.effect == KeyEffect::kRefused, !rule.text.ends_with('.')) << rule.text;
  }
}

TEST(FolderKeys, ARefusedKeyIsNamedWithItsFileUnlessItsValueIsAccepted) {
  int64_t refused = 0;
  for (const KeyRule& rule : KeyRules()) {
    if (rule.effect != KeyEffect::kRefused) continue;
    const std::string file(NameOf(rule.file));
    for (const std::string& name : Names(rule)) {
      const std::string key = Example(name);
      for (const char* value : {R"("odd")", "7", R"({"a": [1]})", R"(["x"])"}) {
        EXPECT_THAT(ErrorOf([&] { Check(rule.file, key, value); }),
                    AllOf(HasSubstr("[" + file + ": " + key + "]"), HasSubstr("found"),
                          HasSubstr("expected")))
            << file << ": " << key << ": " << value;
      }
      Json::Parse(rule.accepted, "accepted").ForEachElement([&](const Json& value) {
        EXPECT_THAT(Check(rule.file, key, value.Dump()), IsEmpty()) << file << ": " << key;
      });
      ++refused;
    }
  }
  EXPECT_GE(refused, 30);
}

TEST(FolderKeys, OtherKnownKeysAreAcceptedWithoutAWarning) {
  for (const KeyRule& rule : KeyRules()) {
    if (rule.effect == KeyEffect::kRefused) continue;
    for (const std::string& name : Names(rule))
      EXPECT_THAT(Check(rule.file, Example(name), "7"), IsEmpty()) << name;
  }
}

TEST(FolderKeys, UnknownKeysAreOneWarningThatNamesThem) {
  std::vector<std::string> warnings;
  CheckKeys(Json::Parse(R"({"a_b": 1, "pad_token": "x", "c": null})", "f/tokenizer_config.json"),
            FolderFile::kTokenizerConfig, warnings);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], AllOf(HasSubstr("[f/tokenizer_config.json]"),
                                 HasSubstr("\"a_b\", \"c\""), HasSubstr("docs/interop.md")));
}

TEST(FolderKeys, ArgumentsOfTheTokenizerTakeTheKeysOfItsFile) {
  EXPECT_THAT(Check(FolderFile::kTokenizerArgs, "truncation_side", "\"left\""), IsEmpty());
  EXPECT_THAT(ErrorOf([] { Check(FolderFile::kTokenizerArgs, "padding_side", "\"up\""); }),
              HasSubstr("padding_side"));
  EXPECT_THAT(ErrorOf([] { Check(FolderFile::kSpecialTokensMap, "tokenizer_class", "\"X\""); }),
              HasSubstr("tokenizer_class"));
  EXPECT_THAT(ErrorOf([] { Check(FolderFile::kTokenizerArgs, "add_bos_token", "false"); }),
              HasSubstr("post_processor"));
  EXPECT_THAT(Check(FolderFile::kTokenizerConfig, "add_bos_token", "true"), IsEmpty());
}

TEST(FolderKeys, TheTableHasALineForEveryRow) {
  const std::string table = KeyTable();
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'),
            static_cast<std::ptrdiff_t>(KeyRules().size() + 2));
  EXPECT_THAT(table, HasSubstr("| config.json | `is_causal` | refused unless `true`:"));
  EXPECT_THAT(table, HasSubstr("`truncate_dim` | followed."));
}

}  // namespace
}  // namespace lacos
