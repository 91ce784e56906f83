// Hashes of training texts: which texts count as the same, and the file that stores the hashes.
#include "lacos/data/training_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/io/atomic_file.h"

namespace lacos {
namespace {

using testing::HasSubstr;

std::string Write(const std::string& name, const std::string& contents) {
  const std::string path = testing::TempDir() + "lacos-" + name;
  WriteFileAtomically(path, contents);
  return path;
}

TEST(Sha256Prefix, IsTheBeginningOfTheHash) {
  EXPECT_EQ(Sha256Prefix("abc"), 0xba7816bf8f01cfeaULL);  // the example of FIPS 180-2
}

TEST(TrainingTexts, FindTextsAndPairsExactlyAndInOtherWords) {
  TrainingTexts texts;
  texts.AddExample({"A man plays.", "Someone plays.", "Nobody plays."});
  texts.AddExample({"?!"});
  EXPECT_EQ(texts.FindText("A man plays."), Seen::kExactly);
  EXPECT_EQ(texts.FindText("a man plays"), Seen::kNormalized);
  EXPECT_EQ(texts.FindText("a man sings"), Seen::kNo);
  EXPECT_EQ(texts.FindPair("A man plays.", "Nobody plays."), Seen::kExactly);
  EXPECT_EQ(texts.FindPair("someone plays", "a man plays ."), Seen::kNormalized)
      << "in either order";
  EXPECT_EQ(texts.FindPair("Someone plays.", "Nobody plays."), Seen::kNo)
      << "never beside each other";
  EXPECT_EQ(texts.FindText("?!"), Seen::kExactly);
  EXPECT_EQ(texts.FindText("..."), Seen::kNo) << "texts without a letter are not all the same";
  EXPECT_EQ(texts.texts(), 4);
  EXPECT_EQ(texts.pairs(), 2);
}

TEST(TrainingTexts, FindLettersThatAreComposedDifferently) {
  TrainingTexts texts;
  texts.AddExample({"Caf\u00e9 Stra\u00dfe", "\u0112\u0160\u0179"});
  EXPECT_EQ(texts.FindText("Cafe\u0301 Stra\u00dfe"), Seen::kNormalized);
  EXPECT_EQ(texts.FindPair("caf\u00e9 STRASSE", "e\u0304s\u030cz\u0301"), Seen::kNormalized);
  EXPECT_EQ(texts.FindText("Cafe Strasse"), Seen::kNo) << "accents tell words apart";
}

TEST(TrainingTexts, TheFileIsAFunctionOfTheSetOfExamples) {
  TrainingTexts one, other, merged;
  one.AddExample({"a b", "c d"});
  one.AddExample({"e f", "g h"});
  other.AddExample({"e f", "g h"});
  other.AddExample({"a b", "c d"});
  other.AddExample({"a b", "c d"});
  EXPECT_EQ(one.Bytes(), other.Bytes());
  merged.AddExample({"x", "y"});
  merged.Merge(one);
  EXPECT_EQ(merged.FindPair("a b", "c d"), Seen::kExactly);
  EXPECT_EQ(merged.texts(), 6);
  const TrainingTexts read = TrainingTexts::Read(Write("texts.bin", one.Bytes()));
  EXPECT_EQ(read.Bytes(), one.Bytes());
  EXPECT_EQ(read.FindText("A B!"), Seen::kNormalized);
}

TEST(TrainingTexts, AFileOfAnEarlierVersionIsReadAndKnownAsOne) {
  TrainingTexts texts;
  texts.AddExample({"a b", "c d"});
  std::string bytes = texts.Bytes();
  EXPECT_FALSE(TrainingTexts::Read(Write("texts.bin", bytes)).has_earlier_form());
  bytes[7] = '1';
  const TrainingTexts earlier = TrainingTexts::Read(Write("texts.bin", bytes));
  EXPECT_TRUE(earlier.has_earlier_form());
  EXPECT_EQ(earlier.FindText("A B"), Seen::kNormalized);
  TrainingTexts merged;
  merged.Merge(earlier);
  EXPECT_TRUE(merged.has_earlier_form());
  EXPECT_EQ(merged.Bytes(), bytes) << "a file with earlier hashes stays known as one";
}

TEST(TrainingTexts, DamagedFilesAreRefused) {
  TrainingTexts texts;
  texts.AddExample({"a b", "c d"});
  const std::string whole = texts.Bytes();
  const auto refuse = [&](const std::string& bytes, const std::string& part) {
    try {
      TrainingTexts::Read(Write("damaged.bin", bytes));
      FAIL() << "accepted " << part;
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  };
  refuse("", "beginning");
  refuse("another file altogether, of some length beyond the header", "beginning");
  refuse(whole.substr(0, whole.size() - 1), "bytes where its lists take");
  refuse(whole + "x", "bytes where its lists take");
  std::string huge = whole;
  huge[15] = '\x7f';
  refuse(huge, "announces");
  std::string swapped = whole;
  for (int i = 0; i < 8; ++i) std::swap(swapped[40 + i], swapped[48 + i]);
  refuse(swapped, "not sorted");
}

TEST(AddTrainingFile, TakesEveryTextWhateverItsLabel) {
  TrainingTexts texts;
  AddTrainingFile(
      Write("nli.tsv", "gold_label\tsentence1\tsentence2\nneutral\tone\ttwo\n-\tthree\tfour\n"), {},
      texts);
  AddTrainingFile(Write("triplets.jsonl",
                        "{\"anchor\": \"five\", \"positive\": \"six\", \"negative\": \"seven\"}\n"),
                  {}, texts);
  AddTrainingFile(Write("plain.txt", "eight\nnine\n"), {}, texts);
  for (const char* text :
       {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}) {
    EXPECT_EQ(texts.FindText(text), Seen::kExactly) << text;
  }
  EXPECT_EQ(texts.FindPair("five", "seven"), Seen::kExactly);
  EXPECT_EQ(texts.FindPair("eight", "nine"), Seen::kNo);
  EXPECT_THROW(AddTrainingFile(Write("other.tsv", "a\tb\n1\t2\n"), {}, texts), UserError);
}

}  // namespace
}  // namespace lacos
