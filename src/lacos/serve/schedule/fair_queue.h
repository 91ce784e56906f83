// Requests that wait, in the order in which they get their turns: round robin over keys, within a key
// over connections, within a connection by age. A turn is one text, and turns are weighed by tokens,
// so that a client with long texts gets no larger share.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "lacos/serve/message.h"
#include "lacos/serve/schedule/time_point.h"

namespace lacos::serve {

// A request as the scheduler sees it: the costs of its texts, and how long they may wait.
struct QueuedRequest {
  uint64_t id = 0;  // rises with the order of arrival
  std::string key;  // the name of the client's key, or empty
  uint64_t connection = 0;
  std::vector<int64_t> tokens;  // of each text that is to be computed; each is at least 1
  TimePoint arrived, deadline;
  std::shared_ptr<const Abandoned> abandoned;

  // The scheduler's own notes.
  size_t next = 0;  // the first text that no batch has taken
  TimePoint start_by;
  bool is_short = false;

  bool Started() const { return next > 0; }
  int64_t HeadTokens() const { return tokens[next]; }
  int64_t TokensLeft() const;
};

// Whose turn it is among flows that share something, by start-time fair queueing: the flow that was
// served least since it began to wait comes first, among equals the one with the oldest request.
// Source: Goyal, Vin, Cheng, "Start-time Fair Queueing" (1996).
template <class Key>
class Turns {
 public:
  bool empty() const { return flows_.empty(); }
  const Key& First() const { return std::get<2>(*order_.begin()); }

  // A flow begins to wait, or its oldest request has changed.
  void Set(const Key& key, uint64_t oldest) {
    const auto [place, is_new] = flows_.try_emplace(key, now_, oldest);
    if (!is_new) {
      order_.erase({place->second.first, place->second.second, key});
      place->second.second = oldest;
    }
    order_.insert({place->second.first, oldest, key});
  }
  void Charge(const Key& key, int64_t tokens) {
    auto& [served, oldest] = flows_.at(key);
    order_.erase({served, oldest, key});
    now_ = std::max(now_, served);
    served += tokens;
    order_.insert({served, oldest, key});
  }
  void Leave(const Key& key) {
    const auto& [served, oldest] = flows_.at(key);
    order_.erase({served, oldest, key});
    flows_.erase(key);
  }

 private:
  std::map<Key, std::pair<int64_t, uint64_t>> flows_;  // tokens served, oldest request
  std::set<std::tuple<int64_t, uint64_t, Key>> order_;
  int64_t now_ = 0;
};

class FairQueue {
 public:
  bool empty() const { return tokens_ == 0; }
  int64_t tokens() const { return tokens_; }
  int64_t texts() const { return texts_; }

  // The request must have a text that no batch has taken, and must outlive its stay.
  void Add(QueuedRequest& request);
  // What is left of the request is not wanted any more.
  void Remove(QueuedRequest& request);
  // The request whose turn it is. The queue must not be empty.
  QueuedRequest& Next() const;
  // The next text of the request is taken, whether it was its turn or not. Returns its index.
  size_t Take(QueuedRequest& request);

  // The tokens that are served before those of a new request of this client, at most. Takes the same
  // time however many clients wait, since it is asked for every request of an overload.
  int64_t TokensAhead(const std::string& key, uint64_t connection) const;

 private:
  struct Connection {
    int64_t tokens = 0;
    std::deque<QueuedRequest*> requests;
    int64_t Head() const { return requests.empty() ? 0 : requests.front()->HeadTokens(); }
  };
  struct Client {
    int64_t tokens = 0;
    std::map<uint64_t, Connection> connections;
    Turns<uint64_t> turns;
    int64_t heads = 0;  // tokens of the next texts of all connections
    uint64_t Oldest() const;
    int64_t Head() const { return connections.empty() ? 0 : connections.at(turns.First()).Head(); }
  };
  // The sums of next texts are taken back before a flow changes, and added when it has changed.
  void ForgetHeads(const QueuedRequest& request);
  void Subtract(QueuedRequest& request, int64_t tokens, bool leaves);

  std::map<std::string, Client> clients_;
  Turns<std::string> turns_;
  int64_t tokens_ = 0, texts_ = 0;
  int64_t heads_ = 0;  // tokens of the next texts of all clients
};

}  // namespace lacos::serve
