// Counters, gauges and histograms in the text format of Prometheus. The names that begin with te_, and
// their labels and buckets, are those of text-embeddings-inference, so that its dashboards work.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace lacos::serve {

class Metrics {
 public:
  explicit Metrics(int64_t max_input_length);

  // `labels` is empty, or as they are written: method="single". The family must be one of those that
  // the constructor lists. All may be called from any thread.
  void Add(std::string_view family, const std::string& labels = "", double amount = 1);
  void Set(std::string_view family, double value, const std::string& labels = "");
  void Observe(std::string_view family, double value, uint64_t times = 1);

  double Value(std::string_view family, const std::string& labels = "") const;
  // The exposition, format 0.0.4.
  std::string Text() const;

  // name="value", with the value escaped.
  static std::string Label(std::string_view name, std::string_view value);

 private:
  enum class Kind : uint8_t { kCounter, kGauge, kHistogram };
  struct Family {
    Kind kind = Kind::kCounter;
    std::string help;
    std::map<std::string, double> values;  // by labels
    // Of a histogram: upper bounds, observations up to each, and beyond the last.
    std::vector<double> bounds;
    std::vector<uint64_t> counts;
    double sum = 0;
  };
  void Counter(const std::string& name, const std::string& help,
               std::vector<std::string> labels = {""});
  void Gauge(const std::string& name, const std::string& help);
  void Histogram(const std::string& name, const std::string& help, std::vector<double> bounds);
  Family& Find(std::string_view name);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace lacos::serve
