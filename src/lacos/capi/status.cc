#include "lacos/capi/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <system_error>

#include "lacos/base/error.h"
#include "lacos/base/version.h"

namespace lacos::capi {
namespace {

static_assert(kLacosVersion == LACOS_VERSION_STRING, "lacos.h and base/version.h name one version");

constexpr const char* kOutOfMemory =
    "[memory] an allocation was refused; expected enough memory; use a smaller model, fewer texts "
    "at a time, a smaller max_length or batch_tokens, or a machine with more memory";

// The last message of a thread: a string, or a constant if there is no memory for one.
struct LastError {
  std::string text;
  const char* constant = nullptr;
};
thread_local LastError last_error;

lacos_status Fail(lacos_status status, const char* message) noexcept {
  try {
    last_error.text = message;
    last_error.constant = nullptr;
  } catch (...) {
    last_error.constant = kOutOfMemory;
  }
  return status;
}

}  // namespace

lacos_status FailWithCurrentException() noexcept {
  try {
    throw;
  } catch (const CallError& error) {
    return Fail(error.status(), error.what());
  } catch (const UserError& error) {
    return Fail(LACOS_USER_ERROR, error.what());
  } catch (const std::bad_alloc&) {
    last_error.constant = kOutOfMemory;
    return LACOS_OUT_OF_MEMORY;
  } catch (const std::length_error&) {  // the size is too large for any container
    last_error.constant = kOutOfMemory;
    return LACOS_OUT_OF_MEMORY;
  } catch (const std::system_error& error) {  // threads or files
    return Fail(LACOS_USER_ERROR, error.what());
  } catch (const std::exception& error) {
    return Fail(LACOS_INTERNAL, error.what());
  } catch (...) {
    return Fail(LACOS_INTERNAL, "[lacos] an exception without a message; expected none; report it");
  }
}

void Require(bool condition, const char* message) {
  if (!condition) throw CallError(LACOS_INVALID_ARGUMENT, message);
}

void CopyStruct(const void* source, size_t source_size, void* target, size_t target_size,
                size_t least_size, const char* name) {
  // A larger struct_size was never set; it does not come from a newer header.
  constexpr size_t kLargest = 65536;
  if (source_size < least_size || source_size > kLargest) {
    throw CallError(
        LACOS_INVALID_ARGUMENT,
        fmt::format("[{0}] struct_size is {1}; expected sizeof({0}); set it before the call", name,
                    source_size));
  }
  const auto* bytes = static_cast<const unsigned char*>(source);
  if (source_size > target_size && std::any_of(bytes + target_size, bytes + source_size,
                                               [](unsigned char b) { return b != 0; })) {
    throw CallError(
        LACOS_INVALID_ARGUMENT,
        fmt::format("[{}] a field is set that lacos {} does not know; expected 0 there; use the "
                    "library that the header came with",
                    name, kLacosVersion));
  }
  std::memcpy(target, source, std::min(source_size, target_size));
}

const char* LastErrorText() noexcept {
  return last_error.constant != nullptr ? last_error.constant : last_error.text.c_str();
}

}  // namespace lacos::capi

extern "C" {

const char* lacos_version(void) { return LACOS_VERSION_STRING; }

const char* lacos_status_name(int32_t status) {
  switch (status) {
    case LACOS_OK:
      return "ok";
    case LACOS_INVALID_ARGUMENT:
      return "invalid argument";
    case LACOS_USER_ERROR:
      return "user error";
    case LACOS_OUT_OF_MEMORY:
      return "out of memory";
    case LACOS_INTERNAL:
      return "internal error";
    case LACOS_BUFFER_TOO_SMALL:
      return "buffer too small";
    case LACOS_CANCELLED:
      return "cancelled";
  }
  return "unknown status";
}

const char* lacos_last_error(void) { return lacos::capi::LastErrorText(); }
}
