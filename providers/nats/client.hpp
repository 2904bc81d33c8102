#pragma once
/// Primitive: a client session with a NATS server and its JetStream. Twin and addressing as in sql/sql.hpp.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harmony/capabilities/nats.hpp"
#include "harmony/primitive.hpp"
#include "host/host.hpp"

namespace harmony::nats {

struct Server {
  std::string instance;
  host::Endpoint at;
  std::string user;
  Deferred<Secret<std::string>> password;
};
/// A JetStream stream that takes the subjects `<name>.>`, kept on disk; it holds data.
struct Stream {
  std::string name;
};

/// A stream that is there.
struct StreamState {
  std::vector<std::string> subjects;
  bool on_disk = true;
};

/// H0240: nobody accepts connections there now, or JetStream does not answer.
class Unreachable final : public Error {
 public:
  using Error::Error;
};

/// H0241: the server refuses the login.
class LoginRefused final : public Error {
 public:
  using Error::Error;
};

class RehearsedClient;

/// Thread-safe. Subjects: stream/<instance>/<name>.
/// All throw Unreachable, LoginRefused, H0242 (it refuses what it was asked), Stopped.
class Client : public Primitive {
 public:
  using twin = RehearsedClient;
  std::string_view primitive() const override { return "nats"; }

  // reads
  /// Nothing where server and JetStream answer; else why not.
  virtual std::optional<std::string> not_accepting(Scope&, const Server&) = 0;
  /// What answers there does not know the login: its configuration is another one. False where nobody answers.
  virtual bool refuses_login(Scope&, const Server&) = 0;
  /// Nothing inside where there is no such stream; pending where it cannot be known now.
  virtual Deferred<std::optional<StreamState>> stream(Scope&, const Server&, const std::string& name) = 0;
  /// What is published from now on; when it returns, the server knows of it.
  virtual std::unique_ptr<NatsSubscription> subscribe(Scope&, const Server&, const std::string& subject) = 0;

  // writes
  /// Creates the stream, or puts its subjects right and leaves the rest. @throws H0243 (no name of a stream), H0244 (it is
  /// kept in memory only)
  virtual void ensure(Scope&, const Server&, const Stream&) = 0;

  /// How `remove`, `observe` and `read_again` find the server of an instance: set by the capability that runs it.
  virtual void serves(const Server&) = 0;
  virtual std::optional<Server> served(const std::string& instance) const = 0;
};

std::shared_ptr<Client> clients();

}  // namespace harmony::nats
