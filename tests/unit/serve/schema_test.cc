// Values are checked as OpenAPI describes them, and messages say where and what.
#include "lacos/serve/protocol/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lacos::serve {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Schema TheBody() {
  return Schema::Object(
      {{"input",
        Schema::OneOf({Schema::String(1), Schema::Array(Schema::String(1), 1, 3),
                       Schema::Array(Schema::Array(Schema::Integer(0, 9), 1), 1)}),
        true},
       {"dimensions", Schema::Integer(1, 16).OrNull()},
       {"format", Schema::Words({"float", "base64"}).OrNull()},
       {"normalize", Schema::Boolean()},
       {"nested", Schema::Object({{"sentences", Schema::Array(Schema::String()), true}})}});
}

std::string ErrorOf(const std::string& body) {
  try {
    TheBody().Check(Json::Parse(body, "request"));
    return "";
  } catch (const SchemaMismatch& mismatch) {
    return mismatch.place + ": " + mismatch.what();
  }
}

TEST(Schema, GoodValuesPass) {
  for (const char* body :
       {R"({"input": "a"})", R"({"input": ["a", "b"], "dimensions": 16, "unknown": [1, {}]})",
        R"({"input": [[1, 2], [3]], "format": "base64", "dimensions": null})",
        R"({"input": "a", "dimensions": 2.0, "normalize": false, "nested": {"sentences": []}})"})
    EXPECT_EQ(ErrorOf(body), "") << body;
}

TEST(Schema, MessagesNameThePlaceWhatWasFoundAndWhatWasExpected) {
  EXPECT_THAT(ErrorOf("{}"), StartsWith("input: is missing; expected"));
  EXPECT_THAT(ErrorOf("[]"), StartsWith(": found an empty array; expected an object"));
  EXPECT_THAT(ErrorOf(R"({"input": ["a", 5]})"),
              StartsWith("input[1]: found the number 5; expected a text"));
  EXPECT_THAT(ErrorOf(R"({"input": ["a", ""]})"), StartsWith("input[1]: found an empty string"));
  EXPECT_THAT(ErrorOf(R"({"input": []})"), StartsWith("input: found 0 elements; expected 1 to 3"));
  EXPECT_THAT(ErrorOf(R"({"input": ["a", "b", "c", "d"]})"),
              HasSubstr("found 4 elements; expected 1 to 3"));
  EXPECT_THAT(ErrorOf(R"({"input": null})"), StartsWith("input: found null"));
  EXPECT_THAT(ErrorOf(R"({"input": [null]})"), StartsWith("input[0]: found null"));
  EXPECT_THAT(ErrorOf(R"({"input": [[1], [10]]})"), StartsWith("input[1][0]: found the number 10"));
  EXPECT_THAT(ErrorOf(R"({"input": "a", "dimensions": 0})"),
              HasSubstr("expected an integer from 1 to 16"));
  EXPECT_THAT(ErrorOf(R"({"input": "a", "dimensions": 1.5})"), HasSubstr("the number 1.5"));
  EXPECT_THAT(ErrorOf(R"({"input": "a", "dimensions": 1e300})"),
              StartsWith("dimensions: found the number"));
  EXPECT_THAT(ErrorOf(R"({"input": "a", "dimensions": true})"), HasSubstr("found true"));
  EXPECT_THAT(ErrorOf(R"({"input": "a", "format": "int8"})"),
              HasSubstr("expected \"float\" or \"base64\""));
  EXPECT_THAT(ErrorOf(R"({"input": "a", "nested": {"sentences": [1]}})"),
              StartsWith("nested.sentences[0]:"));
}

TEST(Schema, MessagesRepeatAtMostEightyCharactersOfAValue) {
  const std::string text(500, 'x');
  EXPECT_EQ(ErrorOf("{\"input\": \"a\", \"format\": \"" + text + "\"}").find(std::string(61, 'x')),
            std::string::npos);
  EXPECT_EQ(ErrorOf("{\"input\": \"a\", \"dimensions\": 1" + std::string(300, '0') + "}")
                .find(std::string(61, '0')),
            std::string::npos);
  // A text is cut between characters.
  EXPECT_EQ(Quoted(std::string(59, 'x') + "\xC3\xA9\xC3\xA9"),
            "\"" + std::string(59, 'x') + "...\"");
}

TEST(Schema, IsWrittenAsJsonSchema) {
  EXPECT_EQ(Schema::Integer(1, 16).OrNull().ToJson().Dump(),
            R"({"type": ["integer", "null"], "minimum": 1, "maximum": 16})");
  EXPECT_EQ(Schema::Words({"a", "b"}).ToJson().Dump(), R"({"type": "string", "enum": ["a", "b"]})");
  EXPECT_EQ(
      Schema::Array(Schema::String(1).NotBlank(), 1, 3).ToJson().Dump(),
      R"({"type": "array", "items": {"type": "string", "minLength": 1, "pattern": "\\S"}, "minItems": 1, "maxItems": 3})");
}

}  // namespace
}  // namespace lacos::serve
