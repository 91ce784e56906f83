#include "lacos/serve/schedule/scheduler.h"

#include <algorithm>

#include "lacos/base/check.h"

namespace lacos::serve {
namespace {

int64_t TokensOf(const std::vector<BatchText>& batch) {
  int64_t tokens = 0;
  for (const BatchText& text : batch) tokens += text.tokens;
  return tokens;
}

// Requests are admitted up to this share of the bound, because the measured rate varies.
constexpr double kAdmittedShare = 0.9;

}  // namespace

int64_t Scheduler::TokensIn(double seconds) const {
  return std::min(cost_.TokensIn(seconds), options_.batch_tokens);
}

double Scheduler::RateOf(int64_t tokens) const {
  return static_cast<double>(tokens) / cost_.Seconds(tokens);
}

// Not so long that short requests wait for more than a batch of theirs until the next pause, or that
// nothing else can start in time.
double Scheduler::BulkSeconds() const {
  const double until_pauses = static_cast<double>(options_.pauses) * options_.batch_seconds;
  return std::max(options_.batch_seconds, std::min(until_pauses, options_.max_wait_seconds / 4));
}

bool Scheduler::IsShort(const QueuedRequest& request) const {
  return request.tokens.size() <= options_.short_texts &&
         request.TokensLeft() <= options_.short_tokens;
}

double Scheduler::ExpectedWait(const QueuedRequest& request, TimePoint now) const {
  const bool is_short = IsShort(request);
  const FairQueue& own = is_short ? short_ : bulk_;
  const FairQueue& other = is_short ? bulk_ : short_;
  const int64_t in_lane = own.TokensAhead(request.key, request.connection);
  const int64_t ahead = in_lane + std::min(other.tokens(), in_lane);
  // Those that arrived earlier must start in time, too. A lane has half of the time while both wait.
  const int64_t starts =
      std::max(unstarted_.tokens(),
               own.empty() || other.empty() ? int64_t{0} : 2 * unstarted_.tokens(is_short));
  const double rate = is_short ? Rate() : BulkRate();
  const double seconds = static_cast<double>(std::max(ahead, starts)) / rate;
  double running = running_until_ ? std::max(SecondsBetween(now, *running_until_), 0.0) : 0.0;
  if (is_short && pause_distance_ && short_credit_ > 0)
    running = std::min(running, *pause_distance_);
  return running + seconds;
}

std::optional<double> Scheduler::Admit(QueuedRequest request, TimePoint now) {
  LACOS_CHECK(!request.tokens.empty() && request.next == 0, "a request has a text to compute");
  const double wait = ExpectedWait(request, now);
  if (wait > kAdmittedShare * options_.max_wait_seconds) return wait;
  if (After(now, wait) >= request.deadline) return wait;
  request.is_short = IsShort(request);
  request.start_by = After(now, options_.max_wait_seconds);
  const uint64_t id = request.id;
  const auto [place, is_new] = requests_.emplace(id, std::move(request));
  LACOS_CHECK(is_new, "requests have different ids");
  QueueOf(place->second).Add(place->second);
  unstarted_.Add(place->second);
  return std::nullopt;
}

void Scheduler::Remove(uint64_t request) {
  const auto found = requests_.find(request);
  if (found == requests_.end()) return;
  if (!found->second.Started()) unstarted_.Remove(found->second);
  QueueOf(found->second).Remove(found->second);
  requests_.erase(found);
}

void Scheduler::Clear() {
  requests_.clear();
  unstarted_ = {};
  short_ = {};
  bulk_ = {};
  short_credit_ = 0;
}

void Scheduler::Drop(TimePoint now, const std::function<void(uint64_t, DropReason)>& report) {
  std::vector<std::pair<uint64_t, DropReason>> dropped;
  for (const auto& [id, request] : requests_) {
    if (request.abandoned != nullptr && request.abandoned->load(std::memory_order_relaxed)) {
      dropped.emplace_back(id, DropReason::kAbandoned);
    } else if (request.deadline <= now) {
      dropped.emplace_back(id, DropReason::kExpired);
    } else if (!request.Started() &&
               After(request.start_by, request.is_short ? options_.batch_seconds : BulkSeconds()) <
                   now) {
      dropped.emplace_back(id, DropReason::kLate);
    }
  }
  for (const auto& [id, reason] : dropped) {
    Remove(id);
    report(id, reason);
  }
}

void Scheduler::Take(QueuedRequest& request, std::vector<BatchText>& batch) {
  const int64_t tokens = request.HeadTokens();
  if (!request.Started()) unstarted_.Remove(request);
  const size_t text = QueueOf(request).Take(request);
  batch.push_back(
      {.request = request.id, .text = text, .tokens = tokens, .is_short = request.is_short});
  if (request.next == request.tokens.size()) requests_.erase(request.id);
}

template <class Queue>
std::vector<BatchText> Scheduler::Fill(Queue& queue, int64_t room) {
  std::vector<BatchText> batch;
  while (!queue.empty()) {
    QueuedRequest& request = queue.Next();
    const int64_t tokens = request.HeadTokens();
    if (!batch.empty() && tokens > room) break;
    room -= tokens;
    Take(request, batch);
  }
  return batch;
}

// Whether a request would start too late unless the first texts of all that arrived before it are
// computed from now on. The next decision comes after a batch, which may be one long text.
bool Scheduler::StartsAreLate(TimePoint now) const {
  const double rate = Rate();
  const double batch = bulk_.empty()
                           ? options_.batch_seconds
                           : std::max(BulkSeconds(), cost_.Seconds(bulk_.Next().HeadTokens()));
  int64_t tokens = 0;
  for (const auto& [id, request] : unstarted_.requests()) {
    tokens += request->HeadTokens();
    const double left = SecondsBetween(now, request->start_by) - batch;
    if (static_cast<double>(tokens) / rate > left) return true;
  }
  return false;
}

std::vector<BatchText> Scheduler::Next(TimePoint now) {
  std::vector<BatchText> batch;
  if (requests_.empty()) return batch;
  if (StartsAreLate(now)) {
    batch = Fill(unstarted_, BatchTokens());
    for (const BatchText& text : batch) {
      if (text.is_short && !bulk_.empty()) short_credit_ -= text.tokens;
    }
  } else if (!short_.empty() && (bulk_.empty() || short_credit_ > 0)) {
    batch = Fill(short_, BatchTokens());
    // A lane that waits alone owes nothing.
    if (bulk_.empty()) {
      short_credit_ = BatchTokens();
    } else {
      short_credit_ -= TokensOf(batch);
    }
  } else {
    batch = Fill(bulk_, BulkTokens());
    const int64_t tokens = TokensOf(batch);
    short_credit_ = std::min(short_credit_ + tokens, std::max(tokens, BatchTokens()));
  }
  const double seconds = cost_.Seconds(TokensOf(batch));
  running_until_ = After(now, seconds);
  const bool has_others =
      std::any_of(batch.begin(), batch.end(), [](const BatchText& text) { return !text.is_short; });
  if (has_others && options_.pauses > 0)
    pause_distance_ = seconds / static_cast<double>(options_.pauses);
  return batch;
}

std::vector<BatchText> Scheduler::NextInPause(TimePoint now) {
  if (!WouldRunInPause()) return {};
  std::vector<BatchText> batch = Fill(short_, BatchTokens());
  const int64_t tokens = TokensOf(batch);
  short_credit_ -= tokens;
  in_pause_ = cost_.Seconds(tokens);
  running_until_ = After(std::max(*running_until_, now), in_pause_);
  return batch;
}

void Scheduler::DonePause(int64_t computed_tokens, double seconds) {
  running_until_ = After(*running_until_, seconds - in_pause_);
  if (computed_tokens > 0) cost_.Add(computed_tokens, seconds);
}

void Scheduler::Done(int64_t computed_tokens, double seconds) {
  running_until_.reset();
  pause_distance_.reset();
  if (computed_tokens > 0) cost_.Add(computed_tokens, seconds);
}

}  // namespace lacos::serve
