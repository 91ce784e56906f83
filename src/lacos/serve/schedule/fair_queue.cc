#include "lacos/serve/schedule/fair_queue.h"

#include <algorithm>
#include <numeric>

#include "lacos/base/check.h"

namespace lacos::serve {
namespace {

// Every other flow is served at most as much as this one before its turn comes, and one text more.
// `heads` are the next texts of all flows, `total` is all that waits.
int64_t AheadOf(int64_t own, size_t flows, int64_t heads, int64_t total) {
  return std::min(total, own * static_cast<int64_t>(std::max<size_t>(flows, 1)) + heads);
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
  heads_ -= client.turns.empty() ? 0 : client.Head();
  Connection& connection = client.connections[request.connection];
  client.heads -= connection.Head();
  connection.requests.push_back(&request);
  client.heads += connection.Head();
  const int64_t tokens = request.TokensLeft();
  connection.tokens += tokens;
  client.tokens += tokens;
  tokens_ += tokens;
  texts_ += static_cast<int64_t>(request.tokens.size() - request.next);
  client.turns.Set(request.connection, connection.requests.front()->id);
  turns_.Set(request.key, client.Oldest());
  heads_ += client.Head();
}

void FairQueue::ForgetHeads(const QueuedRequest& request) {
  Client& client = clients_.at(request.key);
  heads_ -= client.Head();
  client.heads -= client.connections.at(request.connection).Head();
}

// Takes tokens from the sums of a request's flows, and the request itself if it `leaves`.
void FairQueue::Subtract(QueuedRequest& request, int64_t tokens, bool leaves) {
  Client& client = clients_.at(request.key);
  Connection& connection = client.connections.at(request.connection);
  connection.tokens -= tokens;
  client.tokens -= tokens;
  tokens_ -= tokens;
  if (!leaves) {
    client.heads += connection.Head();
    heads_ += client.Head();
    return;
  }
  std::erase(connection.requests, &request);
  if (!connection.requests.empty()) {
    client.turns.Set(request.connection, connection.requests.front()->id);
    client.heads += connection.Head();
  } else {
    client.turns.Leave(request.connection);
    client.connections.erase(request.connection);
  }
  if (!client.connections.empty()) {
    turns_.Set(request.key, client.Oldest());
    heads_ += client.Head();
  } else {
    turns_.Leave(request.key);
    clients_.erase(request.key);
  }
}

void FairQueue::Remove(QueuedRequest& request) {
  texts_ -= static_cast<int64_t>(request.tokens.size() - request.next);
  ForgetHeads(request);
  Subtract(request, request.TokensLeft(), /*leaves=*/true);
}

QueuedRequest& FairQueue::Next() const {
  LACOS_CHECK(!clients_.empty(), "a request waits");
  const Client& client = clients_.at(turns_.First());
  return *client.connections.at(client.turns.First()).requests.front();
}

size_t FairQueue::Take(QueuedRequest& request) {
  const int64_t tokens = request.HeadTokens();
  ForgetHeads(request);
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
    const auto found = client->second.connections.find(connection);
    own = AheadOf(found == client->second.connections.end() ? 0 : found->second.tokens,
                  client->second.connections.size(), client->second.heads, client->second.tokens);
  }
  return AheadOf(own, clients_.size(), heads_, tokens_);
}

}  // namespace lacos::serve
