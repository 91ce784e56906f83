#include "lacos/serve/http/access_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <ctime>

#include "lacos/io/json.h"
#include "lacos/io/utf8.h"

namespace lacos::serve {
namespace {

constexpr size_t kMaxWaiting = size_t{8} << 20;
constexpr size_t kMaxWord = 200;  // bytes of a caller's word that are kept

FileDescriptor OpenLog(const std::string& path) {
  FileDescriptor file(OpenFile(path, O_WRONLY | O_CREAT | O_APPEND, 0640));
  if (file.get() < 0) ThrowSystemError(path, "open the access log");
  return file;
}

std::string Word(std::string_view text) { return ReplaceInvalidUtf8(text.substr(0, kMaxWord)); }

}  // namespace

std::string FormatAccess(const AccessEntry& entry, int64_t unix_milliseconds) {
  const std::time_t seconds = unix_milliseconds / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  Json json = Json::Object();
  json.Set("time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", utc, unix_milliseconds % 1000));
  json.Set("request_id", entry.request_id);
  json.Set("peer", entry.peer);
  json.Set("method", Word(entry.method));
  json.Set("path", Word(entry.path));
  json.Set("status", entry.status);
  if (!entry.sent) json.Set("client_left", true);
  json.Set("bytes_received", entry.bytes_received);
  json.Set("bytes_sent", entry.bytes_sent);
  json.Set("total_ms", entry.total_ms);
  for (const auto& [name, value] : entry.figures) {
    const bool is_count = value == std::trunc(value) && std::abs(value) < 1e15;
    json.Set(name, is_count ? Json(static_cast<int64_t>(value)) : Json(value));
  }
  if (!entry.key_name.empty()) json.Set("key", entry.key_name);
  if (!entry.user_agent.empty()) json.Set("user_agent", Word(entry.user_agent));
  if (!entry.trace_id.empty()) {
    json.Set("trace_id", entry.trace_id);
    json.Set("parent_id", entry.parent_id);
  }
  return json.Dump() + "\n";
}

AccessLog::AccessLog(std::string path) : path_(std::move(path)), file_(OpenLog(path_)) {}

void AccessLog::Write(const AccessEntry& entry) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string line =
      FormatAccess(entry, std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const std::lock_guard lock(mutex_);
  if (waiting_.size() + line.size() > kMaxWaiting) {
    ++lost_;
    return;
  }
  waiting_ += line;
  if (posted_) return;
  worker_.Post([this] {
    std::string lines;
    {
      const std::lock_guard taking(mutex_);
      lines.swap(waiting_);
      posted_ = false;
    }
    WriteLines(lines);
  });
  posted_ = true;  // the worker waits for the lock
}

// Only the worker calls this and changes file_ (Reopen posts), so no lock is held over the write.
void AccessLog::WriteLines(const std::string& lines) {
  size_t done = 0;
  while (done < lines.size()) {
    const ssize_t n = write(file_.get(), lines.data() + done, lines.size() - done);
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      const std::lock_guard lock(mutex_);
      lost_ += static_cast<uint64_t>(
          std::count(lines.begin() + static_cast<ptrdiff_t>(done), lines.end(), '\n'));
      return;
    }
  }
}

void AccessLog::Reopen() {
  auto opened = std::make_shared<FileDescriptor>(OpenLog(path_));
  worker_.Post([this, opened] { file_ = std::move(*opened); });
}

uint64_t AccessLog::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

}  // namespace lacos::serve
