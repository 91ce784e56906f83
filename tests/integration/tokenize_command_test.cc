// `lacos tokenize`: gives one line for each input line in order, and decodes ids back to texts.
#include "lacos/io/json.h"
#include "program.h"

namespace lacos {
namespace {

RunResult Tokenize(const std::string& input, std::vector<std::string> more = {}) {
  std::vector<std::string> words = {"tokenize", "--model", TinyModel(), "--input", "-"};
  words.insert(words.end(), more.begin(), more.end());
  const RunResult result = RunLacos(words, {.input = input});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return result;
}

TEST(TokenizeCommand, DecodeIsTheWayBackForEveryLine) {
  std::string texts;
  for (int i = 0; i < 3000; ++i)
    texts += "Zeile " + std::to_string(i) + " \xC3\xA4\xE4\xB8\xAD \xF0\x9F\x98\x80\n";
  texts += "\nlast";
  const RunResult ids = Tokenize(texts);
  EXPECT_EQ(CountLines(ids.out), 3002u);
  EXPECT_EQ(Tokenize(ids.out, {"--decode"}).out, texts + "\n");
  EXPECT_EQ(Tokenize(Tokenize(texts, {"--with-offsets"}).out, {"--decode"}).out, texts + "\n");
  EXPECT_EQ(Tokenize(texts, {"--threads", "1"}).out, ids.out);
}

TEST(TokenizeCommand, AnEmptyLineIsAnEmptyArrayAndNoLinesAreNothing) {
  EXPECT_EQ(Tokenize("\n\n").out, "[]\n[]\n");
  EXPECT_EQ(Tokenize("").out, "");
}

TEST(TokenizeCommand, JsonIsOneObject) {
  const Json report = Json::Parse(Tokenize("ab\nc\n", {"--json"}).out, "stdout");
  EXPECT_EQ(report.At("texts").AsInt(), 2);
  EXPECT_EQ(report.At("tokens").AsInt(), 3);
  EXPECT_EQ(report.At("ids").size(), 2u);
  EXPECT_EQ(report.At("ids")[0].size(), 2u);
  EXPECT_EQ(Json::Parse(Tokenize("", {"--json"}).out, "stdout").At("ids").size(), 0u);
  const Json decoded =
      Json::Parse(Tokenize(Tokenize("a\"b\n").out, {"--decode", "--json"}).out, "stdout");
  EXPECT_EQ(decoded.At("decoded")[0].AsString(), "a\"b");
}

TEST(TokenizeCommand, OffsetsCountCharactersOfTheLineEvenWhenStripped) {
  const std::string line =
      " \xC3\xA4"
      "b ";  // a space, an a with umlaut, a b and a space
  const Json plain = Json::Parse(Tokenize(line, {"--with-offsets"}).out, "stdout");
  EXPECT_EQ(plain.At("offsets").size(), plain.At("ids").size());
  const Json stripped = Json::Parse(Tokenize(line, {"--with-offsets", "--strip"}).out, "stdout");
  ASSERT_EQ(stripped.At("ids").size(), 3u);  // two bytes for the umlaut, one for the b
  EXPECT_EQ(stripped.At("offsets")[2][0].AsInt(), 2);
  EXPECT_EQ(stripped.At("offsets")[2][1].AsInt(), 3);
}

TEST(TokenizeCommand, MaxLengthCutsTheEnd) {
  const RunResult whole = Tokenize("abcdef\n");
  const RunResult cut =
      RunLacos({"tokenize", "--model", TinyModel(), "--input", "-", "--max-length", "2"},
               {.input = "abcdef\n"});
  EXPECT_EQ(cut.status, 0);
  EXPECT_NE(cut.err.find("1 texts were longer"), std::string::npos) << cut.err;
  EXPECT_EQ(Json::Parse(cut.out, "stdout").size(), 2u);
  EXPECT_EQ(Json::Parse(whole.out, "stdout").size(), 6u);
}

TEST(TokenizeCommand, DecodeRefusesWhatIsNoIdNamingTheLine) {
  for (const char* line : {"[1,2,", "{\"id\": [1]}", "[1.5]", "[-1]", "[\"a\"]", "[99999999999]",
                           "[299999]", "text"}) {
    SCOPED_TRACE(line);
    const RunResult result =
        RunLacos({"tokenize", "--model", TinyModel(), "--input", "-", "--decode"},
                 {.input = std::string("[]\n") + line + "\n"});
    ExpectUserError(result, std::string(line) == "[299999]" ? "299999" : "stdin:2");
  }
}

}  // namespace
}  // namespace lacos
