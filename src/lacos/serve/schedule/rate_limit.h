// What a key may send in a time: texts a second and tokens a minute. A plain class without threads.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "lacos/serve/message.h"
#include "lacos/serve/schedule/time_point.h"

namespace lacos::serve {

// A bucket that fills at a rate up to a size. A request is taken while the bucket is not empty, and
// may leave it in debt, so that a request larger than the bucket is possible.
class TokenBucket {
 public:
  // Seconds until something can be taken; 0 if it can now.
  double Wait(double per_second, double size, TimePoint now) {
    Fill(per_second, size, now);
    return level_ > 0 ? 0 : (1e-9 - level_) / per_second;
  }
  void Take(double amount) { level_ -= amount; }

 private:
  void Fill(double per_second, double size, TimePoint now) {
    if (!filled_) {
      level_ = size;
    } else {
      const double seconds = std::max(SecondsBetween(*filled_, now), 0.0);
      level_ = std::min(size, level_ + per_second * seconds);
    }
    filled_ = now;
  }
  double level_ = 0;
  std::optional<TimePoint> filled_;
};

class KeyLimits {
 public:
  // Takes so many texts and tokens from the key's limits and returns nothing, or returns the seconds
  // after which they can be taken.
  std::optional<double> Take(const ApiKey& key, double texts, double tokens, TimePoint now) {
    if (!key.texts_per_second && !key.tokens_per_minute) return std::nullopt;
    Buckets& buckets = keys_[key.name];
    double wait = 0;
    if (key.texts_per_second)
      wait = buckets.texts.Wait(*key.texts_per_second, *key.texts_per_second, now);
    if (key.tokens_per_minute) {
      wait = std::max(
          wait, buckets.tokens.Wait(*key.tokens_per_minute / 60, *key.tokens_per_minute, now));
    }
    if (wait > 0) return wait;
    buckets.texts.Take(texts);
    buckets.tokens.Take(tokens);
    return std::nullopt;
  }

 private:
  struct Buckets {
    TokenBucket texts, tokens;
  };
  std::map<std::string, Buckets> keys_;
};

}  // namespace lacos::serve
