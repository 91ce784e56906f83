// Words that were probably meant, and sizes as people write them.
#include <gtest/gtest.h>

#include "lacos/base/similar_words.h"
#include "lacos/base/size_text.h"

namespace lacos {
namespace {

TEST(SimilarWords, AWordWithATypingErrorIsFound) {
  const std::vector<std::string> known = {"batch_size", "max_length", "epochs", "lora_rank"};
  EXPECT_EQ(MostLike("batchsize", known), "batch_size");
  EXPECT_EQ(MostLike("epcohs", known), "epochs");
  EXPECT_EQ(MostLike("max", known), "max_length");
  EXPECT_EQ(MostLike("quiet", known), "");
  EXPECT_EQ(MostLike("--epoch", {"--epochs"}), "--epochs");
  EXPECT_EQ(DidYouMean("epcohs", known), "; did you mean 'epochs'?");
  EXPECT_EQ(DidYouMean("quiet", known), "");
}

TEST(SizeText, UnitsArePowersOfTenOrOfTwo) {
  EXPECT_EQ(ParseSize("123456"), 123456);
  EXPECT_EQ(ParseSize("6GB"), 6'000'000'000);
  EXPECT_EQ(ParseSize("1.5 GiB"), 1'610'612'736);
  EXPECT_EQ(ParseSize("900mb"), 900'000'000);
  for (const char* wrong : {"", "much", "6 apples", "-1GB", "0", "9e30", "nan"})
    EXPECT_EQ(ParseSize(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace lacos
