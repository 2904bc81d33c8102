#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "api.hpp"
#include "configuration.hpp"
#include "health.hpp"
#include "metrics.hpp"

namespace guestbook {

/// The address cannot be listened on.
class ListenError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Shutdown {
  complete,   ///< every request that was begun has been answered
  cut_short,  ///< the time for that ran out; a worker may still be busy
};

/// The HTTP/1.1 server: connections on I/O threads, handlers that wait on workers, every wait and size bounded.
class Server {
 public:
  /// Binds and listens. Throws ListenError.
  Server(const ListenAddress& address, Api& api, Health& health, Metrics& metrics);
  ~Server();

  /// Serves until SIGTERM or SIGINT, then finishes what was begun.
  Shutdown run();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace guestbook
