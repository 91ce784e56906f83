// Takes the place of server.cc in builds without Boost: a server cannot be started.
#include "lacos/base/error.h"
#include "lacos/serve/http/server.h"

namespace lacos::serve {

struct HttpServer::State {
  std::string url;
  std::vector<std::string> notes;
};

HttpServer::HttpServer(const HttpServerOptions& options, std::shared_ptr<Handler>,
                       std::shared_ptr<HttpStatistics>) {
  Check(options);
}

void HttpServer::Check(const HttpServerOptions&) {
  throw UserError(
      "[serve] this build of lacos has no server, because Boost 1.81 was missing; expected a build "
      "with it; install libboost1.81-dev and build again");
}

HttpServer::~HttpServer() = default;
const std::string& HttpServer::url() const { return state_->url; }
const std::vector<std::string>& HttpServer::notes() const { return state_->notes; }
void HttpServer::ReloadKeys() {}
void HttpServer::ReopenLog() {}
int64_t HttpServer::Stop(std::chrono::milliseconds, const std::function<bool()>&) { return 0; }

}  // namespace lacos::serve
