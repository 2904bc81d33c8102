#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include <fmt/format.h>

#include "host/printable.hpp"
#include "http/http.hpp"

namespace harmony::http {

namespace {

constexpr std::size_t largest_body = 1 << 20;
constexpr std::size_t largest_headers = 64 << 10;

/// What one transfer collects, and why it must end early.
struct Transfer {
  HttpResponse response;
  std::size_t header_bytes = 0;
  bool too_large = false;

  static std::size_t body(char* data, std::size_t, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.too_large = transfer.response.body.size() + size > largest_body;
    if (transfer.too_large) return CURL_WRITEFUNC_ERROR;
    transfer.response.body.append(data, size);
    return size;
  }
  static std::size_t header(char* data, std::size_t, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.header_bytes += size;
    transfer.too_large = transfer.header_bytes > largest_headers;
    if (transfer.too_large) return 0;
    const std::string_view line{data, size};
    if (line.starts_with("HTTP/")) transfer.response.headers.clear();  // those before were of an interim answer
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return size;
    std::string name{line.substr(0, colon)}, value{line.substr(colon + 1)};
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    value.erase(0, value.find_first_not_of(" \t"));
    value.erase(value.find_last_not_of(" \t\r\n") + 1);
    transfer.response.headers.insert_or_assign(std::move(name), std::move(value));
    return size;
  }
};

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Multi = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

bool token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || std::string_view{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(c)) != std::string_view::npos;
  });
}
bool one_line(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// A request that could become another one on its way, or go to another host, is not sent.
void require_well_formed(const HttpRequest& request) {
  const bool path =
      request.path.starts_with('/') && one_line(request.path) && request.path.find_first_of(" #") == std::string::npos;
  const bool headers = std::ranges::all_of(
      request.headers, [](const auto& header) { return token(header.first) && one_line(header.second); });
  if (token(request.method) && path && headers) return;
  const char* what = !path     ? "path, which begins with `/` and holds no space and no control character"
                     : headers ? "method"
                               : "header, which is one line";
  throw Error({.code = "H0262",
               .category = Category::usage,
               .message = fmt::format("this is no HTTP request: {} {}", host::printable(request.method),
                                      host::printable(request.path)),
               .subject = "request/" + host::printable(request.path),
               .help = fmt::format("put right its {}", what)});
}

HeaderList header_list(const HttpRequest& request) {
  HeaderList list{nullptr, curl_slist_free_all};
  const auto add = [&](const std::string& line) { list.reset(curl_slist_append(list.release(), line.c_str())); };
  add("Expect:");  // no round trip for small bodies
  for (const auto& [name, value] : request.headers) {
    add(value.empty() ? name + ";" : name + ": " + value);  // how curl wants an empty one
  }
  return list;
}

/// Loopback probes only: plain http, no proxy, no redirects, no credentials of the user.
void configure(CURL* easy, Transfer& transfer, const std::string& url, const HttpRequest& request,
               std::chrono::milliseconds limit) {
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);  // a kept connection would go on speaking to the version before
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  const long limit_ms = std::max<long>(1, static_cast<long>(limit.count()));  // zero would be for ever
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit_ms);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, limit_ms);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  if (request.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  else curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  const bool takes_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (request.body.empty() && !takes_body) return;  // to these an empty one is said, too
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
}

/// Runs a transfer to its end, or to a stop: that wakes the wait for the socket. @returns nothing where it was stopped.
std::optional<CURLcode> perform(CURL* easy, const std::stop_token& stop) {
  const Multi multi{curl_multi_init(), curl_multi_cleanup};
  if (!multi || curl_multi_add_handle(multi.get(), easy) != CURLM_OK) throw InternalError("curl_multi_init failed");
  const std::stop_callback wake{stop, [&] { curl_multi_wakeup(multi.get()); }};
  std::optional<CURLcode> result;
  for (int running = 1; running && !stop.stop_requested();) {
    constexpr int nap_ms = 1'000;  // a limit of curl's own ends a nap sooner
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK) throw InternalError("curl_multi_perform failed");
    if (running && curl_multi_poll(multi.get(), nullptr, 0, nap_ms, nullptr) != CURLM_OK)
      throw InternalError("curl_multi_poll failed");
  }
  int left = 0;
  if (const CURLMsg* message = curl_multi_info_read(multi.get(), &left); message && message->msg == CURLMSG_DONE)
    result = message->data.result;
  curl_multi_remove_handle(multi.get(), easy);
  return result;
}

std::string reason_of(CURLcode code, const Transfer& transfer, const char* detail, long os_error) {
  if (transfer.too_large)
    return transfer.header_bytes > largest_headers ? "the headers of the answer are larger than 64 KiB"
                                                   : "the answer is larger than 1 MiB";
  if (code == CURLE_COULDNT_CONNECT && os_error == ECONNREFUSED) return "connection refused";
  if (code == CURLE_OPERATION_TIMEDOUT) return "no answer in time";
  if (code == CURLE_GOT_NOTHING) return "the connection was closed without an answer";
  return host::printable(*detail ? detail : curl_easy_strerror(code));
}

class CurlProbe final : public Probe {
 public:
  CurlProbe() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  }
  Answer request(Scope& in, const host::Endpoint& at, const HttpRequest& request,
                 std::chrono::milliseconds limit) override {
    in.check();
    require_well_formed(request);
    const Easy easy{curl_easy_init(), curl_easy_cleanup};
    if (!easy) throw InternalError("curl_easy_init failed");
    Transfer transfer;
    std::array<char, CURL_ERROR_SIZE> detail{};
    const HeaderList headers = header_list(request);
    configure(easy.get(), transfer, fmt::format("http://{}{}", at.text(), request.path), request, limit);
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, detail.data());
    const auto code = perform(easy.get(), in.stop());
    if (!code) throw Stopped();
    if (*code != CURLE_OK) {
      long os_error = 0;
      curl_easy_getinfo(easy.get(), CURLINFO_OS_ERRNO, &os_error);
      return {std::nullopt, reason_of(*code, transfer, detail.data(), os_error)};
    }
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    transfer.response.status = static_cast<int>(status);
    return {std::move(transfer.response), {}};
  }
};

}  // namespace

std::shared_ptr<Probe> probe() { return std::make_shared<CurlProbe>(); }

namespace {
[[noreturn]] void owns_nothing(const LedgerEntry& entry) {
  throw InternalError(fmt::format("the ledger holds {}, but the HTTP probe makes nothing", entry.subject.text()));
}
}  // namespace
void Probe::remove(Scope&, const LedgerEntry& entry) { owns_nothing(entry); }
Observation Probe::observe(Scope&, const LedgerEntry& entry) { owns_nothing(entry); }
std::string Probe::read_again(Scope&, std::string_view) { return {}; }

}  // namespace harmony::http
