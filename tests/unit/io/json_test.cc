// JSON values: strict reading, messages that give the place, copies that share their contents, and
// text that is read back equal.
#include "lacos/io/json.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "lacos/base/rng.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ParseError(const std::string& text) {
  return ErrorOf([&] { Json::Parse(text, "f.json"); });
}

TEST(Json, ReadsEachKindOfValue) {
  const Json json =
      Json::Parse(R"({"s": "a\u00e9\ud83d\ude00\n", "i": -7, "d": 2.5e-3, "t": true, "n": null,
                                   "a": [1, [2]], "o": {}})",
                  "f.json");
  EXPECT_EQ(json.At("s").AsString(), "a\xC3\xA9\xF0\x9F\x98\x80\n");
  EXPECT_EQ(json.At("i").AsInt(), -7);
  EXPECT_EQ(json.At("i").AsDouble(), -7.0);
  EXPECT_EQ(json.At("d").AsDouble(), 2.5e-3);
  EXPECT_TRUE(json.At("t").AsBool());
  EXPECT_TRUE(json.At("n").IsNull());
  EXPECT_EQ(json.At("a").size(), 2u);
  EXPECT_EQ(json.At("a")[1][0].AsInt(), 2);
  EXPECT_EQ(json.At("o").size(), 0u);
  EXPECT_EQ(json.Keys(), (std::vector<std::string>{"s", "i", "d", "t", "n", "a", "o"}));
}

TEST(Json, FindGivesNothingForMissingAndNull) {
  const Json json = Json::Parse(R"({"a": null, "b": 0})", "f.json");
  EXPECT_FALSE(json.Find("a"));
  EXPECT_FALSE(json.Find("c"));
  EXPECT_EQ(json.Find("b")->AsInt(), 0);
  EXPECT_TRUE(json.Has("a"));
  EXPECT_FALSE(json.Has("c"));
}

TEST(Json, BrokenSyntaxIsLocatedInTheStructure) {
  EXPECT_THAT(ParseError(R"({"input": ["a", "b", "\ud800"]})"),
              AllOf(HasSubstr("[f.json] byte"), HasSubstr("(input[2])"), HasSubstr("surrogate")));
  EXPECT_THAT(ParseError(R"({"a": {"b": [1, [2, NaN]]}})"), HasSubstr("(a.b[1][1])"));
  EXPECT_THAT(ParseError(R"([[1], [2], [3, x]])"), HasSubstr("([2][1])"));
  EXPECT_THAT(ParseError(R"({"a": 1, "b": 1e999})"), HasSubstr("(b)"));
}

TEST(Json, MessagesQuoteLittleOfTheText) {
  const std::string long_word(1000, 'x'), long_number(300, '3');
  for (const std::string& text :
       {"[\"" + long_word + "\\ud800\"]", "{\"" + long_word + "\": 1, \"" + long_word + "\": 2}",
        "{\"" + long_word + "\": x}", "[-" + long_word + "]", "[" + long_number + "e999]"}) {
    const std::string error = ParseError(text);
    EXPECT_THAT(error, StartsWith("[f.json]"));
    EXPECT_EQ(error.find(std::string(61, 'x')), std::string::npos) << error;
    EXPECT_EQ(error.find(std::string(61, '3')), std::string::npos) << error;
  }
  const std::string error = ErrorOf([&] { Json::Parse(long_number, "f.json").AsInt(); });
  EXPECT_THAT(error, StartsWith("[f.json] found the number 333"));
  EXPECT_EQ(error.find(std::string(61, '3')), std::string::npos) << error;
}

TEST(Json, TheNumberOfValuesIsLimited) {
  EXPECT_NO_THROW(Json::Parse("[1, 2, 3]", "f", {.values = 4}));
  EXPECT_THAT(ErrorOf([] { Json::Parse("[1, 2, 3]", "f", {.values = 3}); }),
              HasSubstr("more than 3 values"));
}

TEST(Json, MessagesNameFileAndPath) {
  const Json json = Json::Parse(
      R"({"quantization": {"block_size": "64", "list": [1, {"x": 1.5}]}})", "config.json");
  EXPECT_EQ(
      ErrorOf([&] { json.At("quantization").At("block_size").AsInt(); }),
      "[config.json: quantization.block_size] found the string \"64\"; expected an integer of 64 "
      "bits; correct the file");
  EXPECT_THAT(
      ErrorOf([&] { json.At("quantization").At("list")[1].At("x").AsInt(); }),
      StartsWith(
          "[config.json: quantization.list[1].x] found the number 1.5; expected an integer"));
  EXPECT_THAT(ErrorOf([&] { json.At("n_layer"); }),
              StartsWith("[config.json] has no key 'n_layer'"));
  EXPECT_THAT(ErrorOf([&] { json.At("quantization").At("scheme"); }),
              StartsWith("[config.json: quantization] has no key 'scheme'"));
  EXPECT_THAT(ErrorOf([&] { json.At("quantization").At("list")[2]; }),
              HasSubstr("array of 2 elements; expected at least 3"));
  EXPECT_THAT(ErrorOf([&] { json.AsBool(); }),
              HasSubstr("found an object; expected true or false"));
  EXPECT_THAT(ErrorOf([&] { Json(3).At("x"); }),
              HasSubstr("found the number 3; expected an object"));
}

TEST(Json, RefusesWhatIsNotJson) {
  EXPECT_THAT(ParseError("{\"a\": 1,\n \"b\": tru}"),
              AllOf(StartsWith("[f.json] line 2, byte"), HasSubstr("expected valid JSON")));
  for (const char* text : {"", "{", "[1,]", "{\"a\" 1}", "{'a': 1}", "01", "1.", "NaN", "\"\t\"",
                           "// c\n1", "\"\\ud800\"", "1e999"}) {
    EXPECT_THAT(ParseError(text), StartsWith("[f.json]")) << text;
  }
}

TEST(Json, AnEmptyTextIsCalledEmpty) {
  for (const char* text : {"", " ", "\n\t\r\n"}) {
    EXPECT_THAT(ParseError(text), StartsWith("[f.json] is empty; expected valid JSON")) << text;
  }
}

TEST(Json, RefusesTrailingTextDuplicateKeysAndInvalidUtf8) {
  EXPECT_THAT(ParseError("{} {}"), StartsWith("[f.json] byte 4"));
  EXPECT_THAT(ParseError("{\n} {}"), StartsWith("[f.json] line 2, byte 3"));
  EXPECT_THAT(ParseError(R"({"a": {"k": 1, "k": 2}})"), HasSubstr("the key \"k\" twice"));
  EXPECT_THAT(ParseError("\"\xC3\x28\""), HasSubstr("UTF-8"));
  EXPECT_THAT(ParseError("\"\xED\xA0\x80\""), HasSubstr("UTF-8"));
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) many += fmt::format("\"k{}\": 0, ", i);
  EXPECT_THAT(ParseError(many + "\"k500\": 1}"), HasSubstr("the key \"k500\" twice"));
}

TEST(Json, RefusesNestingBeyond64WithoutUsingTheStack) {
  const std::string deep(64, '['), close(64, ']');
  EXPECT_NO_THROW(Json::Parse(deep + close, "f.json"));
  EXPECT_THAT(ParseError("[" + deep + close + "]"), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(ParseError(std::string(10'000'000, '[')), HasSubstr("nested more than 64 deep"));
}

TEST(Json, FindsEveryKeyOfALargeObject) {
  std::string text = "{";
  for (int i = 0; i < 5000; ++i) text += fmt::format("{}\"k{}\":{}", i > 0 ? "," : "", i * 7, i);
  const Json json = Json::Parse(text + "}", "f.json");
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(json.At(fmt::format("k{}", i * 7)).AsInt(), i);
  EXPECT_FALSE(json.Has("k1"));
  EXPECT_EQ(json.size(), 5000u);
}

TEST(Json, VisitsItemsInOrderWithPlacesThatSurviveTheVisit) {
  const Json json = Json::Parse(R"({"m": {"z": 1, "a": "x", "k": [true, false]}})", "f.json");
  std::string keys;
  std::vector<Json> kept;
  json.At("m").ForEachItem([&](std::string_view key, const Json& value) {
    keys += key;
    kept.push_back(value);
  });
  EXPECT_EQ(keys, "zak");
  EXPECT_THAT(ErrorOf([&] { kept[1].AsInt(); }), StartsWith("[f.json: m.a] found"));
  EXPECT_THAT(ErrorOf([&] { kept[0].AsString(); }), StartsWith("[f.json: m.z] found"));
  std::vector<std::string> places;
  kept[2].ForEachElement([&](const Json& value) { places.push_back(value.Where()); });
  EXPECT_EQ(places, (std::vector<std::string>{"[f.json: m.k[0]]", "[f.json: m.k[1]]"}));
}

TEST(Json, CopiesDoNotSeeLaterChanges) {
  Json a = Json::Object();
  a.Set("x", 1);
  Json b = a;
  b.Set("x", 2);
  b.Set("y", "new");
  EXPECT_EQ(a.Dump(), R"({"x": 1})");
  EXPECT_EQ(b.Dump(), R"({"x": 2, "y": "new"})");
  Json list = Json::Array();
  list.Append(a);
  a.Set("x", 3);
  EXPECT_EQ(list.Dump(), R"([{"x": 1}])");
}

TEST(Json, WritesInOrderSortedAndIndented) {
  Json json = Json::Object();
  json.Set("b", Json::Array());
  json.Set("a", Json::Object());
  Json list = Json::Array();
  list.Append(1);
  list.Append(Json());
  json.Set("c", list);
  EXPECT_EQ(json.Dump(), R"({"b": [], "a": {}, "c": [1, null]})");
  EXPECT_EQ(json.Dump(-1, true), R"({"a": {}, "b": [], "c": [1, null]})");
  EXPECT_EQ(json.Dump(2), "{\n  \"b\": [],\n  \"a\": {},\n  \"c\": [\n    1,\n    null\n  ]\n}");
}

TEST(Json, WritesStringsThatReadBackEqual) {
  std::string text;
  for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
  text += "\xC3\xA9\xF0\x9F\x98\x80";
  EXPECT_EQ(Json::Parse(Json(text).Dump(), "f").AsString(), text);
  EXPECT_EQ(Json("a\"b\\\x01").Dump(), R"("a\"b\\\u0001")");
  EXPECT_EQ(Json("caf\xE9").Dump(), "\"caf\xEF\xBF\xBD\"")
      << "output is valid JSON whatever a path holds";
}

TEST(Json, WritesDoublesThatReadBackEqual) {
  Random random(1, RandomStream::kWeights);
  for (int i = 0; i < 20000; ++i) {
    const double value = std::bit_cast<double>(random.Next64());
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(Json::Parse(Json(value).Dump(), "f").AsDouble(), value);
  }
  EXPECT_EQ(Json(0.1).Dump(), "0.1");
  EXPECT_EQ(Json(1.0).Dump(), "1.0");
  EXPECT_EQ(Json(2e-4).Dump(), "0.0002");
  EXPECT_EQ(Json(100000.0).Dump(), "100000.0");
  EXPECT_EQ(Json(1e-5).Dump(), "1e-05");
  EXPECT_EQ(Json(-0.0).Dump(), "-0.0");
  EXPECT_EQ(Json(std::nan("")).Dump(), "null");
  EXPECT_EQ(Json(-std::numeric_limits<double>::infinity()).Dump(), "null");
}

TEST(Json, KeepsNumbersThatItCannotHold) {
  const std::string text =
      "[1000000000000000019884624838656, 1e-05, 18446744073709551615, 9223372036854775807]";
  const Json json = Json::Parse(text, "f");
  EXPECT_EQ(json.Dump(), text);
  EXPECT_FALSE(json[0].IsInteger());
  EXPECT_EQ(json[0].AsDouble(), 1e30);
  EXPECT_EQ(json[3].AsInt(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Json(std::numeric_limits<uint64_t>::max()).Dump(), "18446744073709551615");
  EXPECT_EQ(Json(std::numeric_limits<int64_t>::min()).Dump(), "-9223372036854775808");
}

TEST(Json, ReadsFiles) {
  const TestFolder folder;
  EXPECT_EQ(Json::ReadFile(folder.Write("a.json", "\xEF\xBB\xBF{\"a\": 1}")).At("a").AsInt(), 1);
  EXPECT_THAT(ErrorOf([&] { Json::ReadFile(folder / "none.json"); }),
              HasSubstr("none.json] could not open: No such file"));
  EXPECT_THAT(ErrorOf([&] { Json::ReadFile(folder.path()); }),
              HasSubstr("found a folder; expected a file"));
}

TEST(Json, HasABoundedNumberOfValues) {
  std::string text = "[";
  for (int i = 0; i < 10'000'000; ++i) text += "null,";
  text.back() = ']';
  EXPECT_THAT(ErrorOf([&] { Json::Parse(text, "big.json"); }),
              HasSubstr("more than 10000000 values"));
}

}  // namespace
}  // namespace lacos
