#pragma once
/// One HTTP exchange with an API server, over libcurl. Connections are kept and used again.
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harmony/error.hpp"
#include "harmony/scope.hpp"
#include "k8s/credentials.hpp"
#include "k8s/destination.hpp"

namespace harmony::k8s {

struct Request {
  std::string method = "GET";
  std::string path;                                                    ///< with its query
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::chrono::milliseconds limit{60'000};                             ///< for all of it; zero: for ever
  std::chrono::seconds silence{0};                                     ///< longest time without a byte; zero: any
};

struct Reply {
  int status = 0;
  std::multimap<std::string, std::string> headers = {};                ///< by names in small letters
  std::string body = {};
  bool ok() const { return status >= 200 && status < 300; }
  std::string header(const std::string& name) const;                   ///< empty where there is none
};

/// Why there is no reply.
enum class Trouble {
  name_unknown,         ///< the host's name leads nowhere
  refused,              ///< nobody listens, or no way leads there
  proxy,                ///< the proxy does not let us through
  no_tls,               ///< what answers speaks no TLS that we speak
  certificate,          ///< the server is not who it should be
  client_certificate,   ///< the server does not take our certificate, or wants one
  closed,               ///< the connection broke
  slow,                 ///< a limit was reached
  malformed,            ///< what came is no HTTP, or too much of it
};
std::string_view to_string(Trouble);

/// H0410, H0411
class ConnectionError final : public Error {
 public:
  ConnectionError(Diagnostic diagnostic, Trouble trouble, bool sent)
      : Error(std::move(diagnostic)), trouble_(trouble), sent_(sent) {}
  Trouble trouble() const { return trouble_; }
  /// The server may have got the request, and may have done what it asks for.
  bool sent() const { return sent_; }

 private:
  Trouble trouble_;
  bool sent_;
};

/// Gets the pieces of a body as they come; false: enough.
using BodySink = std::function<bool(std::string_view)>;

/// Thread-safe: each exchange has a connection of its own while it lasts.
class Transport {
 public:
  explicit Transport(Destination);
  ~Transport();
  /// @param body where it is given, the body of a 2xx reply goes there, else into the reply (up to 64 MiB).
  /// A request with a body is sent once at most: a connection that breaks under it is told, never tried again silently.
  /// @throws ConnectionError, Stopped, what `body` throws
  Reply exchange(const Scope&, const Request&, const Credential&, const BodySink& body = {});
  const Destination& destination() const { return destination_; }

 private:
  class Lane;
  std::unique_ptr<Lane> take(const Credential&);
  void give_back(std::unique_ptr<Lane>);

  const Destination destination_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> idle_;
};

/// Runs a transfer to its end, or to a stop: that wakes the wait. The handle stays with `multi`. @returns nothing where
/// it was stopped.
/// @param slow is called once, where it takes longer than a second.
std::optional<CURLcode> perform(CURLM* multi, CURL* easy, const std::stop_token&, const std::function<void()>& slow);
/// Shows why nothing seems to happen. Both outlive what is returned.
std::function<void()> tells_slow(const Scope&, const Destination&);

/// What a failed transfer of a handle means; also of one that only connects.
ConnectionError failure_of(CURL*, CURLcode, const char* detail, const Destination&, std::string_view doing);

}  // namespace harmony::k8s
