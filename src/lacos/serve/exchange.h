// A request that is being answered, with what the steps of the service have found out about it.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "lacos/base/device_error.h"
#include "lacos/base/error.h"
#include "lacos/serve/dispatcher.h"
#include "lacos/serve/service.h"

namespace lacos::serve {

struct Service::Exchange {
  HttpRequest request;
  Send send;
  Dialect dialect = Dialect::kTei;
  std::shared_ptr<const Routes> routes;
  Routes::Match match;

  // Of requests for vectors.
  EmbedCall call;
  std::shared_ptr<const ServedModel> model;
  std::shared_ptr<Work> work;
  std::vector<size_t> place;            // of each text, its index in work->texts
  std::vector<std::string> cache_keys;  // of each of work->texts; empty without a cache
  EmbedResult result;                   // its vectors are filled in at the end
  int64_t characters = 0;
  int64_t kept = 0;  // values of a vector that are sent
  bool normalize = true;
  double tokenization_seconds = 0;

  std::string MethodLabel() const {
    return Metrics::Label("method", call.single ? "single" : "batch");
  }
  void Reply(HttpReply reply) {
    const Send taken = std::exchange(send, nullptr);
    if (taken) taken(std::move(reply));
  }
};

inline ApiError Unhealthy(const std::string& message) {
  return {503, "unavailable", message, "", TeiError::kUnhealthy};
}

inline ApiError ClientGone() {
  return {503, "abandoned", "[client] has closed the connection; expected it to wait", "",
          TeiError::kUnhealthy};
}

inline ApiError TimeOver() {
  ApiError error(503, "request_timeout",
                 "[server] the request's time was over before its texts were computed; expected "
                 "less to do; send fewer texts, or allow more time",
                 "", TeiError::kOverloaded);
  error.headers = {{"x-should-retry", "false"}};
  return error;
}

// A device could not compute; `found` is the first part of its message.
inline ApiError DeviceFailed(const std::string& found) {
  return {503, "device_failed",
          found +
              "; expected the device to compute; try again or send less, and restart the server "
              "if this lasts",
          "", TeiError::kBackend};
}

// Runs a step of answering a request. What it throws becomes the reply; nothing leaves this function,
// since the threads of the server have nobody to tell.
template <class F>
void Service::Guarded(Exchange& exchange, const F& step) {
  const auto fail = [&](const ApiError& error) {
    exchange.Reply(Failure(error, exchange.request));
  };
  try {
    try {
      step();
    } catch (const ApiError& error) {
      fail(error);
    } catch (const std::bad_alloc&) {
      fail(Unhealthy(
          "[server] there is not enough memory; expected enough for this request; send less "
          "at once, or try again"));
    } catch (const DeviceError& error) {
      fail(DeviceFailed(error.found()));
    } catch (const UserError& error) {
      fail({422, "unusable", error.what()});
    } catch (const std::exception& error) {
      fail({500, "internal",
            fmt::format("[server] {}; expected no such error; report it", error.what()), "",
            TeiError::kBackend});
    }
  } catch (const std::bad_alloc&) {  // there is not even enough for the message
    exchange.Reply({.status = 503, .headers = {}, .content_type = "", .body = "", .log = {}});
  }
}

}  // namespace lacos::serve
