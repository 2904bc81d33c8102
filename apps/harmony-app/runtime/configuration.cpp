#include "configuration.hpp"

#include <libpq-fe.h>
#include <charconv>
#include <memory>
#include <string_view>

namespace guestbook {
namespace {

constexpr const char* listen_help = "give an address and a port, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:0";
constexpr const char* database_help = "give a PostgreSQL URI: postgresql://user:password@host:5432/database";
constexpr const char* broker_help =
    "give a NATS URL: nats://user:password@host:4222 or nats://token@host:4222, special characters percent-encoded";

std::string required(const Environment& environment, const char* name, const char* help) {
  const std::optional<std::string> value = environment(name);
  if (!value || value->empty()) throw ConfigurationError(std::string("`") + name + "` is not set", help);
  return *value;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return port;
}

/// Splits `host:port`; an IPv6 address stands in brackets. Nothing when it is not of that form.
std::optional<ListenAddress> parse_host_and_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (!port || has_colon != bracketed || host.find_first_of("/@ []") != std::string_view::npos) return std::nullopt;
  return ListenAddress{std::string(host), *port};
}

ListenAddress parse_listen(const std::string& value) {
  if (const auto address = parse_host_and_port(value)) return *address;
  throw ConfigurationError("`LISTEN` is not an address and a port: `" + value + "`", listen_help);
}

/// Keeps quiet about why: libpq's message repeats the URI, and the password with it.
std::string parse_database_url(std::string value) {
  const bool is_uri = value.starts_with("postgresql://") || value.starts_with("postgres://");
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(PQconninfoParse(value.c_str(), nullptr),
                                                                            &PQconninfoFree);
  if (!is_uri || !parsed) throw ConfigurationError("`DATABASE_URL` is not a PostgreSQL URI", database_help);
  return value;
}

[[noreturn]] void refuse_broker_url() { throw ConfigurationError("`NATS_URL` is not a NATS URL", broker_help); }

/// The client library takes user information as it stands; other NATS clients read it as a URL says.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (text[index] != '%') {
      decoded += text[index];
      continue;
    }
    unsigned char byte = 0;
    const std::string_view digits = text.substr(index + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2 || byte == 0) refuse_broker_url();
    decoded += static_cast<char>(byte);
    index += 2;
  }
  return decoded;
}

BrokerAddress parse_broker_url(std::string_view value) {
  constexpr std::string_view scheme = "nats://";
  if (!value.starts_with(scheme)) refuse_broker_url();
  value.remove_prefix(scheme.size());
  if (value.ends_with('/')) value.remove_suffix(1);

  BrokerAddress address;
  if (const auto at = value.rfind('@'); at != std::string_view::npos) {
    const std::string_view credentials = value.substr(0, at);
    value.remove_prefix(at + 1);
    const auto colon = credentials.find(':');
    if (credentials.empty()) refuse_broker_url();
    if (colon == std::string_view::npos) {
      address.token = percent_decoded(credentials);
    } else {
      address.user = percent_decoded(credentials.substr(0, colon));
      address.password = percent_decoded(credentials.substr(colon + 1));
      if (address.user.empty()) refuse_broker_url();
    }
  }
  const bool has_port = parse_host_and_port(value).has_value();
  if (!has_port && (value.empty() || value.find_first_of(":/?# []") != std::string_view::npos)) refuse_broker_url();
  address.url = std::string(scheme) + std::string(value);
  return address;
}

/// A subject to publish to: tokens with dots between them, no wildcard.
std::string parse_subject(std::string value) {
  const bool has_empty_token =
      value.empty() || value.front() == '.' || value.back() == '.' || value.find("..") != std::string::npos;
  const bool has_bad_character = value.find_first_of("*> \t\r\n") != std::string::npos;
  if (has_empty_token || has_bad_character) {
    throw ConfigurationError("`NATS_SUBJECT` is not a subject to publish to",
                             "give words with dots between them, such as entries.created");
  }
  return value;
}

}  // namespace

Configuration read_configuration(const Environment& environment) {
  Configuration configuration;
  configuration.listen = parse_listen(environment("LISTEN").value_or("127.0.0.1:8080"));
  configuration.database_url = parse_database_url(required(environment, "DATABASE_URL", database_help));
  configuration.broker = parse_broker_url(required(environment, "NATS_URL", broker_help));
  configuration.subject = parse_subject(environment("NATS_SUBJECT").value_or("entries.created"));
  return configuration;
}

}  // namespace guestbook
