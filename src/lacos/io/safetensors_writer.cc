// Writing safetensors files. The header is fixed first, then bytes go to their places in any order.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/parallel.h"
#include "lacos/io/json.h"
#include "lacos/io/posix.h"
#include "lacos/io/safetensors.h"

namespace lacos {

struct SafetensorsWriter::State {
  std::string path;
  std::map<std::string, std::string> metadata;
  FileDescriptor file;
  std::vector<TensorEntry> entries;
  std::map<std::string, size_t> index;
  // For each element of `entries`: the bytes written so far, and their hash as long as they come in
  // order.
  std::vector<int64_t> written;
  std::vector<std::unique_ptr<Sha256>> hashes;
  size_t current = 0;  // the tensor to which Write appends
  bool begun = false;
};

SafetensorsWriter::SafetensorsWriter(const std::string& path,
                                     std::map<std::string, std::string> metadata)
    : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->metadata = std::move(metadata);
  state_->file = FileDescriptor(OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, 0666));
  if (state_->file.get() < 0) ThrowSystemError(path, "create");
}

SafetensorsWriter::~SafetensorsWriter() = default;

void SafetensorsWriter::Declare(const std::string& name, DType dtype, std::vector<int64_t> shape) {
  LACOS_CHECK(!state_->begun, "tensors are declared before Begin");
  LACOS_CHECK(dtype != DType::kC128 && name != "__metadata__",
              "safetensors has the type and the name is free");
  LACOS_CHECK(state_->index.emplace(name, 0).second, "a tensor is declared once");
  TensorEntry entry{.name = name, .dtype = dtype, .shape = std::move(shape)};
  entry.bytes = static_cast<int64_t>(SizeOf(dtype));
  for (const int64_t d : entry.shape) {
    const auto bytes = CheckedMultiply(entry.bytes, d);
    LACOS_CHECK(d >= 0 && bytes, "a tensor's size fits into 64 bits");
    entry.bytes = *bytes;
  }
  state_->entries.push_back(std::move(entry));
}

std::vector<TensorEntry> SafetensorsWriter::Begin() {
  State& state = *state_;
  LACOS_CHECK(!state.begun, "Begin is called once");
  state.begun = true;
  // Element sizes are powers of two and the data begins at a multiple of 8, so descending sizes
  // align every tensor.
  std::stable_sort(
      state.entries.begin(), state.entries.end(),
      [](const TensorEntry& a, const TensorEntry& b) { return SizeOf(a.dtype) > SizeOf(b.dtype); });
  Json header = Json::Object();
  if (!state.metadata.empty()) {
    Json metadata = Json::Object();
    for (const auto& [key, value] : state.metadata) metadata.Set(key, value);
    header.Set("__metadata__", metadata);
  }
  int64_t end = 0;
  for (TensorEntry& entry : state.entries) {
    Json shape = Json::Array();
    for (const int64_t d : entry.shape) shape.Append(d);
    Json offsets = Json::Array();
    offsets.Append(end);
    offsets.Append(end + entry.bytes);
    Json value = Json::Object();
    value.Set("dtype", Name(entry.dtype));
    value.Set("shape", shape);
    value.Set("data_offsets", offsets);
    header.Set(entry.name, value);
    entry.offset = end;  // the header's size is added below
    end += entry.bytes;
  }
  std::string text = header.Dump();
  text.append(static_cast<size_t>(RoundUp(static_cast<int64_t>(text.size()), 8)) - text.size(),
              ' ');
  const auto header_bytes = static_cast<uint64_t>(text.size());
  text.insert(0, reinterpret_cast<const char*>(&header_bytes), 8);
  const auto data_begin = static_cast<int64_t>(text.size());
  for (size_t i = 0; i < state.entries.size(); ++i) {
    state.entries[i].offset += data_begin;
    state.index[state.entries[i].name] = i;
  }
  state.written.assign(state.entries.size(), 0);
  state.hashes.resize(state.entries.size());
  // Where the file system can reserve space, a full disk is noticed now rather than after an hour
  // of work.
  if (end > 0 && fallocate(state.file.get(), 0, 0, data_begin + end) != 0 &&
      (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
    ThrowSystemError(state.path, "write");
  }
  PwriteFully(state.file.get(), 0, std::as_bytes(std::span(text)), state.path);
  return state.entries;
}

void SafetensorsWriter::Write(std::span<const std::byte> bytes) {
  State& state = *state_;
  while (state.current < state.entries.size() &&
         state.written[state.current] == state.entries[state.current].bytes) {
    ++state.current;
  }
  if (bytes.empty()) return;
  LACOS_CHECK(state.begun && state.current < state.entries.size(),
              "bytes belong to a declared tensor");
  const TensorEntry& entry = state.entries[state.current];
  WriteAt(entry, state.written[state.current], bytes);
}

void SafetensorsWriter::WriteAt(const TensorEntry& entry, int64_t offset_in_tensor,
                                std::span<const std::byte> bytes) {
  State& state = *state_;
  const auto it = state.index.find(entry.name);
  LACOS_CHECK(state.begun && it != state.index.end(), "the tensor was declared");
  const TensorEntry& own = state.entries[it->second];
  const auto size = static_cast<int64_t>(bytes.size());
  LACOS_CHECK(offset_in_tensor >= 0 && offset_in_tensor <= own.bytes &&
                  size <= own.bytes - offset_in_tensor,
              "bytes lie inside their tensor");
  std::unique_ptr<Sha256>& hash = state.hashes[it->second];
  if (offset_in_tensor == 0 && state.written[it->second] == 0) hash = std::make_unique<Sha256>();
  if (offset_in_tensor != state.written[it->second]) hash.reset();
  // Large pieces are written and hashed at the same time, because both take about as long.
  constexpr size_t kWorthTwoThreads = size_t{256} << 10;
  const auto write = [&] {
    PwriteFully(state.file.get(), own.offset + offset_in_tensor, bytes, state.path);
  };
  if (hash != nullptr && bytes.size() >= kWorthTwoThreads) {
    ParallelFor(2, [&](int64_t i) { i == 0 ? write() : hash->Update(bytes); });
  } else {
    write();
    if (hash != nullptr) hash->Update(bytes);
  }
  state.written[it->second] += size;
}

TensorHashes SafetensorsWriter::Finish() {
  State& state = *state_;
  LACOS_CHECK(state.begun && state.file.get() >= 0, "Finish is called once, after Begin");
  for (size_t i = 0; i < state.entries.size(); ++i) {
    LACOS_CHECK(state.written[i] == state.entries[i].bytes,
                "every byte of every tensor was written once");
  }
  SyncAndClose(state.file, state.path);
  TensorHashes hashes;
  for (size_t i = 0; i < state.entries.size(); ++i) {
    std::string& hash = hashes[state.entries[i].name];
    if (state.hashes[i] != nullptr) hash = state.hashes[i]->HexDigest();
    if (state.entries[i].bytes == 0) hash = Sha256Hex("");
  }
  return hashes;
}

}  // namespace lacos
