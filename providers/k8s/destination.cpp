#include "k8s/destination.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/printable.hpp"

namespace harmony::k8s {

namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owned{text, curl_free};
  return text;
}

bool is_one_line(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x21 || c == 0x7f; });
}

Destination parsed(const std::string& server, const Origin& origin) {
  const Url url{curl_url()};
  if (!is_one_line(server) ||
      curl_url_set(url.get(), CURLUPART_URL, server.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    throw wrong_field(origin, "it is no URL");
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") throw wrong_field(origin, "it does not begin with https://");
  if (!part_of(url.get(), CURLUPART_USER).empty() || !part_of(url.get(), CURLUPART_PASSWORD).empty())
    throw wrong_field(origin, "a user or a password stands in it");
  if (!part_of(url.get(), CURLUPART_QUERY).empty() || !part_of(url.get(), CURLUPART_FRAGMENT).empty())
    throw wrong_field(origin, "it goes on behind the path");
  Destination made{.tls = scheme == "https", .host = part_of(url.get(), CURLUPART_HOST)};
  if (made.host.starts_with('[')) made.host = made.host.substr(1, made.host.size() - 2);
  const std::string port = part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), made.port);
  made.prefix = part_of(url.get(), CURLUPART_PATH);
  while (made.prefix.ends_with('/')) made.prefix.pop_back();
  if (!made.tls && !is_loopback(made.host))
    throw wrong_field(origin, "without TLS only this machine itself is spoken to");
  return made;
}

void require_proxy(const std::string& proxy, const Cluster& cluster, const Origin& origin) {
  if (proxy.empty()) return;
  constexpr std::array<std::string_view, 4> schemes{"http://", "https://", "socks5://", "socks5h://"};
  const bool known = std::ranges::any_of(schemes, [&](std::string_view scheme) { return proxy.starts_with(scheme); });
  if (!known || !is_one_line(proxy)) throw wrong_field(origin, "a proxy is http://, https:// or socks5://");
  if (proxy.starts_with("https://") && !cluster.tls_server_name.empty())
    throw wrong_field(origin, "a proxy that is spoken to by https does not go together with tls-server-name");
}

using Address = std::array<unsigned char, 16>;
/// IPv4 as it is mapped into IPv6.
std::optional<Address> address_of(const std::string& text) {
  Address address{};
  if (::inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (::inet_pton(AF_INET, text.c_str(), address.data() + 12) == 1) return address;
  return std::nullopt;
}

bool in_network(const Address& address, std::string_view network) {
  const auto slash = network.find('/');
  const auto base = address_of(std::string(network.substr(0, slash)));
  int bits = 0;
  const std::string_view digits = network.substr(slash + 1);
  if (!base || std::from_chars(digits.data(), digits.data() + digits.size(), bits).ptr != digits.data() + digits.size())
    return false;
  if (network.find(':') == std::string_view::npos) bits += 96;
  if (bits < 0 || bits > 128) return false;
  for (int bit = 0; bit < bits; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    if (((address[byte] ^ (*base)[byte]) >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

/// One entry of NO_PROXY: "*", "10.0.0.0/8", "10.0.0.1", "example.org", ".example.org", each with or without a port.
bool spares(std::string entry, const std::string& host, int port) {
  if (entry == "*") return true;
  const auto address = address_of(host);
  if (entry.find('/') != std::string::npos) return address && in_network(*address, entry);
  if (const auto colon = entry.rfind(':'); colon != std::string::npos && entry.find(':') == colon) {
    if (entry.substr(colon + 1) != std::to_string(port)) return false;
    entry.erase(colon);
  }
  if (const auto meant = address_of(entry)) return address == meant;
  if (entry.starts_with("*.")) entry.erase(0, 1);
  if (entry.starts_with('.')) return host.ends_with(entry);
  return host == entry || host.ends_with("." + entry);
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// A peer that is gone without a word is noticed within three quarters of a minute, also while nothing is sent.
int notice_death(void*, curl_socket_t socket, curlsocktype) {
  constexpr int on = 1, idle_s = 15, every_s = 10, tries = 3;
  constexpr unsigned unacknowledged_ms = 45'000;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
  return CURL_SOCKOPT_OK;
}

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

/// The library reads the text while the handle lives, so nothing is copied, and nothing touches a disk.
void give(CURL* easy, CURLoption option, const std::string& pem) {
  curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
  curl_easy_setopt(easy, option, &blob);
}

void secure(CURL* easy, const Destination& to, const Credential& credential) {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, to.insecure ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, to.insecure ? 0L : 2L);
  curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
  if (!to.authority.empty()) {
    give(easy, CURLOPT_CAINFO_BLOB, to.authority);
    // Else whoever the system trusts would be trusted as well.
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  if (!credential.certificate) return;
  give(easy, CURLOPT_SSLCERT_BLOB, credential.certificate->chain);
  give(easy, CURLOPT_SSLKEY_BLOB, credential.certificate->key.reveal());
}

}  // namespace

std::string Destination::host_and_port() const { return fmt::format("{}:{}", bracketed(host), port); }
std::string Destination::text() const {
  return fmt::format("{}://{}{}", tls ? "https" : "http", host_and_port(), prefix);
}

std::string without_user(const std::string& url) {
  const auto begin = url.find("://"), end = url.rfind('@');
  return begin == std::string::npos || end == std::string::npos ? url : url.substr(0, begin + 3) + url.substr(end + 1);
}

bool is_loopback(const std::string& host) {
  const auto address = address_of(host);
  if (!address) return lower(host) == "localhost";
  return in_network(*address, "127.0.0.0/8") || in_network(*address, "::1/128");
}

std::string proxy_for(const std::string& host, int port, const Environment& environment) {
  if (is_loopback(host)) return {};
  const auto first = [&](const char* upper_case, const char* lower_case) {
    const std::string value = environment.get(upper_case);
    return value.empty() ? environment.get(lower_case) : value;
  };
  std::string proxy = first("HTTPS_PROXY", "https_proxy");
  if (proxy.empty()) return {};
  const std::string list = lower(first("NO_PROXY", "no_proxy"));
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t end = std::min(list.find(',', from), list.size());
    std::string entry = list.substr(from, end - from);
    std::erase(entry, ' ');
    if (!entry.empty() && spares(entry, lower(host), port)) return {};
    from = end + 1;
  }
  return proxy.find("://") == std::string::npos ? "http://" + proxy : proxy;
}

Destination destination_of(const Cluster& cluster, const Environment& environment) {
  Destination made = parsed(cluster.server, cluster.origin.at("server"));
  made.tls_server_name = cluster.tls_server_name;
  made.insecure = cluster.insecure;
  made.proxy = cluster.proxy.empty() ? proxy_for(made.host, made.port, environment) : cluster.proxy;
  require_proxy(made.proxy, cluster,
                cluster.proxy.empty() ? Origin{.file = "the environment", .field = "HTTPS_PROXY"}
                                      : cluster.origin.at("proxy-url"));
  if (cluster.authority.given()) made.authority = authority_of(cluster.authority);
  return made;
}

CurlList direct(CURL* easy, const Destination& to, const Credential& credential, const std::string& path) {
  // The name that the certificate must have is the URL's; where else the server is, only the connection knows.
  const bool renamed = to.tls && !to.tls_server_name.empty();
  const std::string named = bracketed(renamed ? to.tls_server_name : to.host);
  const std::string url = fmt::format("{}://{}:{}{}{}", to.tls ? "https" : "http", named, to.port, to.prefix, path);
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, to.tls ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_PROXY, to.proxy.c_str());  // an empty one: none, whatever the environment says
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  // Debian 12's library has faults in HTTP/2, and eight connections do as well as one with many streams.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, notice_death);
  if (to.tls) secure(easy, to, credential);
  CurlList route{nullptr, curl_slist_free_all};
  if (renamed) route.reset(curl_slist_append(nullptr, fmt::format("::{}", to.host_and_port()).c_str()));
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, route.get());
  return route;
}

}  // namespace harmony::k8s
