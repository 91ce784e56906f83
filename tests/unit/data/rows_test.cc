// Tables: what a row is in .tsv, .csv and .jsonl files, and messages that give the place of a
// bad row.
#include "lacos/data/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Cells = std::vector<std::optional<std::string>>;
using Rows = std::vector<Cells>;

class RowsTest : public ::testing::Test {
 protected:
  Rows ReadAll(const std::string& name, const std::string& bytes,
               const TableOptions& options = {}) {
    TableReader table(folder_.Write(name, bytes), options);
    Rows rows;
    Cells cells;
    lines_.clear();
    while (table.Next(cells)) {
      rows.push_back(cells);
      lines_.push_back(table.line_number());
    }
    columns_ = table.columns();
    return rows;
  }
  std::string Error(const std::string& name, const std::string& bytes,
                    const TableOptions& options = {}) {
    return ErrorOf([&] { ReadAll(name, bytes, options); });
  }
  TestFolder folder_;
  std::vector<int64_t> lines_;
  std::vector<std::string> columns_;
};

TEST_F(RowsTest, TsvIsSplitAtTabsWithoutQuoting) {
  EXPECT_EQ(ReadAll("f.tsv", "a\tb\n\"x\ty\"\n\t\n"), (Rows{{"\"x", "y\""}, {"", ""}}));
  EXPECT_EQ(columns_, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(lines_, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(ReadAll("F.TXT", "a\tb\n1,2\t3\n"), (Rows{{"1,2", "3"}}));
}

TEST_F(RowsTest, CsvIsRfc4180) {
  EXPECT_EQ(ReadAll("f.csv", "a,b,c\n1,\"x, y\",\"say \"\"hi\"\"\"\n,\"\",\" z \"\n"),
            (Rows{{"1", "x, y", "say \"hi\""}, {"", "", " z "}}));
  EXPECT_EQ(ReadAll("f.csv", "a,b\r\n\"1\r\n2\",3\r\n4,5\r\n"),
            (Rows{{"1\r\n2", "3"}, {"4", "5"}}));
  EXPECT_EQ(lines_, (std::vector<int64_t>{2, 4})) << "a row's line is where it begins";
  EXPECT_EQ(ReadAll("f.csv", "a,b\n5\" disk,\"\n\n\"\n"), (Rows{{"5\" disk", "\n\n"}}));
  EXPECT_EQ(ReadAll("f.csv", "\"a \",b\n1,2"), (Rows{{"1", "2"}}));
  EXPECT_EQ(columns_, (std::vector<std::string>{"a", "b"}));
}

TEST_F(RowsTest, DelimiterAndQuotingMayBeOverridden) {
  EXPECT_EQ(ReadAll("f.csv", "a\tb\n\"x\ty\"\t\"1\n2\"\n", {.delimiter = '\t'}),
            (Rows{{"x\ty", "1\n2"}}));
  EXPECT_EQ(ReadAll("f.csv", "a,b\n\"x,y\"\n", {.quoting = false}), (Rows{{"\"x", "y\""}}));
  EXPECT_EQ(ReadAll("f.tsv", "a;b\n\"x;\";y\n", {.delimiter = ';', .quoting = true}),
            (Rows{{"x;", "y"}}));
}

TEST_F(RowsTest, NamesMayBeGivenForFilesWithoutHeader) {
  EXPECT_EQ(ReadAll("f.tsv", "1\t2\n3\t4\n", {.columns = {"a", "b"}}),
            (Rows{{"1", "2"}, {"3", "4"}}));
  EXPECT_EQ(lines_, (std::vector<int64_t>{1, 2}));
}

TEST_F(RowsTest, UnicodeLineBreaksAreText) {
  const std::string text = "x\xE2\x80\xA8y\xC2\x85z\x0B";
  EXPECT_EQ(ReadAll("f.tsv", "a\tb\n" + text + "\t1\n"), (Rows{{text, "1"}}));
}

TEST_F(RowsTest, AHeaderLosesItsByteOrderMarkAndBlanks) {
  ReadAll("f.csv",
          "\xEF\xBB\xBF"
          "a , b\n1,2\n");
  EXPECT_EQ(columns_, (std::vector<std::string>{"a", "b"}));
}

TEST_F(RowsTest, ARowOfAnotherWidthNamesItsLineAndTheColumns) {
  EXPECT_THAT(
      Error("f.tsv", "sentence1\tsentence2\tlabel\tgenre\na\tb\tc\td\nx\ty\n"),
      HasSubstr("/f.tsv:3] found 2 columns; expected 4 (sentence1, sentence2, label, genre)"));
  EXPECT_THAT(Error("f.tsv", "a\tb\n\"x\ty\"\tz\n"),
              AllOf(HasSubstr("found 3 columns"), HasSubstr("`quoting` csv")));
  EXPECT_THAT(Error("f.csv", "a,b\n\"1\n2\",3\n4\n"),
              HasSubstr(":4] found 1 column; expected 2 (a, b)"));
  EXPECT_EQ(ReadAll("f.tsv", "a\tb\nx\nx\ty\tz\n", {.ragged = true}),
            (Rows{{"x"}, {"x", "y", "z"}}));
}

TEST_F(RowsTest, BlankLinesMayOnlyEndAFile) {
  EXPECT_EQ(ReadAll("f.tsv", "a\tb\n1\t2\n\n\n"), (Rows{{"1", "2"}}));
  EXPECT_THAT(Error("f.tsv", "a\tb\n1\t2\n\n3\t4\n"), HasSubstr(":3] found a blank line"));
  EXPECT_EQ(ReadAll("f.jsonl", "{\"a\": 1}\n\n"), (Rows{{"1"}}));
  EXPECT_THAT(Error("f.jsonl", "{\"a\": 1}\n\n{\"a\": 2}\n"), HasSubstr(":2] found a blank line"));
  EXPECT_EQ(ReadAll("f.tsv", "text\nx\n\ny\n"), (Rows{{"x"}, {""}, {"y"}}))
      << "an empty text is a row";
}

TEST_F(RowsTest, ABrokenQuoteNamesTheLineWhereItBegan) {
  EXPECT_THAT(
      Error("f.csv", "a,b\n1,\"x\n2,y\n3,z\n"),
      AllOf(HasSubstr(":2] found a quoted field that is still open"), HasSubstr("`quoting` none")));
  EXPECT_THAT(Error("f.csv", "a,b\n1,2\n\"x\"y,2\n"),
              HasSubstr(":3] found text after the closing quote of field 1"));
}

TEST_F(RowsTest, JsonLinesGiveTheirValuesAsText) {
  EXPECT_EQ(
      ReadAll("f.jsonl",
              R"({"s": "x\ty\u00e9", "i": 0, "d": 2.50, "b": true, "n": null, "l": [1], "o": {}})"),
      (Rows{{"x\ty\xC3\xA9", "0", "2.50", "true", std::nullopt, std::nullopt, std::nullopt}}));
  EXPECT_EQ(ReadAll("f.json", "{\"a\": \"1\", \"b\": \"2\"}\n{\"b\": \"3\"}\n"),
            (Rows{{"1", "2"}, {std::nullopt, "3"}}));
}

TEST_F(RowsTest, JsonLinesMayBringNewKeys) {
  EXPECT_EQ(ReadAll("f.jsonl", "{\"a\": \"1\"}\n{\"a\": \"2\", \"c\": \"3\"}\n{\"a\": \"4\"}\n"),
            (Rows{{"1"}, {"2", "3"}, {"4", std::nullopt}}));
  EXPECT_EQ(columns_, (std::vector<std::string>{"a", "c"}));
}

TEST_F(RowsTest, JsonLinesMayBeArraysOfTexts) {
  EXPECT_EQ(ReadAll("f.jsonl", "[\"a\", \"b\", \"c\"]\n[\"d\", \"e\"]\n"),
            (Rows{{"a", "b", "c"}, {"d", "e", std::nullopt}}));
  EXPECT_EQ(columns_, (std::vector<std::string>{"anchor", "positive", "negative_1"}));
  EXPECT_THAT(Error("f.jsonl", "[\"a\", 1]\n"), HasSubstr("found a JSON array"));
}

TEST_F(RowsTest, JsonLinesMustBeObjects) {
  EXPECT_THAT(Error("f.jsonl", "{\"a\": 1}\n[1]\n"),
              HasSubstr("/f.jsonl:2] found a JSON array; expected one JSON object"));
  EXPECT_THAT(Error("f.jsonl", "{\"a\": 1}\n{\"a\": \n"),
              AllOf(HasSubstr("/f.jsonl:2] byte"), HasSubstr("valid JSON")));
}

TEST_F(RowsTest, ColumnsAreFoundByTheFirstKnownNameInAnyCase) {
  const TableReader table(folder_.Write("f.tsv", "Premise\thypothesis\tx\tX\n"), {});
  EXPECT_EQ(table.Column({"sentence1", "premise"}), 0);
  EXPECT_EQ(table.Column({"hypothesis", "premise"}), 1);
  EXPECT_EQ(table.Column({"label"}), -1);
  EXPECT_THAT(ErrorOf([&] { table.Column({"x"}); }), HasSubstr("the column 'X' twice"));
}

TEST_F(RowsTest, InvalidUtf8IsAnErrorOrReplaced) {
  EXPECT_THAT(Error("f.tsv", "a\tb\nx\t\xE9\n"), HasSubstr("f.tsv:2] byte 3"));
  EXPECT_EQ(ReadAll("f.tsv", "a\tb\nx\t\xE9\n", {.replace_invalid = true}),
            (Rows{{"x", "\xEF\xBF\xBD"}}));
}

TEST_F(RowsTest, AnEmptyFileHasNoColumns) {
  for (const char* name : {"f.tsv", "f.csv", "f.jsonl"}) {
    EXPECT_TRUE(ReadAll(name, "").empty());
    EXPECT_TRUE(columns_.empty());
  }
}

TEST_F(RowsTest, TheNumberOfColumnsIsBounded) {
  const std::string wide(5000, '\t');
  EXPECT_THAT(Error("f.tsv", wide + "\n"),
              AllOf(HasSubstr("f.tsv:1]"), HasSubstr("more than 4096 columns")));
  EXPECT_THAT(Error("f.csv", "a,b\n" + std::string(5000, ',') + "\n"),
              HasSubstr("f.csv:2] has more than 4096"));
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "{\"key" + std::to_string(i) + "\": 1}\n";
  EXPECT_THAT(Error("f.jsonl", lines),
              AllOf(HasSubstr("f.jsonl:4097]"), HasSubstr("different keys")));
}

TEST_F(RowsTest, AnOpenQuoteDoesNotTakeInTheWholeFile) {
  std::string lines = "a,b\n\"open,";
  while (lines.size() < size_t{66} << 20)
    lines += "a hundred thousand lines of text that nobody closes\n";
  EXPECT_THAT(Error("f.csv", lines),
              AllOf(HasSubstr("f.csv:2]"), HasSubstr("over 67108864 bytes")));
  EXPECT_THAT(
      Error("f.jsonl", "{\"a\": \"" + lines.replace(0, lines.size(), size_t{66} << 20, 'a')),
      HasSubstr("is longer than 67108864 bytes"));
}

}  // namespace
}  // namespace lacos
