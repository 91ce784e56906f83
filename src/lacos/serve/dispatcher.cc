#include "lacos/serve/dispatcher.h"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/device_error.h"
#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/base/thread.h"

namespace lacos::serve {
namespace {

TimePoint Now() { return std::chrono::steady_clock::now(); }

// How long something other than a batch may take.
constexpr double kProbeSeconds = 1, kAloneSeconds = 5;

// How long nothing must have been to do before memory is given back, and given back again.
constexpr double kIdleSeconds = 1, kIdleAgainSeconds = 10;

}  // namespace

Dispatcher::Dispatcher(const SchedulerOptions& options, Engine& engine, const WorkText& probe,
                       int32_t probe_adapter, int64_t vocabulary, Metrics& metrics)
    : engine_(engine),
      metrics_(metrics),
      probe_ids_(probe.ids),
      probe_{.ids = probe_ids_, .adapter = probe_adapter},
      compute_thread_(ComputeThread::Acquire()) {
  scheduler_ = std::make_unique<Scheduler>(options, Measure(options, vocabulary));
  last_success_ = Now();
  const SignalsBlocked signals_blocked;
  thread_ = std::thread([this] { Loop(); });
  try {
    watch_ = std::thread([this] { WatchLoop(); });
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
    throw;
  }
}

void Dispatcher::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (watch_.joinable()) watch_.join();
  // What waits is dropped with its on_end, which may hold the work itself.
  for (const auto& [id, work] : works_) work->on_end = nullptr;
  works_.clear();
}

// Times a short text, and then several, which take at least as long as batches will. The faster of
// two turns counts, since other programs only ever slow it down.
CostModel Dispatcher::Measure(const SchedulerOptions& options, int64_t vocabulary) {
  constexpr int64_t kTextTokens = 16, kLeastTexts = 4;
  const auto seconds_of = [&](int64_t texts) {
    std::vector<std::vector<int32_t>> ids(static_cast<size_t>(texts));
    std::vector<EngineText> batch;
    int64_t next = 0;
    for (std::vector<int32_t>& text : ids) {
      for (int64_t i = 0; i < kTextTokens; ++i)
        text.push_back(static_cast<int32_t>(next++ * 31 % vocabulary));
      batch.push_back(probe_);
      batch.back().ids = text;
    }
    const TimePoint begin = Now();
    compute_thread_->Run([&] {
      int64_t computed = 0;
      engine_.Compute(batch, computed, nullptr);
    });
    return std::max(SecondsBetween(begin, Now()), 1e-7);
  };
  seconds_of(1);  // pages in code and weights
  const double first = seconds_of(1);
  const int64_t most = std::max<int64_t>(options.batch_tokens / kTextTokens, 1);
  const auto texts = static_cast<int64_t>(
      std::clamp(options.batch_seconds / first, static_cast<double>(std::min(kLeastTexts, most)),
                 static_cast<double>(most)));
  if (texts == 1) return CostModel(0, kTextTokens / first);
  const double many = std::min(seconds_of(texts), seconds_of(texts));
  const double one = std::min(first, seconds_of(1));
  const double per_text = std::max((many - one) / static_cast<double>(texts - 1),
                                   0.1 * many / static_cast<double>(texts));
  return CostModel(std::max(one - per_text, 0.0), kTextTokens / per_text);
}

std::optional<double> Dispatcher::Admit(const std::shared_ptr<Work>& work) {
  Work& w = *work;
  for (size_t i = 0; i < w.texts.size(); ++i) {
    if (w.texts[i].vector == nullptr) w.order.push_back(i);
  }
  LACOS_CHECK(!w.order.empty(), "a work that is admitted has a text to compute");
  w.left = w.order.size();
  QueuedRequest request{.key = w.key,
                        .connection = w.connection,
                        .arrived = w.arrived,
                        .deadline = w.deadline,
                        .abandoned = w.abandoned};
  for (const size_t i : w.order)
    request.tokens.push_back(static_cast<int64_t>(w.texts[i].ids.size()));
  {
    std::unique_lock lock(mutex_);
    if (stop_) return 1.0;
    request.id = next_id_++;
    w.admitted = Now();
    const auto place = works_.emplace(request.id, work).first;
    try {
      if (const auto wait = scheduler_->Admit(std::move(request), w.admitted)) {
        works_.erase(place);
        w.order.clear();
        return wait;
      }
    } catch (const std::bad_alloc&) {
      works_.erase(place);
      EndAll(lock);
      throw;
    }
    ++unanswered_;
  }
  changed_.notify_one();
  return std::nullopt;
}

double Dispatcher::ShortWait() const {
  const std::lock_guard lock(mutex_);
  return scheduler_->ExpectedWait({.tokens = {1}}, Now());
}

double Dispatcher::SecondsFor(int64_t tokens) const {
  const std::lock_guard lock(mutex_);
  return static_cast<double>(tokens) / scheduler_->Rate();
}

double Dispatcher::LeastSecondsFor(int64_t tokens) const {
  // At the start of a busy machine, five times the true time was measured.
  constexpr double kFaster = 2, kFasterThanAtStart = 20;
  const double seconds = SecondsFor(tokens);
  const std::lock_guard lock(mutex_);
  return seconds / (scheduler_->cost().HasLearned() ? kFaster : kFasterThanAtStart);
}

double Dispatcher::Rate() const {
  const std::lock_guard lock(mutex_);
  return scheduler_->BulkRate();
}

int64_t Dispatcher::BatchTokens() const {
  const std::lock_guard lock(mutex_);
  return scheduler_->BulkTokens();
}

void Dispatcher::UpdateGauges() const {
  const std::lock_guard lock(mutex_);
  metrics_.Set("te_queue_size", static_cast<double>(scheduler_->queued_texts()));
  metrics_.Set("lacos_queue_tokens", static_cast<double>(scheduler_->queued_tokens()));
  metrics_.Set("lacos_rate_tokens_per_second", scheduler_->BulkRate());
  metrics_.Set("lacos_wait_seconds",
               static_cast<double>(scheduler_->queued_tokens()) / scheduler_->BulkRate());
}

void Dispatcher::RunAlone(const std::function<void()>& work) {
  Alone alone{.work = &work};
  std::unique_lock lock(mutex_);
  if (!stop_) {
    alone_.push_back(&alone);
    changed_.notify_one();
    alone_done_.wait(lock, [&] { return alone.ended; });
  }
  if (!alone.ran) throw UserError("[server] is stopping; expected a running one; start it again");
  if (alone.error) std::rethrow_exception(alone.error);
}

void Dispatcher::Probe() {
  {
    const std::lock_guard lock(mutex_);
    wants_probe_ = true;
  }
  changed_.notify_one();
}

double Dispatcher::SecondsSinceSuccess() const {
  const std::lock_guard lock(mutex_);
  if (!device_failure_.empty()) return std::numeric_limits<double>::infinity();
  return SecondsBetween(last_success_, Now());
}

std::string Dispatcher::DeviceFailure() const {
  const std::lock_guard lock(mutex_);
  return device_failure_;
}

double Dispatcher::OverdueSeconds() const {
  const std::lock_guard lock(mutex_);
  return due_ ? std::max(SecondsBetween(*due_, Now()), 0.0) : 0.0;
}

bool Dispatcher::IsRunningInTime() const {
  const std::lock_guard lock(mutex_);
  const auto until = scheduler_->RunningUntil();
  return until && Now() < *until;
}

// Computes the batch; runs on the computing thread. If it fails, each of its texts is computed alone,
// so that only those that cannot be computed are lost. If the device fails, all are lost, since
// nothing can be computed until it works again.
void Dispatcher::Compute(Batch& batch, const std::function<void()>& pause) {
  batch.outcomes.assign(batch.input.size(), {});
  const auto run = [&](size_t begin, size_t end) {
    std::vector<std::vector<float>> vectors =
        engine_.Compute(std::span(batch.input).subspan(begin, end - begin), batch.computed, pause);
    for (size_t i = begin; i < end; ++i) {
      batch.outcomes[i].vector =
          std::make_shared<const std::vector<float>>(std::move(vectors[i - begin]));
    }
  };
  const auto lose = [&](size_t first, const DeviceError& error) {
    if (error.cause() == DeviceError::Cause::kFailed) batch.device_failure = error.found();
    const size_t end = batch.device_failure.empty() ? first + 1 : batch.outcomes.size();
    for (size_t i = first; i < end; ++i)
      batch.outcomes[i] = {.end = WorkEnd::kDeviceFailed, .failure = error.found()};
  };
  if (batch.input.size() > 1) {
    try {
      return run(0, batch.input.size());
    } catch (const DeviceError& error) {
      if (error.cause() == DeviceError::Cause::kFailed) lose(0, error);
    } catch (const std::exception&) {  // the text that is to blame is found below
    }
    metrics_.Add("lacos_failed_batches");
  }
  for (size_t i = 0; i < batch.input.size() && batch.device_failure.empty(); ++i) {
    try {
      run(i, i + 1);
    } catch (const std::bad_alloc&) {
      batch.outcomes[i].end = WorkEnd::kOutOfMemory;
    } catch (const DeviceError& error) {
      lose(i, error);
    } catch (const std::exception& error) {
      batch.outcomes[i] = {.end = WorkEnd::kFailed, .failure = error.what()};
    }
    if (batch.input.size() > 1 || batch.outcomes[i].end != WorkEnd::kDone) batch.computed = 0;
  }
  if (!batch.device_failure.empty()) batch.computed = 0;
}

Dispatcher::Batch Dispatcher::Prepare(const std::vector<BatchText>& texts) {
  Batch batch;
  for (const BatchText& entry : texts) {
    const std::shared_ptr<Work>& work = works_.at(entry.request);
    if (work->started == TimePoint()) work->started = Now();
    const size_t text = work->order[entry.text];
    batch.requests.push_back(entry.request);
    batch.works.push_back(work);
    batch.texts.push_back(text);
    batch.input.push_back({.ids = work->texts[text].ids,
                           .adapter = work->adapter,
                           .pooling = work->pooling,
                           .skipped = work->skipped,
                           .output = work->output});
    batch.tokens += entry.tokens;
  }
  batch.ended.reserve(texts.size());
  return batch;
}

void Dispatcher::RunBatch(std::unique_lock<std::mutex>& lock) {
  const std::vector<BatchText> texts = scheduler_->Next(Now());
  if (texts.empty()) return;
  due_ = scheduler_->RunningUntil();
  Batch batch = Prepare(texts);
  lock.unlock();
  paused_seconds_ = 0;
  const TimePoint begin = Now();
  compute_thread_->Run([&] { Compute(batch, [this] { ComputeInPause(); }); });
  batch.seconds = SecondsBetween(begin, Now()) - paused_seconds_;
  lock.lock();
  due_.reset();
  // A single text says little about the speed if it is short, but the model knows its fixed part.
  scheduler_->Done(batch.computed, batch.seconds);
  Finish(lock, batch);
}

// Computes short requests that have arrived while another batch runs; runs on the computing thread.
void Dispatcher::ComputeInPause() {
  const TimePoint pause = Now();
  std::unique_lock lock(mutex_);
  try {
    while (!stop_ && scheduler_->WouldRunInPause()) {
      DropLate(lock);
      const TimePoint begin = Now();
      const std::vector<BatchText> texts = scheduler_->NextInPause(begin);
      if (texts.empty()) break;
      due_ = scheduler_->RunningUntil();
      Batch batch = Prepare(texts);
      lock.unlock();
      Compute(batch, nullptr);
      batch.seconds = SecondsBetween(begin, Now());
      lock.lock();
      scheduler_->DonePause(batch.computed, batch.seconds);
      due_ = scheduler_->RunningUntil();
      Finish(lock, batch);
    }
  } catch (const std::bad_alloc&) {
    if (!lock.owns_lock()) lock.lock();
    due_ = scheduler_->RunningUntil();
    EndAll(lock);
  }
  paused_seconds_ += SecondsBetween(pause, Now());
}

// Remembers when a text was last computed, and whether the device has failed since.
void Dispatcher::NoteHealth(Batch& batch) {
  if (!batch.device_failure.empty()) {
    device_failure_ = std::move(batch.device_failure);
  } else if (std::ranges::any_of(batch.outcomes, [](const Outcome& outcome) {
               return outcome.end == WorkEnd::kDone;
             })) {
    last_success_ = Now();
    device_failure_.clear();
  }
}

// Records what became of the texts of a batch, and hands requests back whose last text this was.
void Dispatcher::Finish(std::unique_lock<std::mutex>& lock, Batch& batch) {
  metrics_.Observe("te_batch_next_size", static_cast<double>(batch.input.size()));
  metrics_.Observe("te_batch_next_tokens", static_cast<double>(batch.tokens));
  metrics_.Observe("lacos_batch_ms", batch.seconds * 1000);
  metrics_.Add("lacos_computed_tokens", "", static_cast<double>(batch.computed));
  NoteHealth(batch);
  for (size_t i = 0; i < batch.input.size(); ++i) {
    const std::shared_ptr<Work>& work = batch.works[i];
    Outcome& outcome = batch.outcomes[i];
    const auto found = works_.find(batch.requests[i]);
    if (found == works_.end()) continue;  // it has failed or was dropped
    if (outcome.end != WorkEnd::kDone) {
      work->end = outcome.end;
      work->failed_text = batch.texts[i];
      work->failure = std::move(outcome.failure);
      scheduler_->Remove(batch.requests[i]);
    } else {
      work->texts[batch.texts[i]].vector = std::move(outcome.vector);
      if (--work->left > 0) continue;
    }
    batch.ended.push_back(work);
    works_.erase(found);
  }
  HandBack(lock, batch.ended);
}

void Dispatcher::DropLate(std::unique_lock<std::mutex>& lock) {
  std::vector<std::pair<uint64_t, DropReason>> dropped;
  scheduler_->Drop(
      Now(), [&](uint64_t request, DropReason reason) { dropped.emplace_back(request, reason); });
  if (dropped.empty()) return;
  std::vector<std::shared_ptr<Work>> ended;
  ended.reserve(dropped.size());
  for (const auto& [request, reason] : dropped) {
    const auto found = works_.find(request);
    found->second->end = reason == DropReason::kExpired     ? WorkEnd::kExpired
                         : reason == DropReason::kAbandoned ? WorkEnd::kAbandoned
                                                            : WorkEnd::kLate;
    ended.push_back(found->second);
    works_.erase(found);
  }
  HandBack(lock, ended);
}

// Ends all requests, after memory ran out where the queue was in the middle of a change. Needs none.
void Dispatcher::EndAll(std::unique_lock<std::mutex>& lock) {
  scheduler_->Clear();
  while (!works_.empty()) {
    const std::shared_ptr<Work> work = works_.begin()->second;
    works_.erase(works_.begin());
    work->end = WorkEnd::kOutOfMemory;
    HandBack(lock, std::span(&work, 1));
  }
}

void Dispatcher::HandBack(std::unique_lock<std::mutex>& lock,
                          std::span<const std::shared_ptr<Work>> ended) {
  if (ended.empty()) return;
  lock.unlock();
  for (const std::shared_ptr<Work>& work : ended) {
    work->finished = Now();
    --unanswered_;
    const auto on_end = std::exchange(work->on_end, nullptr);
    on_end(*work);
  }
  lock.lock();
}

void Dispatcher::RunNextAlone(std::unique_lock<std::mutex>& lock) {
  Alone* const alone = alone_.front();
  alone_.pop_front();
  due_ = After(Now(), kAloneSeconds);
  lock.unlock();
  try {
    compute_thread_->Run(*alone->work);
  } catch (...) {
    alone->error = std::current_exception();
  }
  lock.lock();
  due_.reset();
  alone->ran = true;
  alone->ended = true;
  alone_done_.notify_all();
}

void Dispatcher::ComputeProbe() {
  std::unique_lock lock(mutex_);
  wants_probe_ = false;
  due_ = After(Now(), kProbeSeconds);
  lock.unlock();
  Batch batch;
  batch.input = {probe_};
  compute_thread_->Run([&] { Compute(batch, nullptr); });
  lock.lock();
  due_.reset();
  NoteHealth(batch);
}

void Dispatcher::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock,
                  [&] { return stop_ || wants_probe_ || !alone_.empty() || !scheduler_->empty(); });
    if (stop_) break;
    try {
      if (!alone_.empty()) RunNextAlone(lock);
      if (wants_probe_) {
        lock.unlock();
        ComputeProbe();
        lock.lock();
      }
      DropLate(lock);
      if (!stop_) RunBatch(lock);
    } catch (const std::bad_alloc&) {
      if (!lock.owns_lock()) lock.lock();
      due_.reset();
      scheduler_->Done(0, 0);
      EndAll(lock);
    }
  }
  for (Alone* alone : alone_) alone->ended = true;
  alone_.clear();
  alone_done_.notify_all();
}

// Answers requests in time whose deadline passes during a batch, or while the engine stands still. When
// nothing is to do, gives back the memory that a crowd of requests and connections has left.
void Dispatcher::WatchLoop() {
  std::unique_lock lock(mutex_);
  TimePoint give_back = After(Now(), kIdleSeconds);
  while (!stopping_.wait_for(lock, std::chrono::milliseconds(50), [&] { return stop_; })) {
    try {
      DropLate(lock);
    } catch (const std::bad_alloc&) {
      if (!lock.owns_lock()) lock.lock();
      EndAll(lock);
    }
    if (!scheduler_->empty() || due_) {
      give_back = After(Now(), kIdleSeconds);
    } else if (Now() >= give_back) {
      lock.unlock();
      ReturnFreeMemory();
      lock.lock();
      give_back = After(Now(), kIdleAgainSeconds);
    }
  }
}

}  // namespace lacos::serve
