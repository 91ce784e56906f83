// Version, exceptions, and what becomes of the library's own exceptions.
#include "lacos/error.h"

#include <fmt/format.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include "lacos/api/call.h"
#include "lacos/base/error.h"
#include "lacos/version.h"

namespace lacos::v0 {

std::string Version() { return lacos_version(); }

Error::Error(const std::string& message) : std::runtime_error(message) {}
Error::~Error() = default;

Cancelled::Cancelled()
    : Error("[progress] the progress function ended the call; expected true to go on; call again") {
}
Cancelled::~Cancelled() = default;

void ThrowPublic() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const StopWork&) {
    throw Cancelled();
  } catch (const UserError& error) {
    throw Error(error.what());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::length_error&) {  // the size is too large for any container
    throw std::bad_alloc();
  } catch (const std::system_error& error) {  // threads or files
    throw Error(fmt::format("[system] {}; expected a system with resources to spare; see ulimit -a",
                            error.what()));
  }
}

void RequireOk(lacos_status status) {
  if (status == LACOS_OK) return;
  if (status == LACOS_CANCELLED) throw Cancelled();
  if (status == LACOS_OUT_OF_MEMORY) throw std::bad_alloc();
  if (status == LACOS_INTERNAL) throw std::logic_error(lacos_last_error());
  throw Error(lacos_last_error());
}

}  // namespace lacos::v0
