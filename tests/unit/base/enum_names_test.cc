// Tables of the words of enumerations: every value has a word, every word gives its value, and
// unknown words give none.
#include "lacos/base/enum_names.h"

#include <gtest/gtest.h>

#include <set>

#include "lacos/base/compute.h"
#include "lacos/base/pooling.h"

namespace lacos {
namespace {

TEST(EnumNames, EveryWordIsReadBackAsItsValue) {
  for (const PoolingNames& names : kPoolingNames) {
    EXPECT_EQ(Parse<Pooling>(names.word), names.value);
    EXPECT_EQ(Name(names.value), names.word);
  }
  for (const ComputeNames& names : kComputeNames)
    EXPECT_EQ(Parse<Compute>(Name(names.value)), names.value);
}

TEST(EnumNames, AnUnknownWordIsNoValue) {
  EXPECT_EQ(Parse<Pooling>("average"), std::nullopt);
  EXPECT_EQ(Parse<Pooling>(""), std::nullopt);
  EXPECT_EQ(Parse<Pooling>("Mean"), std::nullopt);
  EXPECT_EQ(Parse<Pooling>("lasttoken"), std::nullopt);  // this word belongs to another column
  EXPECT_EQ(kPoolingNames.Find("lasttoken", &PoolingNames::module_word)->value, Pooling::kLast);
  EXPECT_EQ(kPoolingNames.Find("last", &PoolingNames::module_word), nullptr);
}

TEST(EnumNames, WordsAreListedInTheTablesOrder) {
  EXPECT_EQ(WordsOf<Compute>(), (std::vector<std::string>{"f32", "bf16", "int8"}));
  EXPECT_EQ(OneOfWords(WordsOf<Compute>()), "f32, bf16 or int8");
  EXPECT_EQ(OneOfWords({"f32"}), "f32");
}

TEST(EnumNames, PlacesAndNumbersOfPoolingsAreDistinct) {
  std::set<int> places;
  std::set<int32_t> numbers;
  for (const PoolingNames& names : kPoolingNames) {
    places.insert(names.module_place);
    numbers.insert(names.c_value);
  }
  EXPECT_EQ(places.size(), kPoolingNames.size());
  EXPECT_EQ(numbers.size(), kPoolingNames.size());
}

}  // namespace
}  // namespace lacos
