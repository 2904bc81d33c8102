#pragma once
/// What clients of servers know of them: where each instance listens, and in a rehearsal, where to ask now instead.
/// `Server` is a client's own: with `instance` and `at`.
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "host/host.hpp"

namespace harmony::host {

/// Thread-safe.
template <class Server>
class Servers {
 public:
  void put(const Server& server) {
    std::lock_guard hold{mutex_};
    by_instance_.insert_or_assign(server.instance, server);
  }
  std::optional<Server> find(const std::string& instance) const {
    std::lock_guard hold{mutex_};
    const auto found = by_instance_.find(instance);
    return found == by_instance_.end() ? std::nullopt : std::optional{found->second};
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Server> by_instance_;
};

/// What `status` says of something inside a server. `is_there` asks it, and is only called where that can be done.
template <class Question>
Observation observed(const LedgerEntry& entry, bool server_known, Question&& is_there) {
  using Health = Observation::Health;
  if (!server_known)
    return {.entry = entry, .health = Health::unknown, .detail = "where its server listens is not known"};
  try {
    if (is_there()) return {.entry = entry, .health = Health::ok};
    return {.entry = entry, .health = Health::missing, .detail = "the server does not know it"};
  } catch (const Stopped&) {
    throw;
  } catch (const Error& error) {
    const auto& facts = error.data().facts;
    return {.entry = entry,
            .health = Health::unknown,
            .detail = "its server does not answer: " + (facts.empty() ? error.data().message : facts.back().second)};
  }
}

/// Where to ask now; where nowhere, whether it is known to be empty, and why not.
template <class Server>
struct Where {
  std::optional<Server> now;
  bool fresh = false;
  std::string because = {};
};

template <class Server>
Where<Server> where_now(const PendingEndpoints& pending, const Server& server) {
  const auto state = pending.find(server.at);
  if (!state) return {.now = server};
  if (state->fresh || !state->now) return {.now = std::nullopt, .fresh = state->fresh, .because = state->because};
  Where<Server> moving{.now = server, .fresh = false, .because = state->because};
  moving.now->at = *state->now;
  return moving;
}

}  // namespace harmony::host
