#include "k8s/transport.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <exception>
#include <optional>
#include <stop_token>

#include <fmt/format.h>

#include "harmony/error.hpp"

namespace harmony::k8s {

namespace {

constexpr std::size_t largest_body = 64 << 20;
constexpr std::size_t largest_headers = 256 << 10;
constexpr std::size_t most_idle = 64;

/// What one transfer sends and collects, and why it ends early.
struct Transfer {
  const Request& request;
  const BodySink& sink;
  Reply reply = {};
  std::size_t sent = 0, header_bytes = 0;
  bool enough = false, too_large = false;
  std::exception_ptr thrown = nullptr;

  static std::size_t body(char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->take(data, size);
  }
  static std::size_t header(char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->take_header({data, size});
  }
  static std::size_t upload(char* buffer, std::size_t, std::size_t room, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::size_t count = transfer.request.body.copy(buffer, room, transfer.sent);
    transfer.sent += count;
    return count;
  }
  /// The library would send a request again on another connection when an old one breaks. A write is not sent twice.
  static int no_rewind(void*, curl_off_t, int) { return CURL_SEEKFUNC_FAIL; }

 private:
  std::size_t take(const char* data, std::size_t size) {
    if (sink && reply.status / 100 == 2) {
      try {
        enough = !sink({data, size});
      } catch (...) {  // not through a library in C
        thrown = std::current_exception();
      }
      return enough || thrown ? CURL_WRITEFUNC_ERROR : size;
    }
    too_large = reply.body.size() + size > largest_body;
    if (too_large) return CURL_WRITEFUNC_ERROR;
    reply.body.append(data, size);
    return size;
  }
  std::size_t take_header(std::string_view line) {
    header_bytes += line.size();
    too_large = header_bytes > largest_headers;
    if (too_large) return 0;
    if (line.starts_with("HTTP/")) {  // those before were of an interim answer
      reply.headers.clear();
      const auto space = line.find(' ');
      reply.status = 0;
      for (const char c : space == std::string_view::npos ? "" : line.substr(space + 1, 3))
        if (c >= '0' && c <= '9') reply.status = reply.status * 10 + (c - '0');
      return line.size();
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return line.size();
    std::string name{line.substr(0, colon)}, value{line.substr(colon + 1)};
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    value.erase(0, value.find_first_not_of(" \t"));
    value.erase(value.find_last_not_of(" \t\r\n") + 1);
    reply.headers.emplace(std::move(name), std::move(value));
    return line.size();
  }
};

void add(CurlList& list, const std::string& name, const std::string& value) {
  const auto breaks = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(value, breaks) || std::ranges::any_of(name, breaks))
    throw InternalError("a header is to be sent that is not one line");
  list.reset(curl_slist_append(list.release(), (name + ": " + value).c_str()));
}

CurlList headers_of(const Request& request, const Credential& credential, const Destination& to) {
  CurlList list{nullptr, curl_slist_free_all};
  list.reset(curl_slist_append(nullptr, "Expect:"));  // no round trip for small bodies
  if (!to.tls_server_name.empty()) add(list, "Host", to.host_and_port());
  if (!credential.authorization.reveal().empty()) add(list, "Authorization", credential.authorization.reveal());
  for (const auto& [name, value] : request.headers) add(list, name, value);
  return list;
}

void set_request(CURL* easy, Transfer& transfer) {
  const Request& request = transfer.request;
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "harmony");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.limit.count()));
  if (request.silence.count() > 0) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.silence.count()));
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (request.body.empty()) return;
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Transfer::upload);
  curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &Transfer::no_rewind);
}

}  // namespace

std::function<void()> tells_slow(const Scope& at, const Destination& to) {
  return [&] { at.waiting(fmt::format("the API server at {} does not answer yet", to.text())); };
}

std::optional<CURLcode> perform(CURLM* multi, CURL* easy, const std::stop_token& stop,
                                const std::function<void()>& slow) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds patience{1};
  const auto begun = Clock::now();
  bool told = !slow;
  if (curl_multi_add_handle(multi, easy) != CURLM_OK) throw InternalError("curl_multi_add_handle failed");
  const std::stop_callback wake{stop, [&] { curl_multi_wakeup(multi); }};
  for (int running = 1; running && !stop.stop_requested();) {
    constexpr int nap_ms = 1'000;  // a limit of the library's own ends a nap sooner
    if (curl_multi_perform(multi, &running) != CURLM_OK) throw InternalError("curl_multi_perform failed");
    if (running && curl_multi_poll(multi, nullptr, 0, nap_ms, nullptr) != CURLM_OK)
      throw InternalError("curl_multi_poll failed");
    if (running && !told && Clock::now() - begun >= patience) {
      told = true;
      slow();
    }
  }
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi, &left);
  return message && message->msg == CURLMSG_DONE ? std::optional(message->data.result) : std::nullopt;
}

/// A connection, or what becomes one. It belongs to one client certificate: the library is not trusted to tell them apart.
class Transport::Lane {
 public:
  explicit Lane(std::optional<ClientCertificate> whose) : certificate(std::move(whose)) {
    if (!easy || !multi) throw InternalError("libcurl cannot start");
  }
  ~Lane() {
    easy.reset();  // before the handle that holds its connection
  }

  const std::optional<ClientCertificate> certificate;
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi{curl_multi_init(), curl_multi_cleanup};
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{curl_easy_init(), curl_easy_cleanup};
};

std::string Reply::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

Transport::Transport(Destination destination) : destination_(std::move(destination)) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}
Transport::~Transport() = default;

std::unique_ptr<Transport::Lane> Transport::take(const Credential& credential) {
  std::lock_guard hold{mutex_};
  std::erase_if(idle_, [&](const auto& lane) { return lane->certificate != credential.certificate; });
  if (idle_.empty()) return std::make_unique<Lane>(credential.certificate);
  auto lane = std::move(idle_.back());  // the last used one: its connection is the least likely to be gone
  idle_.pop_back();
  return lane;
}

void Transport::give_back(std::unique_ptr<Lane> lane) {
  std::lock_guard hold{mutex_};
  if (idle_.size() < most_idle) idle_.push_back(std::move(lane));
}

Reply Transport::exchange(const Scope& at, const Request& request, const Credential& credential, const BodySink& body) {
  at.check();
  auto lane = take(credential);
  CURL* const easy = lane->easy.get();
  curl_easy_reset(easy);
  Transfer transfer{.request = request, .sink = body};
  std::array<char, CURL_ERROR_SIZE> detail{};
  const CurlList route = direct(easy, destination_, credential, request.path);
  const CurlList headers = headers_of(request, credential, destination_);
  set_request(easy, transfer);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail.data());
  // What is streamed is silent for as long as nothing happens.
  const auto code =
      perform(lane->multi.get(), easy, at.stop(), body ? std::function<void()>{} : tells_slow(at, destination_));
  curl_multi_remove_handle(lane->multi.get(), easy);
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (!code && !transfer.enough) throw Stopped();
  if (transfer.enough) return std::move(transfer.reply);
  if (*code != CURLE_OK) {
    const char* why = transfer.too_large ? "the answer is too large" : detail.data();
    throw failure_of(easy, *code, why, destination_, request.method + " " + request.path);
  }
  curl_easy_reset(easy);  // nothing of this request is looked at any more
  give_back(std::move(lane));
  return std::move(transfer.reply);
}

}  // namespace harmony::k8s
