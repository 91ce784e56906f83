// The access log: one line of JSON a request, without any text of users. A thread of its own writes
// it, so that a slow disk delays no connection.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lacos/io/posix.h"
#include "lacos/serve/http/worker.h"

namespace lacos::serve {

// What is logged about one request.
struct AccessEntry {
  std::string request_id, peer, method, path, key_name, user_agent, trace_id, parent_id;
  int status = 0;
  uint64_t bytes_received = 0, bytes_sent = 0;  // of the bodies
  double total_ms = 0;
  bool sent = true;  // false: the client left before it had the reply
  std::vector<std::pair<std::string, double>> figures;  // HttpReply::log
};

// The line of an entry, with its line end. `time` is that of the system, in UTC.
std::string FormatAccess(const AccessEntry& entry, int64_t unix_milliseconds);

class AccessLog {
 public:
  // Appends to the file, which only the owner and the group may read. Throws UserError if it cannot
  // be opened.
  explicit AccessLog(std::string path);

  void Write(const AccessEntry& entry);
  // Opens the path again: a new file, if the old one was renamed. Throws UserError, and then goes on
  // with the old one.
  void Reopen();
  // Lines that were lost, because the disk was full or too slow.
  uint64_t lost() const;

 private:
  void WriteLines(const std::string& lines);

  const std::string path_;
  mutable std::mutex mutex_;
  FileDescriptor file_;
  std::string waiting_;  // lines that the worker has not taken yet
  bool posted_ = false;
  uint64_t lost_ = 0;
  Worker worker_;  // the last member: it ends before the others
};

}  // namespace lacos::serve
