// The queue in real time: takes requests that were read, has them computed batch by batch on the
// computing thread, and hands each back when its last text is done, or has failed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "lacos/runtime/compute_thread.h"
#include "lacos/serve/engine.h"
#include "lacos/serve/metrics.h"
#include "lacos/serve/schedule/scheduler.h"

namespace lacos::serve {

// One different text of a request.
struct WorkText {
  std::vector<int32_t> ids;
  std::shared_ptr<const std::vector<float>> vector;  // null until it is computed
};

// kFailed: a text is to blame; kDeviceFailed: the device that computes is.
enum class WorkEnd : uint8_t {
  kDone,
  kFailed,
  kOutOfMemory,
  kDeviceFailed,
  kExpired,
  kAbandoned,
  kLate
};

// A request that has been read. Its texts without a vector are computed.
struct Work {
  std::vector<WorkText> texts;
  int32_t adapter = 0;
  Pooling pooling = Pooling::kMean;
  int64_t skipped = 0;
  TextOutput output = TextOutput::kNormalized;
  std::string key;
  uint64_t connection = 0;
  TimePoint arrived, deadline;
  std::shared_ptr<const Abandoned> abandoned;
  // Called once, on one of the dispatcher's threads, with the lock of the dispatcher free.
  std::function<void(Work&)> on_end;

  // How it went.
  WorkEnd end = WorkEnd::kDone;
  size_t failed_text = 0;  // of texts, for kFailed
  std::string failure;     // what the engine said about it, for kFailed and kDeviceFailed
  TimePoint admitted, started, finished;

  // The dispatcher's own notes.
  std::vector<size_t> order;  // the indexes of the texts that are computed
  size_t left = 0;            // texts that are not done
};

class Dispatcher {
 public:
  // `engine` and `metrics` must outlive the dispatcher. Measures the engine's speed first. Throws if
  // the engine cannot compute.
  // `probe` is a text that shows whether the engine computes, and `vocabulary` the number of its ids.
  Dispatcher(const SchedulerOptions& options, Engine& engine, const WorkText& probe,
             int32_t probe_adapter, int64_t vocabulary, Metrics& metrics);
  ~Dispatcher() { Stop(); }
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Ends the threads after the running batch. Requests that wait are dropped without a call of on_end.
  void Stop();

  // Queues the work, or returns the seconds that it would wait, which are too many. It has at least
  // one text without a vector.
  std::optional<double> Admit(const std::shared_ptr<Work>& work);
  // Seconds until a short request would start now.
  double ShortWait() const;
  // Seconds that computing so many tokens takes, by what is known, and at least.
  double SecondsFor(int64_t tokens) const;
  double LeastSecondsFor(int64_t tokens) const;
  double Rate() const;
  int64_t BatchTokens() const;  // of the largest batch, unless one text has more

  // Runs something on the computing thread between two batches, and waits for it.
  void RunAlone(const std::function<void()>& work);

  // Computes the probe, if nothing is running or queued.
  void Probe();
  // Seconds since a batch or probe was last computed; infinite if the device has failed since.
  double SecondsSinceSuccess() const;
  // What the device said when it failed; empty if something was computed since.
  std::string DeviceFailure() const;
  // Seconds that the running batch takes longer than expected; 0 if it does not.
  double OverdueSeconds() const;
  // Whether a batch runs that should not have ended yet.
  bool IsRunningInTime() const;
  // Requests that were admitted and not answered.
  int64_t unanswered() const { return unanswered_.load(); }

  // Sets the gauges of the queue.
  void UpdateGauges() const;

 private:
  struct Alone {
    const std::function<void()>* work = nullptr;
    std::exception_ptr error;
    bool ran = false;
    bool ended = false;  // it has run, or the dispatcher has stopped before
  };
  // What became of a text of a batch.
  struct Outcome {
    std::shared_ptr<const std::vector<float>> vector;
    // kDone, kFailed, kOutOfMemory or kDeviceFailed; where memory is missing, there is no message.
    WorkEnd end = WorkEnd::kDone;
    std::string failure;
  };
  // A batch as the engine gets it, and of which request each of its texts is.
  struct Batch {
    std::vector<uint64_t> requests;
    std::vector<std::shared_ptr<Work>> works;
    std::vector<size_t> texts;  // indexes in Work::texts
    std::vector<EngineText> input;
    int64_t tokens = 0;
    // How it went.
    std::vector<Outcome> outcomes;
    std::vector<std::shared_ptr<Work>> ended;  // has room for all, so that none is lost
    // The tokens that ran through the model; 0 if they say nothing about its speed.
    int64_t computed = 0;
    double seconds = 0;          // without what was computed in its pauses
    std::string device_failure;  // what the device said, if it may not be usable again
  };
  CostModel Measure(const SchedulerOptions& options, int64_t vocabulary);
  Batch Prepare(const std::vector<BatchText>& texts);
  void Compute(Batch& batch, const std::function<void()>& pause);
  void ComputeInPause();
  void NoteHealth(Batch& batch);
  void Finish(std::unique_lock<std::mutex>& lock, Batch& batch);
  void ComputeProbe();
  void Loop();
  void WatchLoop();
  void RunNextAlone(std::unique_lock<std::mutex>& lock);
  void RunBatch(std::unique_lock<std::mutex>& lock);
  void DropLate(std::unique_lock<std::mutex>& lock);
  void HandBack(std::unique_lock<std::mutex>& lock, std::span<const std::shared_ptr<Work>> ended);
  void EndAll(std::unique_lock<std::mutex>& lock);

  Engine& engine_;
  Metrics& metrics_;
  const std::vector<int32_t> probe_ids_;
  const EngineText probe_;
  const std::shared_ptr<ComputeThread> compute_thread_;

  mutable std::mutex mutex_;
  std::condition_variable changed_, alone_done_, stopping_;
  std::unique_ptr<Scheduler> scheduler_;
  std::map<uint64_t, std::shared_ptr<Work>> works_;
  uint64_t next_id_ = 0;
  std::deque<Alone*> alone_;
  bool wants_probe_ = false, stop_ = false;
  std::optional<TimePoint> due_;  // when what the engine does now should end
  // Of the running batch. The computing thread adds to it; RunBatch reads it when that has ended.
  double paused_seconds_ = 0;
  TimePoint last_success_;
  std::string device_failure_;
  std::atomic<int64_t> unanswered_{0};
  std::thread thread_, watch_;
};

}  // namespace lacos::serve
