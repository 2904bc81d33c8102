#pragma once
/// One connection to a NATS server over its C client, which can only block: so it is asked in short slices, and between
/// them for a stop.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nats/nats.h>

#include "harmony/scope.hpp"
#include "nats/client.hpp"

namespace harmony::nats {

/// Frees what the C client allocates.
struct Free {
  void operator()(natsOptions* p) const { natsOptions_Destroy(p); }
  void operator()(natsConnection* p) const { natsConnection_Destroy(p); }
  void operator()(natsSubscription* p) const { natsSubscription_Destroy(p); }
  void operator()(natsMsg* p) const { natsMsg_Destroy(p); }
  void operator()(jsCtx* p) const { jsCtx_Destroy(p); }
  void operator()(jsStreamInfo* p) const { jsStreamInfo_Destroy(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

struct Login {
  std::string instance;  ///< of the server, for errors
  host::Endpoint at;
  std::string user;
  Secret<std::string> password;
};

/// Thread-safe, as the C client is. All throw Unreachable, H0242, Stopped.
class Session {
 public:
  /// @throws also H0241 (login refused)
  Session(const Scope&, const Login&);
  bool usable() const;
  /// Nothing where there is no such stream.
  std::optional<StreamState> stream(const Scope&, const std::string& name) const;
  void add(const Scope&, const std::string& name, const std::vector<std::string>& subjects) const;
  /// Its other settings stay.
  void update(const Scope&, const std::string& name, const std::vector<std::string>& subjects) const;
  /// None there is fine.
  void remove(const Scope&, const std::string& name) const;
  Owned<natsSubscription> subscribe(const Scope&, const std::string& subject) const;
  [[noreturn]] void lost(const std::string& reason) const;

 private:
  struct Outcome {
    natsStatus status;
    int code = 0;  ///< of JetStream
  };
  using Ask = std::function<Outcome(jsCtx*, jsOptions*)>;

  Owned<natsConnection> connect(const Scope&, const Login&) const;
  /// What a request to JetStream ends with, but a timeout. All we ask may be asked twice.
  Outcome ask(const Scope&, const Ask&) const;
  Owned<jsStreamInfo> information(const Scope&, const std::string& name) const;
  void require(const Outcome&, const std::string& what) const;

  std::string instance_;
  host::Endpoint at_;
  Owned<natsConnection> connection_;
};

}  // namespace harmony::nats
