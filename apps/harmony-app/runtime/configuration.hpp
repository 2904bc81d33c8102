#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

namespace guestbook {

/// Where the HTTP server listens. Port 0 takes any free one.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};

/// A NATS server and what to say to it: a user and a password, or a token, or nothing.
struct BrokerAddress {
  std::string url;  ///< without credentials
  std::string user;
  std::string password;
  std::string token;
};

struct Configuration {
  ListenAddress listen;
  std::string database_url;  ///< holds a password: never to be shown
  BrokerAddress broker;
  std::string subject;
};

/// The environment asks for something that cannot be done. Holds no value of a variable that may be secret.
class ConfigurationError : public std::runtime_error {
 public:
  ConfigurationError(const std::string& what, std::string help) : std::runtime_error(what), help_(std::move(help)) {}
  const std::string& help() const { return help_; }

 private:
  std::string help_;
};

/// Gives the value of an environment variable, or nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// Reads LISTEN, DATABASE_URL, NATS_URL and NATS_SUBJECT. Throws ConfigurationError.
Configuration read_configuration(const Environment& environment);

}  // namespace guestbook
