/// What a failed transfer means, in words of people who look for a cluster, not for a library's number.
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "host/printable.hpp"
#include "k8s/transport.hpp"

namespace harmony::k8s {

namespace {

struct Told {
  Trouble trouble;
  std::string what, help;
};

bool says(std::string_view detail, std::string_view words) { return detail.find(words) != std::string_view::npos; }

long number_of(CURL* easy, CURLINFO which) {
  long number = 0;
  curl_easy_getinfo(easy, which, &number);
  return number;
}

/// "DNS:kubernetes, IP Address:10.0.0.1" of the certificate that the server showed.
std::string names_shown(CURL* easy) {
  curl_certinfo* chain = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain || chain->num_of_certs < 1) return {};
  constexpr std::string_view wanted = "X509v3 Subject Alternative Name:";
  for (const curl_slist* line = chain->certinfo[0]; line; line = line->next)
    if (std::string_view(line->data).starts_with(wanted)) return host::printable(line->data + wanted.size());
  return {};
}

const char* const other_authority = "its certificate is signed by an authority that the kubeconfig does not name";
const char* const not_ours = "make sure that this is your cluster, and take the kubeconfig anew from whoever runs it";

Told untrusted(CURL* easy, std::string_view detail) {
  if (says(detail, "subject name"))  // the library compares names by itself, after the rest was found to be right
    return {Trouble::certificate, "its certificate is for other names",
            "reach it by a name that the certificate has, or say that name as `tls-server-name` in the kubeconfig"};
  switch (number_of(easy, CURLINFO_SSL_VERIFYRESULT)) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {Trouble::certificate, "its certificate has expired",
              "look at this machine's clock; whoever runs the cluster renews the certificate"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Trouble::certificate, "its certificate is not valid yet", "look at this machine's clock"};
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {Trouble::certificate, "its certificate is signed by nobody but itself", not_ours};
    case X509_V_ERR_INVALID_PURPOSE:
      return {Trouble::certificate, "its certificate is made for another purpose", not_ours};
    case X509_V_ERR_CERT_REVOKED: return {Trouble::certificate, "its certificate is revoked", not_ours};
    default: return {Trouble::certificate, other_authority, not_ours};
  }
}

Told broken(std::string_view detail) {
  if (says(detail, "alert"))
    return {Trouble::client_certificate,
            says(detail, "certificate required") ? "it wants a client certificate"
                                                 : "it does not take our client certificate",
            "look which user the context names, and get a certificate that this cluster has signed"};
  if (says(detail, "wrong version number") || says(detail, "packet length too long") || says(detail, "http request"))
    return {Trouble::no_tls, "what answers there speaks no TLS",
            "look at the server's URL in the kubeconfig, and at its port"};
  // A signature that does not fit: another authority of the same name.
  if (says(detail, " routines::") && !says(detail, "SSL routines::"))
    return {Trouble::certificate, other_authority, not_ours};
  return {Trouble::closed, "the connection broke", "run the same command again; look whether the server is up"};
}

Told meaning_of(CURL* easy, CURLcode code, std::string_view detail) {
  const std::string up = "look whether the cluster is up, and whether this machine can reach it";
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Trouble::name_unknown, "its name leads nowhere",
              "look at the server's URL in the kubeconfig, and at this machine's DNS"};
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {Trouble::proxy, "the name of the proxy leads nowhere",
              "look at `proxy-url` in the kubeconfig, or at HTTPS_PROXY"};
    case CURLE_PROXY:
      return {Trouble::proxy, "the proxy does not let us through",
              "look at `proxy-url` in the kubeconfig, or at HTTPS_PROXY and NO_PROXY"};
    case CURLE_COULDNT_CONNECT:
      return {Trouble::refused,
              number_of(easy, CURLINFO_OS_ERRNO) == ECONNREFUSED ? "nobody listens there" : "no way leads there", up};
    case CURLE_PEER_FAILED_VERIFICATION: return untrusted(easy, detail);
    case CURLE_OPERATION_TIMEDOUT: return {Trouble::slow, "it does not answer in time", up};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: {
      if (says(detail, "CONNECT"))
        return {Trouble::proxy, "the proxy does not let us through",
                "look at `proxy-url` in the kubeconfig, or at HTTPS_PROXY and NO_PROXY"};
      return broken(detail);
    }
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
      return {Trouble::closed, "the connection broke", "run the same command again; look whether the server is up"};
    default:
      return {Trouble::malformed, "what answers there is no API server", "look at the server's URL in the kubeconfig"};
  }
}

/// What was said to a proxy does not count.
bool request_is_out(CURL* easy, const Destination& to) {
  curl_off_t greeted_us = 0;
  curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &greeted_us);
  const bool connected = number_of(easy, CURLINFO_NUM_CONNECTS) == 0 || greeted_us > 0 || (!to.tls && to.proxy.empty());
  return connected && number_of(easy, CURLINFO_REQUEST_SIZE) > 0;
}

bool about_trust(Trouble trouble) {
  return trouble == Trouble::certificate || trouble == Trouble::client_certificate || trouble == Trouble::no_tls;
}

}  // namespace

std::string_view to_string(Trouble trouble) {
  switch (trouble) {
    case Trouble::name_unknown: return "name unknown";
    case Trouble::refused: return "refused";
    case Trouble::proxy: return "proxy";
    case Trouble::no_tls: return "no TLS";
    case Trouble::certificate: return "certificate";
    case Trouble::client_certificate: return "client certificate";
    case Trouble::closed: return "closed";
    case Trouble::slow: return "slow";
    case Trouble::malformed: return "malformed";
  }
  return "";
}

ConnectionError failure_of(CURL* easy, CURLcode code, const char* detail, const Destination& to,
                           std::string_view doing) {
  Told told = meaning_of(easy, code, detail);
  // A server that does not take our certificate may say so when we have sent a request; it does not read that.
  const bool sent = !about_trust(told.trouble) && request_is_out(easy, to);
  if (told.trouble == Trouble::slow && number_of(easy, CURLINFO_HTTP_CONNECTCODE) == 0 && !sent && !to.proxy.empty())
    told.what += ", by way of the proxy";
  const bool trust = about_trust(told.trouble);
  Diagnostic diagnostic{
      .code = trust ? "H0411" : "H0410",
      .category = told.trouble == Trouble::slow && sent ? Category::timed_out : Category::unreachable,
      .message = fmt::format("{} the API server at {}: {}", trust ? "no trust between us and" : "cannot reach",
                             host::printable(to.text()), told.what),
      .subject = "API server/" + host::printable(to.host_and_port()),
      .facts = {{"while", host::printable(doing)}},
      .help = std::move(told.help)};
  if (*detail) diagnostic.facts.emplace_back("detail", host::printable(detail));
  if (!to.proxy.empty()) diagnostic.facts.emplace_back("proxy", host::printable(without_user(to.proxy)));
  if (const std::string names = names_shown(easy); !names.empty() && told.trouble == Trouble::certificate)
    diagnostic.facts.emplace_back("certificate is for", names);
  return {std::move(diagnostic), told.trouble, sent};
}

}  // namespace harmony::k8s
