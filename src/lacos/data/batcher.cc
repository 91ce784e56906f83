#include "lacos/data/batcher.h"

#include <algorithm>
#include <array>

#include <deque>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/rng.h"

namespace lacos {
namespace {

// The units of which batches are made, in random order. A unit is an example, or for kClasses two
// rows of one class.
struct Units {
  struct Unit {
    std::array<int64_t, 2> rows = {-1, -1};  // of the file; the second only for kClasses
    int64_t text_begin = 0, text_end = 0;    // in `texts`
  };
  std::vector<Unit> units;
  std::vector<int32_t> texts;  // ids of texts that no other unit of the same batch may have
  int32_t text_count = 0;      // all ids are below this number

  int64_t size() const { return static_cast<int64_t>(units.size()); }
  std::span<const int32_t> TextsOf(int64_t unit) const {
    const Unit& u = units[static_cast<size_t>(unit)];
    return std::span(texts).subspan(static_cast<size_t>(u.text_begin),
                                    static_cast<size_t>(u.text_end - u.text_begin));
  }
  int64_t RowCount(int64_t unit) const {
    return units[static_cast<size_t>(unit)].rows[1] < 0 ? 1 : 2;
  }
};

// Numbers the texts of a file; equal texts get the same number. Unit i has the texts of row i. The
// rows are visited in the order of the file, because a shuffled walk would miss the cache at each
// text.
Units NumberTexts(const ExampleFile& file) {
  Units units;
  units.units.reserve(file.examples.size());
  std::unordered_map<std::string_view, int32_t> ids;
  ids.reserve(2 * file.examples.size());
  for (size_t row = 0; row < file.examples.size(); ++row) {
    const auto begin = static_cast<int64_t>(units.texts.size());
    for (const std::string& text : file.examples[row].texts) {
      units.texts.push_back(ids.emplace(text, static_cast<int32_t>(ids.size())).first->second);
    }
    units.units.push_back(
        {{static_cast<int64_t>(row), -1}, begin, static_cast<int64_t>(units.texts.size())});
  }
  units.text_count = static_cast<int32_t>(ids.size());
  return units;
}

// Makes units of two texts of one class, using each text once. Rows that are left over are counted:
// the odd one of a class, and repeated texts. Rows arrive in random order, so the couples differ
// between epochs.
Units CoupleClasses(const ExampleFile& file, const Units& single, const std::vector<int64_t>& order,
                    int64_t& left_out) {
  Units couples;
  couples.text_count = single.text_count;
  std::vector<int64_t> waiting(file.class_names.size(), -1);
  std::unordered_set<uint64_t> seen;  // (class, text)
  for (const int64_t row : order) {
    const auto label = static_cast<size_t>(file.examples[static_cast<size_t>(row)].label);
    const int32_t text = single.TextsOf(row)[0];
    if (!seen.insert(static_cast<uint64_t>(label) << 32 | static_cast<uint32_t>(text)).second) {
      ++left_out;
      continue;
    }
    if (waiting[label] < 0) {
      waiting[label] = row;
      continue;
    }
    const int64_t partner = std::exchange(waiting[label], -1);
    const auto begin = static_cast<int64_t>(couples.texts.size());
    couples.texts.push_back(single.TextsOf(partner)[0]);
    couples.texts.push_back(text);
    couples.units.push_back({{partner, row}, begin, begin + 2});
  }
  left_out += std::count_if(waiting.begin(), waiting.end(), [](int64_t row) { return row >= 0; });
  return couples;
}

Units MakeUnits(const ExampleFile& file, Random& random, int64_t& left_out) {
  const std::vector<int64_t> order =
      RandomPermutation(static_cast<int64_t>(file.examples.size()), random);
  // A score or label concerns one pair, and no other row of the batch serves as a negative. So
  // texts may repeat.
  if (file.kind == ExampleKind::kScored || file.kind == ExampleKind::kLabelled) {
    Units units;
    for (const int64_t row : order) units.units.push_back({{row, -1}, 0, 0});
    return units;
  }
  Units units = NumberTexts(file);
  if (file.kind == ExampleKind::kClasses) return CoupleClasses(file, units, order, left_out);
  std::vector<Units::Unit> shuffled;
  shuffled.reserve(order.size());
  for (const int64_t row : order) shuffled.push_back(units.units[static_cast<size_t>(row)]);
  units.units = std::move(shuffled);
  return units;
}

// Fills batches greedily. A unit that collides with the batch waits in the queue of the text that
// collided. Only the first unit of a queue can enter the next batch, because the others share that
// text with it. So a text that occurs k times costs k steps instead of k².
class GreedyBatcher {
 public:
  GreedyBatcher(const Units& units, int64_t batch_size)
      : units_(units), batch_size_(static_cast<size_t>(batch_size)) {
    used_in_.assign(static_cast<size_t>(units.text_count), -1);
    queues_.resize(static_cast<size_t>(units.text_count));
    behind_.assign(static_cast<size_t>(units.size()), -1);
  }

  // The batches, as positions in `units`.
  std::vector<std::vector<int64_t>> Run() {
    while (next_ < units_.size() || !ready_.empty()) {
      batches_.emplace_back();
      FillFromQueues();
      while (!Full() && next_ < units_.size()) {
        const int64_t unit = next_++;
        if (!Take(unit)) Wait(unit);
      }
      for (const int32_t text : later_) ready_.push_back(text);
      later_.clear();
    }
    return std::move(batches_);
  }

 private:
  bool Full() const { return batches_.back().size() == batch_size_; }

  int32_t Collision(int64_t unit) const {
    const auto batch = static_cast<int32_t>(batches_.size());
    for (const int32_t text : units_.TextsOf(unit)) {
      if (used_in_[text] == batch) return text;
    }
    return -1;
  }

  bool Take(int64_t unit) {
    if (Collision(unit) >= 0) return false;
    for (const int32_t text : units_.TextsOf(unit))
      used_in_[text] = static_cast<int32_t>(batches_.size());
    batches_.back().push_back(unit);
    return true;
  }

  void Wait(int64_t unit) {
    Queue& queue = queues_[Collision(unit)];
    if (queue.front < 0) {
      queue.front = unit;
      later_.push_back(Collision(unit));
    } else {
      behind_[queue.back] = unit;
    }
    queue.back = unit;
  }

  // Adds units that have waited before all others, one queue after the other.
  void FillFromQueues() {
    while (!ready_.empty() && !Full()) {
      const int32_t text = ready_.front();
      ready_.pop_front();
      Queue& queue = queues_[text];
      // Goes on until the text is in this batch. A unit that collides on another text moves to the
      // queue of that text.
      while (queue.front >= 0 && used_in_[text] != static_cast<int32_t>(batches_.size())) {
        const int64_t unit = queue.front;
        queue.front = std::exchange(behind_[unit], -1);
        if (!Take(unit)) Wait(unit);
      }
      if (queue.front >= 0) later_.push_back(text);
    }
  }

  struct Queue {
    int64_t front = -1, back = -1;  // units; linked by behind_
  };

  const Units& units_;
  size_t batch_size_;
  std::vector<int32_t> used_in_;  // for each text, the latest batch (counted from 1) that has it
  std::vector<Queue> queues_;     // for each text, the units that wait for a batch without it
  std::vector<int64_t> behind_;   // for each unit, the next one in its queue, or -1
  std::deque<int32_t> ready_;     // texts whose queues are considered for the next batch
  std::vector<int32_t> later_;    // texts whose queues are considered for the batch after that
  int64_t next_ = 0;
  std::vector<std::vector<int64_t>> batches_;
};

bool Collide(std::span<const int32_t> a, std::span<const int32_t> b) {
  return std::any_of(a.begin(), a.end(),
                     [&](int32_t text) { return std::find(b.begin(), b.end(), text) != b.end(); });
}

// A batch of one unit has no negatives. It gets a partner from the end of a batch with three units
// or more; if there is none, it is left out.
int64_t PairSingles(const Units& units, std::vector<std::vector<int64_t>>& batches) {
  int64_t left_out = 0;
  size_t donor = 0;
  for (auto& single : batches) {
    if (single.size() != 1) continue;
    bool found = false;
    while (donor < batches.size() && batches[donor].size() < 3) ++donor;
    for (size_t d = donor; d < batches.size() && !found; ++d) {
      auto& giver = batches[d];
      for (size_t i = giver.size(); i-- > 0 && giver.size() >= 3 && !found;) {
        if (Collide(units.TextsOf(giver[i]), units.TextsOf(single[0]))) continue;
        single.push_back(giver[i]);
        giver.erase(giver.begin() + static_cast<std::ptrdiff_t>(i));
        found = true;
      }
    }
    if (!found) {
      left_out += units.RowCount(single[0]);
      single.clear();
    }
  }
  std::erase_if(batches, [](const auto& batch) { return batch.empty(); });
  return left_out;
}

// The batches of one file, in the order in which they were filled.
std::vector<Batch> MakeFileBatches(const ExampleFile& file, int32_t index,
                                   const BatchOptions& options, int64_t epoch, int64_t& left_out) {
  Random random(options.seed, RandomStream::kShuffle,
                Mix64(static_cast<uint64_t>(epoch), static_cast<uint64_t>(index)));
  const Units units = MakeUnits(file, random, left_out);
  std::vector<std::vector<int64_t>> filled = GreedyBatcher(units, options.batch_size).Run();
  if (options.drop_last) {
    std::erase_if(filled, [&](const auto& batch) {
      if (static_cast<int64_t>(batch.size()) == options.batch_size) return false;
      for (const int64_t unit : batch) left_out += units.RowCount(unit);
      return true;
    });
  } else if (options.batch_size > 1) {
    left_out += PairSingles(units, filled);
  }
  std::vector<Batch> batches;
  for (const auto& positions : filled) {
    Batch batch{.file = index};
    for (const int64_t unit : positions) {
      for (const int64_t row : units.units[static_cast<size_t>(unit)].rows) {
        if (row >= 0) batch.examples.push_back(row);
      }
    }
    batches.push_back(std::move(batch));
  }
  return batches;
}

}  // namespace

Epoch MakeEpoch(const std::vector<ExampleFile>& files, const BatchOptions& options, int64_t epoch) {
  LACOS_CHECK(options.batch_size >= 1, "a batch has room for an example");
  Epoch result;
  std::vector<std::vector<Batch>> queues;
  std::vector<int64_t> remaining;  // examples, by file
  size_t total = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    queues.push_back(
        MakeFileBatches(files[i], static_cast<int32_t>(i), options, epoch, result.left_out));
    remaining.push_back(0);
    for (const Batch& batch : queues.back())
      remaining.back() += static_cast<int64_t>(batch.examples.size());
    total += queues.back().size();
  }

  Random random(options.seed, RandomStream::kBatch, static_cast<uint64_t>(epoch));
  std::vector<size_t> taken(files.size(), 0);
  size_t turn = 0;
  while (result.batches.size() < total) {
    size_t file = 0;
    if (options.mix == Mix::kRoundRobin) {
      while (taken[turn] == queues[turn].size()) turn = (turn + 1) % files.size();
      file = turn;
      turn = (turn + 1) % files.size();
    } else {
      int64_t sum = 0;
      for (const int64_t n : remaining) sum += n;
      auto ticket = static_cast<int64_t>(random.Below(static_cast<uint64_t>(sum)));
      while (ticket >= remaining[file]) ticket -= remaining[file++];
    }
    Batch& batch = queues[file][taken[file]++];
    remaining[file] -= static_cast<int64_t>(batch.examples.size());
    result.batches.push_back(std::move(batch));
  }
  return result;
}

}  // namespace lacos
