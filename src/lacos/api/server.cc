// The C++ face of the functions of lacos.h that start and stop a server.
#include "lacos/server.h"

#include <utility>
#include <vector>

#include "lacos.h"
#include "lacos/api/call.h"
#include "lacos/api/model_options.h"

namespace lacos::v0 {

struct Server::State {
  lacos_server* server = nullptr;
  ~State() { lacos_server_stop(server, 0, nullptr); }
};

Server::Server(const std::string& model, const ServerOptions& options)
    : state_(std::make_unique<State>()) {
  Call([&] {
    const lacos_options model_fields = FieldsOf(options.model);
    std::vector<std::string> pairs;
    for (const auto& [name, folder] : options.adapters) pairs.push_back(name + "=" + folder);
    std::vector<const char*> adapters;
    for (const std::string& pair : pairs) adapters.push_back(pair.c_str());
    adapters.push_back(nullptr);
    lacos_server_options fields = LACOS_SERVER_OPTIONS_INIT;
    fields.listen = options.listen.c_str();
    fields.api_keys = options.api_keys.c_str();
    fields.access_log = options.access_log.c_str();
    fields.model_name = options.model_name.c_str();
    fields.adapters = adapters.data();
    fields.no_auth = Choice(options.no_auth);
    fields.accept_token_ids = Choice(options.accept_token_ids);
    fields.empty_is_zero = Choice(options.empty_is_zero);
    fields.max_wait = options.max_wait;
    fields.request_timeout = options.request_timeout;
    RequireOk(lacos_server_start(model.c_str(), &model_fields, &fields, &state_->server));
  });
}

Server::~Server() = default;
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;

std::string Server::url() const {
  return state_ == nullptr ? "" : lacos_server_url(state_->server);
}

void Server::ReloadKeys() {
  Call([&] { RequireOk(lacos_server_reload_keys(state_->server)); });
}

std::uint64_t Server::Stop(double drain_seconds) {
  return Call([&] {
    std::uint64_t lost = 0;
    RequireOk(lacos_server_stop(std::exchange(state_->server, nullptr), drain_seconds, &lost));
    return lost;
  });
}

}  // namespace lacos::v0
