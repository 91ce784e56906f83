// Decides which texts are computed together and when, and which requests are refused because they
// would wait too long. A plain class without threads: the caller says what time it is.
//
// There are two lanes: short requests, and all others. While both wait, each gets half of the time, and
// short ones go first. In a lane, clients take turns (fair_queue.h). However the turns fall, a request
// whose first text has not been computed is taken out of turn when it would otherwise start later than
// `max_wait_seconds` after it arrived.
//
// A batch of short requests ends at the token count that takes `batch_seconds`. If the engine can
// pause, short requests are also computed in the pauses of other batches. So those may take as long for
// each pause, and a token costs less in them: each batch reads all weights from memory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "lacos/serve/schedule/cost_model.h"
#include "lacos/serve/schedule/fair_queue.h"

namespace lacos::serve {

struct SchedulerOptions {
  double batch_seconds = 0.1;
  int64_t pauses = 0;           // in each batch, at equal distances; 0 if the engine cannot pause
  int64_t batch_tokens = 4096;  // the most tokens of a batch, unless a single text has more
  double max_wait_seconds = 10;
  size_t short_texts = 4;      // a request of more texts
  int64_t short_tokens = 512;  // or tokens is not a short one
};

// One text of a batch.
struct BatchText {
  uint64_t request = 0;
  size_t text = 0;  // its index in QueuedRequest::tokens
  int64_t tokens = 0;
  bool is_short = false;  // the lane of its request
};

// kLate: the request should have begun by now; the engine has become slower since it was admitted.
enum class DropReason : uint8_t { kExpired, kAbandoned, kLate };

class Scheduler {
 public:
  Scheduler(const SchedulerOptions& options, const CostModel& cost)
      : options_(options), cost_(cost) {}

  // Seconds until the first text of such a request would be computed, by what is queued and running.
  double ExpectedWait(const QueuedRequest& request, TimePoint now) const;
  // Queues the request, or returns the seconds that it would wait, which are too many for the bound or
  // for its own deadline.
  std::optional<double> Admit(QueuedRequest request, TimePoint now);

  // Removes requests that have expired, whose client has gone, or that can no longer begin within the
  // bound, and reports each. Texts of theirs that are in the running batch are computed all the same.
  void Drop(TimePoint now, const std::function<void(uint64_t request, DropReason)>& report);
  // Removes what is left of a request.
  void Remove(uint64_t request);
  // Removes all requests, also after an exception has left them in the middle of a change. What runs
  // goes on. Needs no memory.
  void Clear();

  // The texts to compute next; empty if nothing waits. The batch runs until Done.
  std::vector<BatchText> Next(TimePoint now);
  // Whether short requests wait that may be computed while the running batch pauses.
  bool WouldRunInPause() const { return pause_distance_ && !short_.empty() && short_credit_ > 0; }
  // The texts of such requests, which run until DonePause; empty if the batch should go on.
  std::vector<BatchText> NextInPause(TimePoint now);
  void DonePause(int64_t computed_tokens, double seconds);
  // The running batch has ended, after it computed so many tokens in so many seconds without its
  // pauses. Zero tokens teach nothing about the speed.
  void Done(int64_t computed_tokens, double seconds);

  bool empty() const { return requests_.empty(); }
  int64_t queued_tokens() const { return short_.tokens() + bulk_.tokens(); }
  int64_t queued_texts() const { return short_.texts() + bulk_.texts(); }
  const CostModel& cost() const { return cost_; }
  // The tokens of a full batch, of short requests and of others, and how many such a batch computes
  // a second.
  double Rate() const { return RateOf(BatchTokens()); }
  double BulkRate() const { return RateOf(BulkTokens()); }
  int64_t BatchTokens() const { return TokensIn(options_.batch_seconds); }
  int64_t BulkTokens() const { return TokensIn(BulkSeconds()); }
  // When the running batch should end; nothing if none runs.
  std::optional<TimePoint> RunningUntil() const { return running_until_; }

 private:
  // The requests of which no text was taken, by age, and the tokens of their first texts.
  class Unstarted {
   public:
    bool empty() const { return requests_.empty(); }
    QueuedRequest& Next() const { return *requests_.begin()->second; }
    const std::map<uint64_t, QueuedRequest*>& requests() const { return requests_; }
    int64_t tokens() const { return tokens_[0] + tokens_[1]; }
    int64_t tokens(bool is_short) const { return tokens_[is_short ? 1 : 0]; }
    void Add(QueuedRequest& request) {
      requests_.emplace(request.id, &request);
      tokens_[request.is_short ? 1 : 0] += request.HeadTokens();
    }
    void Remove(QueuedRequest& request) {
      requests_.erase(request.id);
      tokens_[request.is_short ? 1 : 0] -= request.HeadTokens();
    }

   private:
    std::map<uint64_t, QueuedRequest*> requests_;
    int64_t tokens_[2] = {0, 0};  // of the bulk lane, of the short lane
  };
  FairQueue& QueueOf(const QueuedRequest& request) { return request.is_short ? short_ : bulk_; }
  bool IsShort(const QueuedRequest& request) const;
  bool StartsAreLate(TimePoint now) const;
  double BulkSeconds() const;
  int64_t TokensIn(double seconds) const;
  double RateOf(int64_t tokens) const;
  void Take(QueuedRequest& request, std::vector<BatchText>& batch);
  // The next texts of the queue that fit into so many tokens, and one text of any length.
  template <class Queue>
  std::vector<BatchText> Fill(Queue& queue, int64_t room);

  SchedulerOptions options_;
  CostModel cost_;
  std::map<uint64_t, QueuedRequest> requests_;  // by age; those with texts left to take
  Unstarted unstarted_;
  FairQueue short_, bulk_;
  int64_t short_credit_ = 0;  // tokens that the short lane may take before the other's turn
  std::optional<TimePoint> running_until_;
  // Seconds from one pause of the running batch to the next, if it pauses.
  std::optional<double> pause_distance_;
  double in_pause_ = 0;  // the seconds that what runs in a pause should take
};

}  // namespace lacos::serve
