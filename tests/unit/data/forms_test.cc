// The forms in which the field writes training data: what each gives, that a column too many is
// named, and the messages for damaged files.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "lacos/data/examples.h"
#include "test_paths.h"
#include "unit/data/forms.h"
#include "unit/io/test_files.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Texts TextsOf(const ExampleFile& file) {
  Texts texts;
  for (const Example& example : file.examples) texts.push_back(example.texts);
  return texts;
}

class FormsTest : public ::testing::Test {
 protected:
  ExampleFile Read(const Form& form, const std::string& bytes) {
    return ReadExamples(folder_.Write(form.file, bytes), {.label_scheme = form.scheme});
  }
  TestFolder folder_;
};

TEST_F(FormsTest, EachGivesItsExamples) {
  for (const Form& form : Forms()) {
    const ExampleFile file = Read(form, form.bytes);
    EXPECT_EQ(TextsOf(file), form.texts) << form.name;
  }
}

TEST_F(FormsTest, EachReadsTheSameWhenItIsVisited) {
  for (const Form& form : Forms()) {
    Texts texts;
    VisitExamples(folder_.Write(form.file, form.bytes), {.label_scheme = form.scheme},
                  [&](const Example& example) { texts.push_back(example.texts); });
    EXPECT_EQ(texts, form.texts) << form.name;
  }
}

TEST_F(FormsTest, AColumnTooManyIsNamedOrUsed) {
  for (const Form& form : Forms()) {
    const std::string bytes = WithSurplus(form);
    ASSERT_NE(bytes, form.bytes) << form.name;
    // Texts alone in lines, and two columns with an unknown header or none, are no such form with
    // one column more: then all columns are used, or the file is refused.
    try {
      const ExampleFile file = Read(form, bytes);
      const bool named =
          std::ranges::find(file.unused_columns, "surplus") != file.unused_columns.end();
      bool used = false;
      for (const Example& example : file.examples)
        used |= std::ranges::find(example.texts, "x y") != example.texts.end();
      EXPECT_TRUE(named || used) << form.name;
      if (!named) continue;
      EXPECT_EQ(TextsOf(file), form.texts) << form.name;
      EXPECT_THAT(file.Notes().back(), HasSubstr("'surplus'")) << form.name;
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), HasSubstr(form.has_header ? "surplus" : "x y")) << form.name;
      EXPECT_TRUE(form.name == "parallel texts with any header" || form.name == "headerless NLI" ||
                  form.name == "SciTail without a header" ||
                  form.name == "language codes above single words" ||
                  form.name == "translations of datasets")
          << form.name;
    }
  }
}

// A damaged version of a file, and the parts of its message beside the name of the file.
struct Damage {
  std::string name;
  std::string bytes;
  std::vector<std::string> message;
};

// The file with its line `number` (from 1) changed.
std::string WithLine(const std::string& bytes, int number,
                     const std::function<std::string(std::string)>& change) {
  std::istringstream stream(bytes);
  std::string result, line;
  for (int i = 1; std::getline(stream, line); ++i)
    result += (i == number ? change(line) : line) + "\n";
  return result;
}

std::string LineOf(const std::string& bytes, int number) {
  std::istringstream stream(bytes);
  std::string line;
  for (int i = 0; i < number; ++i) std::getline(stream, line);
  return line;
}

// The position of a column among the cells of the header.
size_t PlaceOf(const Form& form, const std::string& column) {
  std::istringstream stream(LineOf(form.bytes, 1));
  std::string cell;
  for (size_t i = 0; std::getline(stream, cell, DelimiterOf(form)); ++i) {
    if (cell.ends_with('\r')) cell.pop_back();
    if (cell == column) return i;
  }
  return 0;
}

std::string WithCell(const Form& form, int line, size_t place, const std::string& value) {
  return WithLine(form.bytes, line, [&](const std::string& text) {
    std::istringstream stream(text);
    std::string result, cell;
    for (size_t i = 0; std::getline(stream, cell, DelimiterOf(form)); ++i)
      result += (i > 0 ? std::string(1, DelimiterOf(form)) : "") + (i == place ? value : cell);
    return result;
  });
}

std::string Gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// Damages that any form may have.
std::vector<Damage> CommonDamages(const Form& form) {
  const std::string packed = Gzip(form.bytes);
  std::string utf16 = "\xFF\xFE";
  for (const char c : form.bytes) utf16 += {c, '\0'};
  const size_t half = form.bytes.size() / 2;
  std::string invalid = form.bytes;
  invalid.insert(invalid.rfind('b') + 1, "\xE9");
  return {
      {"empty", "", {"is empty"}},
      {"cut compressed data", packed.substr(0, packed.size() - 9), {"truncated"}},
      {"damaged compressed data", packed.substr(0, 12) + "xx" + packed.substr(14), {"gzip"}},
      {"UTF-16", utf16, {"UTF-16", "iconv"}},
      {"Latin-1", invalid, {"not valid UTF-8", "byte"}},
      {"a Parquet file", "PAR1\x15\x04" + form.bytes.substr(0, half), {"Parquet", "lacos.convert"}},
  };
}

std::vector<Damage> DamagesOfTable(const Form& form) {
  std::vector<Damage> damages = CommonDamages(form);
  const std::string d(1, DelimiterOf(form));
  const bool one_column = form.name == "texts in lines";
  const auto with_line = [&](const std::function<std::string(std::string)>& change) {
    return WithLine(form.bytes, 3, change);
  };
  damages.push_back({"a cell too many",
                     with_line([&](const std::string& line) { return line + d + "x"; }),
                     {":3]", "columns", "expected"}});
  damages.push_back({"only a header or less",
                     form.has_header ? LineOf(form.bytes, 1) + "\n" : "\n\n",
                     {form.has_header ? "no rows" : "is empty"}});
  if (one_column) {
    damages.push_back({"a zip archive", "PK\x03\x04" + form.bytes, {"zip"}});
    damages.push_back({"a NUL in a header of numbers", "1\n2\n3\n", {"(1)", "header"}});
    return damages;
  }
  damages.push_back(
      {"a cell too few",
       with_line([&](const std::string& line) { return line.substr(0, line.rfind(d)); }),
       {":3]", "found", "expected"}});
  damages.push_back({"a blank line",
                     with_line([](const std::string& line) { return "\n" + line; }),
                     {":3]", "blank line"}});
  if (!form.text_column.empty()) {
    const size_t place = PlaceOf(form, form.text_column);
    damages.push_back(
        {"a column of another name", WithCell(form, 1, place, "x y z"), {"x y z", "expected"}});
  }
  if (!form.label_column.empty()) {
    const size_t place = PlaceOf(form, form.label_column);
    damages.push_back(
        {"an unknown label", WithCell(form, 3, place, "perhaps"), {":3]", "'perhaps'"}});
  }
  if (d == ",") {
    damages.push_back({"an open quote",
                       with_line([](const std::string& line) { return "\"" + line; }),
                       {":3]", "quote"}});
    damages.push_back({"text behind a quote",
                       with_line([](const std::string& line) { return "\"a\"b," + line; }),
                       {":3]", "closing quote"}});
  }
  return damages;
}

std::vector<Damage> DamagesOfJsonLines(const Form& form) {
  std::vector<Damage> damages = CommonDamages(form);
  const auto with_line = [&](const std::function<std::string(std::string)>& change) {
    return WithLine(form.bytes, 2, change);
  };
  damages.push_back(
      {"a cut line",
       with_line([](const std::string& line) { return line.substr(0, line.size() / 2); }),
       {":2]", "valid JSON"}});
  damages.push_back(
      {"a number", with_line([](const std::string&) { return "12"; }), {":2]", "no object"}});
  damages.push_back({"an array of numbers",
                     with_line([](const std::string&) { return "[1, 2]"; }),
                     {":2]", "JSON array"}});
  damages.push_back({"a blank line",
                     with_line([](const std::string& line) { return "\n" + line; }),
                     {":2]", "blank line"}});
  damages.push_back({"a lone surrogate",
                     with_line([](std::string line) {
                       const size_t at = std::min(line.find("\": \""), line.find("[\""));
                       return line.insert(line.find('"', at + 1 + (line[at] == '"')) + 1,
                                          "\\ud800");
                     }),
                     {":2]", "expected"}});
  if (form.text_column.empty()) return damages;
  const std::string key = "\"" + form.text_column + "\":";
  damages.push_back(
      {"a missing key",
       with_line([&](const std::string& line) { return Replaced(line, key, "\"other\":"); }),
       {":2]", "'" + form.text_column + "'"}});
  damages.push_back({"a key twice",
                     with_line([&](const std::string& line) {
                       return Replaced(line, key, key + " \"x\", " + key);
                     }),
                     {":2]", "twice", form.text_column}});
  damages.push_back({"a nested list",
                     with_line([&](const std::string& line) {
                       return Replaced(line, key, key + " [[\"x\"]], \"other\":");
                     }),
                     {":2]", "'" + form.text_column + "'", "list"}});
  if (!form.label_column.empty()) {
    damages.push_back({"an unknown label",
                       with_line([&](const std::string& line) {
                         return Replaced(line, "\"label\": true", "\"label\": \"perhaps\"");
                       }),
                       {":2]", "'perhaps'", "'label'"}});
  }
  return damages;
}

std::vector<Damage> DamagesOfDocument(const Form& form) {
  std::vector<Damage> damages = CommonDamages(form);
  const std::string cut = form.bytes.substr(0, form.bytes.rfind('g'));
  damages.push_back({"cut", cut, {"expected"}});
  damages.push_back({"text behind the end", form.bytes + "\nx", {"expected"}});
  damages.push_back({"a comma too many", Replaced(form.bytes, "g h\"", "g h\",,"), {"JSON"}});
  const std::string column = form.text_column.empty() ? "positive" : form.text_column;
  damages.push_back({"another key", Replaced(form.bytes, column, "other key"), {"other key"}});
  damages.push_back({"a list for a text",
                     Replaced(form.bytes, "\"g h\"", "[\"g h\", 1, {}]"),
                     {"'" + column + "'", "list"}});
  damages.push_back({"nothing for a text",
                     Replaced(form.bytes, "\"g h\"", "null"),
                     {"'" + column + "'", "no text"}});
  return damages;
}

TEST_F(FormsTest, DamagedFilesGetAMessageOfFourParts) {
  for (const Form& form : Forms()) {
    const std::vector<Damage> damages = !IsJson(form)       ? DamagesOfTable(form)
                                        : IsJsonLines(form) ? DamagesOfJsonLines(form)
                                                            : DamagesOfDocument(form);
    EXPECT_GE(damages.size(), 10u) << form.name;
    for (const Damage& damage : damages) {
      const std::string what = form.name + ": " + damage.name;
      if (damage.bytes == form.bytes) ADD_FAILURE() << what << " changes nothing";
      std::string message;
      try {
        Read(form, damage.bytes);
        ADD_FAILURE() << what << " was read";
        continue;
      } catch (const UserError& error) {
        message = error.what();
      }
      EXPECT_THAT(message, AllOf(HasSubstr("[" + folder_.path()), HasSubstr(form.file),
                                 HasSubstr("; expected ")))
          << what;
      EXPECT_GE(std::count(message.begin(), message.end(), ';'), 2) << what << ": " << message;
      for (const std::string& part : damage.message) EXPECT_THAT(message, HasSubstr(part)) << what;
    }
  }
}

TEST_F(FormsTest, NothingButZeroAndOneAsksForTheMeaning) {
  const std::string bytes =
      "sentence1\tsentence2\tlabel\nOslo to Bergen\tBergen to Oslo\t0\nA cat\tThe cat\t1\nd\te\t0\n";
  const std::string path = folder_.Write("paws.tsv", bytes);
  EXPECT_THAT(
      ErrorOf([&] { ReadExamples(path, {}); }),
      AllOf(HasSubstr("no labels but 0 and 1 in the column 'label'"),
            HasSubstr("line 2: 0 for 'Oslo to Bergen' and 'Bergen to Oslo'"),
            HasSubstr("line 3: 1 for 'A cat' and 'The cat'"), HasSubstr("`label_scheme` nli")));
  EXPECT_EQ(TextsOf(ReadExamples(path, {.label_scheme = LabelScheme::kParaphrase})),
            (Texts{{"A cat", "The cat"}}));
  EXPECT_EQ(TextsOf(ReadExamples(path, {.label_scheme = LabelScheme::kNli})),
            (Texts{{"Oslo to Bergen", "Bergen to Oslo"}, {"d", "e"}}));
  const ExampleFile open = VisitExamples(path, {}, [](const Example&) {});
  EXPECT_TRUE(open.labels_are_open);
  EXPECT_EQ(open.label_counts, (std::map<std::string, int64_t>{{"0", 2}, {"1", 1}}));
}

TEST_F(FormsTest, NamesOfColumnsTellMoreThanTheScheme) {
  const auto read = [&](const std::string& header, LabelScheme scheme) {
    const std::string path = folder_.Write("f.tsv", header + "\na\tb\t0\nc\td\t1\n");
    return TextsOf(ReadExamples(path, {.label_scheme = scheme}));
  };
  const Texts first = {{"a", "b"}}, second = {{"c", "d"}};
  EXPECT_EQ(read("premise\thypothesis\tlabel", LabelScheme::kParaphrase), first);
  EXPECT_EQ(read("question1\tquestion2\tis_duplicate", LabelScheme::kNli), second);
  EXPECT_EQ(read("sentence1\tsentence2\tlabel", LabelScheme::kNli), first);
  EXPECT_EQ(read("sentence1\tsentence2\tlabel", LabelScheme::kParaphrase), second);
}

TEST_F(FormsTest, TheOtherPairsOfAnAnchorAreItsHardNegatives) {
  const std::string path =
      folder_.Write("paws.tsv", "sentence1\tsentence2\tlabel\na\tb\t1\na\tc\t0\nd\te\t0\n");
  const ExampleFile file =
      ReadExamples(path, {.hard_negatives = true, .label_scheme = LabelScheme::kParaphrase});
  EXPECT_EQ(TextsOf(file), (Texts{{"a", "b", "c"}}));
  EXPECT_EQ(file.dropped.not_the_same, 1);
}

TEST_F(FormsTest, AHeaderOfOtherDelimitersIsNoText) {
  for (const char* bytes :
       {"question;answer\na;b\n", "sentence1\tsentence2\na\tb\n", "id|question|answer\n1|a|b\n",
        "main\tMSRvid\t5.0\ta b\tc d\nmain\tMSRvid\t3.8\te f\tg h\n"}) {
    EXPECT_THAT(ErrorOf([&] { ReadExamples(folder_.Write("f.csv", bytes), {}); }),
                AllOf(HasSubstr("f.csv] has the columns"), HasSubstr("check `delimiter`")));
  }
  EXPECT_EQ(TextsOf(ReadExamples(folder_.Write("f.tsv", "Yes, text.\nNo; or |.\n"), {})),
            (Texts{{"Yes, text."}, {"No; or |."}}));
}

TEST_F(FormsTest, NamesInQuotesAskForQuoting) {
  const std::string path =
      folder_.Write("f.tsv", "\"sentence1\"\t\"sentence2\"\n\"a \"\"b\"\"\"\t\"c d\"\n");
  EXPECT_THAT(ErrorOf([&] { ReadExamples(path, {}); }),
              AllOf(HasSubstr("the column \"sentence1\" in quotes"), HasSubstr("`quoting` csv")));
  EXPECT_EQ(TextsOf(ReadExamples(path, {.table = {.quoting = true}})), (Texts{{"a \"b\"", "c d"}}));
}

TEST_F(FormsTest, ClassesWithUnknownNamesAreNoPair) {
  const std::string rows = "ham,go until\nspam,free entry\nham,ok then\nham,see you\n";
  for (const std::string& bytes : {"Category,Message\n" + rows, rows}) {
    EXPECT_THAT(ErrorOf([&] { ReadExamples(folder_.Write("f.csv", bytes), {}); }),
                AllOf(HasSubstr("has the columns"), HasSubstr("text (with label)")));
  }
}

TEST_F(FormsTest, ANameAboveNumbersIsAHeader) {
  const std::string bytes = "Class Index,Title,Description\n3,Wall St.,Short sellers\n4,a b,c d\n";
  EXPECT_THAT(ErrorOf([&] { ReadExamples(folder_.Write("ag_news.csv", bytes), {}); }),
              AllOf(HasSubstr("(Class Index, Title, Description)"), HasSubstr("rename")));
}

TEST_F(FormsTest, LabelsOfTwoKindsAreAnError) {
  const std::string head = "sentence1\tsentence2\tlabel\n";
  const auto error = [&](const std::string& rows, const ExampleOptions& options = {}) {
    const std::string path = folder_.Write("f.tsv", head + rows);
    return ErrorOf([&] { ReadExamples(path, options); });
  };
  EXPECT_THAT(error("a\tb\tentailment\nc\td\ttrue\n"),
              AllOf(HasSubstr(":3] found the label 'true'"), HasSubstr("entailment")));
  EXPECT_THAT(error("a\tb\t1\nc\td\ttrue\ne\tf\tneutral\n"),
              AllOf(HasSubstr(":4] found the label 'neutral'"), HasSubstr("mean the same")));
  EXPECT_THAT(error("a\tb\t2\nc\td\t0\n", {.label_scheme = LabelScheme::kParaphrase}),
              HasSubstr(":2] found the label '2'"));
  EXPECT_THAT(error("a\tb\t-\nc\td\t4.5\n"), HasSubstr(":3] found the label '4.5'"));
}

TEST_F(FormsTest, AFolderOfShardsIsOneTable) {
  folder_.Write("data/train-00000-of-00002.csv", "sentence1,sentence2\na,b\n");
  folder_.Write("data/train-00001-of-00002.csv", "sentence1,sentence2\nc,d\n");
  folder_.Write("data/test-00000-of-00001.csv", "sentence1,sentence2\ne,f\n");
  folder_.Write("data/README.md", "A set.");
  folder_.Write("data/.hidden.csv", "x\n");
  const ExampleFile file = ReadExamples(folder_ / "data", {.split = "train"});
  EXPECT_EQ(TextsOf(file), (Texts{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(file.dropped.other_split, 1);
  EXPECT_THAT(file.PlaceOf(file.examples[1]), HasSubstr("train-00001-of-00002.csv:2"));
  EXPECT_EQ(ReadExamples(folder_ / "data", {}).examples.size(), 3u);

  folder_.Write("data/train-00002.csv", "sentence1,text2\ng,h\n");
  EXPECT_THAT(ErrorOf([&] { ReadExamples(folder_ / "data", {}); }),
              AllOf(HasSubstr("train-00002.csv:1] found the columns (sentence1, text2)"),
                    HasSubstr("test-00000-of-00001.csv")));
  folder_.Write("mixed/a.csv", "text\na\n");
  folder_.Write("mixed/b.jsonl", "{\"text\": \"a\"}\n");
  EXPECT_THAT(ErrorOf([&] { ReadExamples(folder_ / "mixed", {}); }),
              HasSubstr("another kind of table"));
  folder_.Write("none/a.py", "");
  EXPECT_THAT(ErrorOf([&] { ReadExamples(folder_ / "none", {}); }), HasSubstr("without tables"));
  folder_.Write("arrow/data-00000-of-00001.arrow", "\xFF\xFF\xFF\xFF\x10");
  folder_.Write("arrow/dataset_info.json", "{}");
  EXPECT_THAT(ErrorOf([&] { ReadExamples(folder_ / "arrow", {}); }),
              AllOf(HasSubstr("Arrow"), HasSubstr("lacos.convert")));
}

TEST_F(FormsTest, HeaderlessShardsKeepTheirFirstRows) {
  folder_.Write("parts/a.tsv", "a b\tc d\ne f\tg h\n");
  folder_.Write("parts/b.tsv", "i j\tk l\n");
  EXPECT_EQ(TextsOf(ReadExamples(folder_ / "parts", {})),
            (Texts{{"a b", "c d"}, {"e f", "g h"}, {"i j", "k l"}}));
}

// docs/data.md has a table of all names, in the order of the code.
TEST(KnownColumns, AreThoseOfTheDocs) {
  const std::pair<ColumnRole, const char*> roles[] = {{ColumnRole::kFirst, "first text"},
                                                      {ColumnRole::kSecond, "second text"},
                                                      {ColumnRole::kNegative, "negatives"},
                                                      {ColumnRole::kText, "text alone"},
                                                      {ColumnRole::kSet, "set"},
                                                      {ColumnRole::kLabel, "label"},
                                                      {ColumnRole::kScore, "score"},
                                                      {ColumnRole::kSplit, "split"}};
  std::ifstream file(LACOS_SOURCE_DIR "/docs/data.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const auto& [role, word] : roles) {
    std::string names;
    for (const KnownColumn& known : KnownColumns()) {
      if (known.role == role) names += (names.empty() ? "" : ", ") + std::string(known.name);
    }
    EXPECT_THAT(page, HasSubstr(fmt::format("| {} | {} |", word, names)));
  }
  // The page has the spellings in groups, between commas and semicolons.
  const size_t begin = page.find("Spellings,"), end = page.find("| the file has |");
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos && begin < end);
  const auto items = [](const std::string& list, const char* separators) {
    std::set<std::string> found;
    for (size_t at = 0; at < list.size();) {
      const size_t stop = std::min(list.find_first_of(separators, at), list.size());
      const std::string item = list.substr(at, stop - at);
      const size_t first = item.find_first_not_of(' ');
      if (first != std::string::npos)
        found.insert(item.substr(first, item.find_last_not_of(' ') + 1 - first));
      at = stop + 1;
    }
    return found;
  };
  const std::set<std::string> documented = items(page.substr(begin, end - begin), ",;:.\n");
  const std::set<std::string> spellings = items(LabelSpellings(), ",");
  EXPECT_GT(spellings.size(), 20u);
  for (const std::string& spelling : spellings)
    EXPECT_TRUE(documented.contains(spelling)) << spelling;
}

}  // namespace
}  // namespace lacos
