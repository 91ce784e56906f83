#include "lacos/serve/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lacos/base/check.h"

namespace lacos::serve {
namespace {

// Source: router/src/prometheus.rs of text-embeddings-inference.
std::vector<double> DurationBounds() {
  std::vector<double> bounds;
  double value = 1e-5;
  for (int i = 0; i < 35; ++i) bounds.push_back(value *= 1.5);
  return bounds;
}

std::vector<double> Powers(int count, double most = 1e300) {
  std::vector<double> bounds;
  for (int i = 0; i < count && std::ldexp(1.0, i) <= most; ++i)
    bounds.push_back(std::ldexp(1.0, i));
  return bounds;
}

std::string WithBraces(const std::string& labels) {
  return labels.empty() ? "" : "{" + labels + "}";
}

}  // namespace

Metrics::Metrics(int64_t max_input_length) {
  const std::vector<std::string> methods = {Label("method", "single"), Label("method", "batch")};
  Counter("te_request_count", "Requests for vectors, by whether they hold one text or a list",
          methods);
  Counter("te_request_success", "Requests for vectors that were answered with 200", methods);
  Counter("te_request_failure", "Requests that were answered with an error, by its kind", {});
  Counter("te_embed_count", "Texts that were admitted");
  Counter("te_embed_success", "Texts whose vectors were sent");
  for (const char* prefix : {"te_request", "te_embed"}) {
    const std::string what = prefix == std::string_view("te_request") ? "requests" : "texts";
    Histogram(fmt::format("{}_duration", prefix), "Seconds from arrival to reply, of " + what,
              DurationBounds());
    Histogram(fmt::format("{}_tokenization_duration", prefix), "Seconds of tokenizing, of " + what,
              DurationBounds());
    Histogram(fmt::format("{}_queue_duration", prefix), "Seconds in the queue, of " + what,
              DurationBounds());
    Histogram(fmt::format("{}_inference_duration", prefix), "Seconds of computing, of " + what,
              DurationBounds());
  }
  Histogram("te_request_input_length", "Tokens of a request",
            Powers(20, static_cast<double>(max_input_length)));
  Histogram("te_batch_next_size", "Texts of a batch", Powers(13));
  Histogram("te_batch_next_tokens", "Tokens of a batch", Powers(21));
  Gauge("te_queue_size", "Texts in the queue");
  Gauge("lacos_queue_tokens", "Tokens in the queue");
  Gauge("lacos_wait_seconds", "Seconds that all of the queue takes at the measured rate");
  Gauge("lacos_rate_tokens_per_second", "The measured rate of full batches");
  Gauge("lacos_connections", "Open connections");
  Gauge("lacos_draining", "1 while the server stops");
  Counter("lacos_truncated", "Texts that were cut at the model's length");
  Counter("lacos_empty", "Texts without tokens, which got the zero vector");
  Counter("lacos_expired", "Requests that were not computed because their time was over");
  Counter("lacos_abandoned", "Requests that were not computed because their client had gone");
  Counter("lacos_failed_batches", "Batches that failed and were computed again text by text");
  Counter("lacos_computed_tokens", "Tokens that ran through the model");
  Counter("lacos_cache_hits", "Texts whose vectors were in the cache");
  Counter("lacos_refused", "Requests that were refused, by the reason", {});
  Counter("lacos_adapter", "Texts whose vectors were sent, by the name of the model", {});
  Counter("lacos_http_connections", "Connections that were accepted");
  Counter("lacos_http_connections_refused",
          "Connections that were closed because there were too many");
  Counter("lacos_http_requests", "Heads of requests that were read");
  Counter("lacos_http_refusals", "Requests that HTTP itself refused");
  Histogram("lacos_batch_ms", "Milliseconds of a batch",
            {1, 2, 5, 10, 20, 50, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10000, 30000});
}

void Metrics::Counter(const std::string& name, const std::string& help,
                      std::vector<std::string> labels) {
  Family& family = families_[name];
  family.help = help;
  for (std::string& label : labels) family.values.emplace(std::move(label), 0);
}

void Metrics::Gauge(const std::string& name, const std::string& help) {
  Family& family = families_[name];
  family.kind = Kind::kGauge;
  family.help = help;
  family.values.emplace("", 0);
}

void Metrics::Histogram(const std::string& name, const std::string& help,
                        std::vector<double> bounds) {
  Family& family = families_[name];
  family.kind = Kind::kHistogram;
  family.help = help;
  family.counts.assign(bounds.size() + 1, 0);
  family.bounds = std::move(bounds);
}

Metrics::Family& Metrics::Find(std::string_view name) {
  const auto found = families_.find(name);
  LACOS_CHECK(found != families_.end(), "a metric is one of the list");
  return found->second;
}

void Metrics::Add(std::string_view family, const std::string& labels, double amount) {
  const std::lock_guard lock(mutex_);
  Find(family).values[labels] += amount;
}

void Metrics::Set(std::string_view family, double value, const std::string& labels) {
  const std::lock_guard lock(mutex_);
  Find(family).values[labels] = value;
}

void Metrics::Observe(std::string_view family, double value, uint64_t times) {
  const std::lock_guard lock(mutex_);
  Family& histogram = Find(family);
  const auto bound = std::lower_bound(histogram.bounds.begin(), histogram.bounds.end(), value);
  histogram.counts[static_cast<size_t>(bound - histogram.bounds.begin())] += times;
  histogram.sum += value * static_cast<double>(times);
}

double Metrics::Value(std::string_view family, const std::string& labels) const {
  const std::lock_guard lock(mutex_);
  const auto found = families_.find(family);
  if (found == families_.end()) return 0;
  if (found->second.kind == Kind::kHistogram) {
    double count = 0;
    for (const uint64_t n : found->second.counts) count += static_cast<double>(n);
    return count;
  }
  const auto value = found->second.values.find(labels);
  return value == found->second.values.end() ? 0 : value->second;
}

std::string Metrics::Label(std::string_view name, std::string_view value) {
  std::string text = fmt::format("{}=\"", name);
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text + '"';
}

std::string Metrics::Text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  const auto line = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
    out += '\n';
  };
  for (const auto& [name, family] : families_) {
    line("# HELP {} {}", name, family.help);
    if (family.kind != Kind::kHistogram) {
      line("# TYPE {} {}", name, family.kind == Kind::kCounter ? "counter" : "gauge");
      for (const auto& [labels, value] : family.values)
        line("{}{} {}", name, WithBraces(labels), value);
      continue;
    }
    line("# TYPE {} histogram", name);
    uint64_t below = 0;
    for (size_t i = 0; i < family.bounds.size(); ++i) {
      below += family.counts[i];
      line("{}_bucket{{le=\"{}\"}} {}", name, family.bounds[i], below);
    }
    below += family.counts.back();
    line("{}_bucket{{le=\"+Inf\"}} {}", name, below);
    line("{}_sum {}", name, family.sum);
    line("{}_count {}", name, below);
  }
  return out;
}

}  // namespace lacos::serve
