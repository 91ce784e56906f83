// Keeps the vectors of texts that were computed lately, up to a number of bytes. The key is
// everything that a vector depends on.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lacos::serve {

class VectorCache {
 public:
  using Vector = std::shared_ptr<const std::vector<float>>;

  explicit VectorCache(int64_t bytes) : limit_(bytes) {}

  // The vector of the key, or null. It is then the one that was used last.
  Vector Find(const std::string& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->second;
  }

  void Add(const std::string& key, const Vector& vector) {
    const int64_t size = SizeOfEntry(key, *vector);
    if (size > limit_ || places_.contains(key)) return;
    entries_.emplace_front(key, vector);
    places_.emplace(entries_.front().first, entries_.begin());
    bytes_ += size;
    while (bytes_ > limit_) {
      const auto& [last, value] = entries_.back();
      bytes_ -= SizeOfEntry(last, *value);
      places_.erase(last);
      entries_.pop_back();
    }
  }

  bool enabled() const { return limit_ > 0; }
  int64_t bytes() const { return bytes_; }

 private:
  static int64_t SizeOfEntry(const std::string& key, const std::vector<float>& vector) {
    constexpr int64_t kNodes = 200;  // two nodes, a control block and their allocations
    return kNodes + static_cast<int64_t>(key.size() + vector.size() * sizeof(float));
  }

  const int64_t limit_;
  int64_t bytes_ = 0;
  std::list<std::pair<std::string, Vector>> entries_;  // the last used first
  std::unordered_map<std::string_view, std::list<std::pair<std::string, Vector>>::iterator> places_;
};

}  // namespace lacos::serve
