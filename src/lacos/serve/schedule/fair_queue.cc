#include "lacos/serve/schedule/fair_queue.h"

#include <algorithm>
#include <numeric>

#include "lacos/base/check.h"

namespace lacos::serve {
namespace {

// Every other flow is served as much as this one before its turn comes, and one text more.
template <class Flows, class Key, class Head>
int64_t AheadOf(const Flows& flows, const Key& key, int64_t own, const Head& head) {
  int64_t ahead = own;
  for (const auto& [other, flow] : flows) {
    if (other != key) ahead += std::min(flow.tokens, own + head(flow));
  }
  return ahead;
}

}  // namespace

int64_t QueuedRequest::TokensLeft() const {
  return std::accumulate(tokens.begin() + static_cast<std::ptrdiff_t>(next), tokens.end(),
                         int64_t{0});
}

uint64_t FairQueue::Client::Oldest() const {
  return connections.at(turns.First()).requests.front()->id;
}

void FairQueue::Add(QueuedRequest& request) {
  LACOS_CHECK(request.next < request.tokens.size(), "a request that waits has a text");
  Client& client = clients_[request.key];
  Connection& connection = client.connections[request.connection];
  connection.requests.push_back(&request);
  const int64_t tokens = request.TokensLeft();
  connection.tokens += tokens;
  client.tokens += tokens;
  tokens_ += tokens;
  texts_ += static_cast<int64_t>(request.tokens.size() - request.next);
  client.turns.Set(request.connection, connection.requests.front()->id);
  turns_.Set(request.key, client.Oldest());
}

// Takes tokens from the sums of a request's flows, and the request itself if it `leaves`.
void FairQueue::Subtract(QueuedRequest& request, int64_t tokens, bool leaves) {
  Client& client = clients_.at(request.key);
  Connection& connection = client.connections.at(request.connection);
  connection.tokens -= tokens;
  client.tokens -= tokens;
  tokens_ -= tokens;
  if (!leaves) return;
  std::erase(connection.requests, &request);
  if (!connection.requests.empty()) {
    client.turns.Set(request.connection, connection.requests.front()->id);
  } else {
    client.turns.Leave(request.connection);
    client.connections.erase(request.connection);
  }
  if (!client.connections.empty()) {
    turns_.Set(request.key, client.Oldest());
  } else {
    turns_.Leave(request.key);
    clients_.erase(request.key);
  }
}

void FairQueue::Remove(QueuedRequest& request) {
  texts_ -= static_cast<int64_t>(request.tokens.size() - request.next);
  Subtract(request, request.TokensLeft(), /*leaves=*/true);
}

QueuedRequest& FairQueue::Next() const {
  LACOS_CHECK(!clients_.empty(), "a request waits");
  const Client& client = clients_.at(turns_.First());
  return *client.connections.at(client.turns.First()).requests.front();
}

size_t FairQueue::Take(QueuedRequest& request) {
  const int64_t tokens = request.HeadTokens();
  Client& client = clients_.at(request.key);
  client.turns.Charge(request.connection, tokens);
  turns_.Charge(request.key, tokens);
  --texts_;
  const size_t text = request.next++;
  Subtract(request, tokens, request.next == request.tokens.size());
  return text;
}

int64_t FairQueue::TokensAhead(const std::string& key, uint64_t connection) const {
  const auto client = clients_.find(key);
  int64_t own = 0;
  if (client != clients_.end()) {
    const auto& connections = client->second.connections;
    const auto found = connections.find(connection);
    own = AheadOf(connections, connection, found == connections.end() ? 0 : found->second.tokens,
                  [](const Connection& other) { return other.requests.front()->HeadTokens(); });
  }
  return AheadOf(clients_, key, own, [](const Client& other) {
    return other.connections.at(other.turns.First()).requests.front()->HeadTokens();
  });
}

}  // namespace lacos::serve
