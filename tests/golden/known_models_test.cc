// Compares predictions with those of transformers, and the check against known facts with models
// that show them, nearly show them, or do not.
#include <gtest/gtest.h>

#include <algorithm>

#include "golden/golden_files.h"
#include "lacos/model/known_models.h"
#include "lacos/model/log_probabilities.h"
#include "lacos/text/tokenizer.h"

namespace lacos {
namespace {

struct Recorded {
  std::vector<int32_t> ids;
  std::vector<double> log_probabilities;
};

Recorded ReadRecorded(const std::string& model) {
  const Json json = Json::ReadFile(GoldenPath("log_probabilities.json")).At(model);
  Recorded recorded;
  const Json ids = json.At("ids"), values = json.At("log_probabilities");
  for (size_t i = 0; i < ids.size(); ++i)
    recorded.ids.push_back(static_cast<int32_t>(ids[i].AsInt()));
  for (size_t i = 0; i < values.size(); ++i)
    recorded.log_probabilities.push_back(values[i].AsDouble());
  return recorded;
}

TEST(LogProbabilities, EqualTransformers) {
  for (const std::string name : {"a", "b", "c"}) {
    const Recorded recorded = ReadRecorded(name);
    const std::vector<double> found =
        LogProbabilities(BaseWeights::Open(GoldenPath(name)), recorded.ids);
    ASSERT_EQ(found.size(), recorded.log_probabilities.size()) << name;
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i], recorded.log_probabilities[i],
                  1e-5 * std::max(1.0, std::abs(recorded.log_probabilities[i])))
          << name << " " << i;
    }
  }
}

TEST(LogProbabilities, OfOneIdAreNone) {
  const std::vector<int32_t> one = {281};
  EXPECT_TRUE(LogProbabilities(BaseWeights::Open(GoldenPath("a")), one).empty());
}

// What is known of model "a" when transformers has said it.
KnownModel FactsOfA() {
  const std::unique_ptr<Tokenizer> tokenizer =
      Tokenizer::FromFile(GoldenPath("a") + "/tokenizer.json", {});
  const Recorded recorded = ReadRecorded("a");
  KnownModel known{.name = "a",
                   .config = BaseWeights::Open(GoldenPath("a"))->config(),
                   .ids = tokenizer->VocabularySize(),
                   .encodings = {{"hello world", {}}},
                   .predicted = {"", recorded.ids},
                   .log_probabilities = recorded.log_probabilities,
                   .tolerance = 1e-3};
  tokenizer->Encode(known.encodings[0].text, known.encodings[0].ids);
  return known;
}

int64_t Different(const std::vector<KnownFact>& facts) {
  return std::count_if(facts.begin(), facts.end(),
                       [](const KnownFact& fact) { return !fact.equal; });
}

TEST(KnownModels, AModelThatShowsAllFactsIsEqual) {
  const KnownModel known = FactsOfA();
  const std::vector<KnownFact> facts = CheckKnownModel(known, GoldenPath("a"));
  EXPECT_EQ(Different(facts), 0);
  EXPECT_EQ(facts.size(), 7 + 1 + 1 + known.log_probabilities.size());
}

TEST(KnownModels, EachKindOfDifferenceIsFound) {
  KnownModel other_prediction = FactsOfA();
  other_prediction.log_probabilities[3] += 0.01;
  EXPECT_EQ(Different(CheckKnownModel(other_prediction, GoldenPath("a"))), 1);

  KnownModel other_ids = FactsOfA();
  other_ids.encodings[0].ids.push_back(1);
  EXPECT_EQ(Different(CheckKnownModel(other_ids, GoldenPath("a"))), 1);

  KnownModel other_shape = FactsOfA();
  other_shape.config.layers = 3;
  // The layers and the parameters differ, and predictions are then not compared.
  const std::vector<KnownFact> facts = CheckKnownModel(other_shape, GoldenPath("a"));
  EXPECT_EQ(Different(facts), 2);
  EXPECT_EQ(facts.size(), 9u);
}

TEST(KnownModels, AllPublishedSizesHaveTheirParameters) {
  // Parameters as published: huggingface.co/bigscience/bloom-560m and its siblings.
  const std::vector<std::pair<std::string_view, int64_t>> published = {
      {"bloom-560m", 559214592}, {"bloom-1b1", 1065314304}, {"bloom-1b7", 1722408960},
      {"bloom-3b", 3002557440},  {"bloom-7b1", 7069016064}, {"bloom", 176247271424}};
  ASSERT_EQ(KnownModels().size(), published.size());
  for (size_t i = 0; i < published.size(); ++i) {
    EXPECT_EQ(KnownModels()[i].name, published[i].first);
    EXPECT_EQ(KnownModels()[i].config.Parameters(), published[i].second);
  }
}

}  // namespace
}  // namespace lacos
