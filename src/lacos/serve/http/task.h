// Coroutines of connections, which run on the thread of the connections. Boost.Asio has its own; but to
// take back one whose next operation found no memory, version 1.81 needs memory, and without any it
// ends the process. Here what fails to begin throws where it is awaited.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace lacos::serve {

// What a coroutine returns, until its caller takes it.
template <class T>
class TaskResult {
 public:
  void return_value(T value) { value_.emplace(std::move(value)); }
  T Take() { return *std::move(value_); }

 private:
  std::optional<T> value_;
};

template <>
class TaskResult<void> {
 public:
  void return_void() noexcept {}
  void Take() noexcept {}
};

// A coroutine that begins when it is awaited, and whose end resumes the one that awaits it. A call
// throws std::bad_alloc if there is no memory for its frame.
template <class T>
class [[nodiscard]] Task {
 public:
  class promise_type : public TaskResult<T> {
   public:
    Task get_return_object() noexcept { return Task(Frame::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct ResumeCaller {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(Frame ended) const noexcept {
          return ended.promise().caller_;
        }
        void await_resume() const noexcept {}
      };
      return ResumeCaller{};
    }
    void unhandled_exception() noexcept { failure_ = std::current_exception(); }

   private:
    friend Task;
    std::coroutine_handle<> caller_;
    std::exception_ptr failure_;
  };

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
    frame_.promise().caller_ = caller;
    return frame_;
  }
  T await_resume() {
    if (frame_.promise().failure_) std::rethrow_exception(frame_.promise().failure_);
    return frame_.promise().Take();
  }

 private:
  using Frame = std::coroutine_handle<promise_type>;
  explicit Task(Frame frame) noexcept : frame_(frame) {}

  Frame frame_;
};

// A coroutine that nobody awaits. It begins at once, must not throw, and releases itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace lacos::serve
