// The exposition: names, buckets that add up, escaped labels.
#include "lacos/serve/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lacos::serve {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, CountersAndGaugesStandWithHelpAndType) {
  Metrics metrics(2048);
  metrics.Add("lacos_refused", Metrics::Label("why", "overloaded"));
  metrics.Add("lacos_refused", Metrics::Label("why", "overloaded"), 2);
  metrics.Set("te_queue_size", 7);
  const std::string text = metrics.Text();
  EXPECT_THAT(text,
              HasSubstr("# TYPE lacos_refused counter\nlacos_refused{why=\"overloaded\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE te_queue_size gauge\nte_queue_size 7\n"));
  // Counters that nothing has touched are there with zero, so that rates can be taken.
  EXPECT_THAT(text, HasSubstr("te_request_count{method=\"batch\"} 0\n"));
}

TEST(Metrics, HistogramsAreCumulativeWithTheBucketsOfTei) {
  Metrics metrics(512);
  metrics.Observe("te_request_input_length", 1);
  metrics.Observe("te_request_input_length", 3);
  metrics.Observe("te_request_input_length", 512, 2);
  metrics.Observe("te_request_input_length", 100'000);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("te_request_input_length_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("te_request_input_length_bucket{le=\"2\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("te_request_input_length_bucket{le=\"4\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("te_request_input_length_bucket{le=\"512\"} 4\n"));
  EXPECT_THAT(text, Not(HasSubstr("te_request_input_length_bucket{le=\"1024\"}")));
  EXPECT_THAT(text, HasSubstr("te_request_input_length_bucket{le=\"+Inf\"} 5\n"));
  EXPECT_THAT(text,
              HasSubstr("te_request_input_length_sum 101028\nte_request_input_length_count 5\n"));
  size_t buckets = 0;
  for (size_t at = 0; (at = text.find("te_request_duration_bucket{", at)) != std::string::npos;
       ++at)
    ++buckets;
  EXPECT_EQ(buckets, 36u);  // 35 and +Inf
  EXPECT_THAT(text, HasSubstr("te_request_duration_bucket{le=\"1.5000000000000002e-05\"}"));
}

TEST(Metrics, LabelsAreEscaped) {
  EXPECT_EQ(Metrics::Label("name", "a\"b\\c\nd"), R"(name="a\"b\\c\nd")");
}

}  // namespace
}  // namespace lacos::serve
