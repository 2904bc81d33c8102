#include "k8s/port_forward.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <exception>
#include <list>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "host/descriptor.hpp"
#include "host/printable.hpp"
#include "k8s/dial_stream.hpp"

namespace harmony::k8s {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using namespace std::chrono_literals;
using error_code = boost::system::error_code;

namespace {

constexpr const char* protocol = "v4.channel.k8s.io";
constexpr std::size_t largest_message = 1 << 20;
constexpr std::size_t most_connections = 64;
constexpr unsigned char data_channel = 0, error_channel = 1;

std::string subject_of(const PodPort& port) { return fmt::format("pod/{}/{}:{}", port.space, port.pod, port.port); }
Asked asked_of(const PodPort& port) { return {.doing = "port-forward", .subject = subject_of(port)}; }

ForwardError no_way(const PodPort& port, std::string_view why, const Destination& server) {
  return ForwardError(
      {.code = "H0423",
       .category = Category::failed,
       .message = fmt::format("port-forward of {}: {}", host::printable(subject_of(port)), host::printable(why)),
       .subject = host::printable(subject_of(port)),
       .facts = {{"API server", host::printable(server.text())}},
       .help = "look whether the pod is ready, and which port its process listens on"});
}

/// One WebSocket to a port of a pod. Its io_context is run by one thread.
class Tunnel {
 public:
  /// @throws ConnectionError, ApiError, ForwardError, Stopped
  Tunnel(const Scope& at, Client& client, const PodPort& port)
      : at_(at), client_(client), port_(port), path_(path_of_forward()) {
    const Credential credential = client.credentials().current(at);
    connect(credential);
    if (greet(credential).status != 401) return;
    if (client.credentials().renew(at, credential)) {
      const Credential other = client.credentials().current(at);
      connect(other);
      if (const Reply reply = greet(other); reply.status == 0) return;
    }
    refuse(answer_, asked_of(port_), client_.destination());
  }

  /// Carries until one side ends, or a stop is asked for. @throws ForwardError
  void carry(host::Descriptor local) {
    asio::ip::tcp::socket socket{context_};
    socket.assign(asio::ip::tcp::v4(), ::dup(local.number()));
    local.close();
    local_ = &socket;
    read_remote();
    read_local();
    run();
    local_ = nullptr;
    if (!failure_.empty()) throw no_way(port_, failure_, client_.destination());
  }

  /// Waits until the pod's side has opened the port. @throws ForwardError, Stopped
  void wait_open() {
    opened_only_ = true;
    read_remote();
    run();
    if (!failure_.empty()) throw no_way(port_, failure_, client_.destination());
  }

 private:
  using Socket = websocket::stream<DialStream, false>;

  std::string path_of_forward() const {
    const Resource pods{.what = {"", "v1", "Pod"}, .plural = "pods"};
    return fmt::format("{}/portforward?ports={}", path_of(pods, port_.space, port_.pod), port_.port);
  }
  void connect(const Credential& credential) {
    socket_.reset();
    dial_ = std::make_unique<Dial>(at_, client_.destination(), credential, "GET " + path_);
    socket_ = std::make_unique<Socket>(context_, *dial_);
    socket_->read_message_max(largest_message);
    socket_->binary(true);
    socket_->auto_fragment(false);  // an API server takes each frame for a message
    socket_->set_option(websocket::stream_base::timeout{30s, 45s, true});  // handshake; a dead peer, by pings
    socket_->set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
      request.set(http::field::user_agent, "harmony");
      request.set(http::field::sec_websocket_protocol, protocol);
      const std::string& authorization = credential.authorization.reveal();
      if (!authorization.empty()) request.set(http::field::authorization, authorization);
      for (const auto& [name, value] : client_.impersonation()) request.insert(name, value);
    }));
  }

  /// @returns an answer of status 401; one of status 0 where the way is open. @throws for all others
  const Reply& greet(const Credential&) {
    websocket::response_type response;
    error_code error;
    answer_ = {};
    socket_->async_handshake(response, client_.destination().host_and_port(), client_.destination().prefix + path_,
                             [&](error_code got) {
                               error = got;
                               context_.stop();  // where it failed, Beast leaves its timer behind
                             });
    run();
    if (!error && response[http::field::sec_websocket_protocol] != protocol)
      throw no_way(port_, "what is on the way does not speak " + std::string(protocol), client_.destination());
    if (!error) return answer_;
    answer_.status = static_cast<int>(response.result_int());
    answer_.body = response.body();
    for (const auto& header : response) {
      std::string name{header.name_string()};
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      answer_.headers.emplace(name, header.value());
    }
    if (answer_.status == 401) return answer_;
    if (error == websocket::error::upgrade_declined && answer_.status >= 300)
      refuse(answer_, asked_of(port_), client_.destination());
    if (const auto broken = dial_->failure()) throw *broken;
    throw no_way(port_, fmt::format("no WebSocket came about: {}", error.message()), client_.destination());
  }

  /// Until somebody ends it. @throws Stopped
  void run() {
    const std::stop_callback wake{at_.stop(), [this] { context_.stop(); }};
    context_.restart();
    context_.run();
    at_.check();
  }

  void read_remote() {
    socket_->async_read(received_, [this](error_code error, std::size_t) {
      if (error == asio::error::eof) return end("the API server broke it off without a reason");
      if (error) return end(error == websocket::error::closed ? "" : error.message());
      take_message();
    });
  }
  /// The first of each channel is the port, for whoever asked for several.
  void take_message() {
    const auto* bytes = static_cast<const unsigned char*>(received_.data().data());
    const std::size_t size = received_.size();
    if (size == 0) return next_message();
    const unsigned char channel = bytes[0];
    if (channel > error_channel) return end("a message came on a channel that was not asked for");
    if (!std::exchange(begun_[channel], true)) {
      if (opened_only_ && begun_[data_channel] && begun_[error_channel]) return end("");
      return next_message();
    }
    if (channel == error_channel) return end(std::string(reinterpret_cast<const char*>(bytes + 1), size - 1));
    if (!local_) return next_message();
    asio::async_write(*local_, asio::buffer(bytes + 1, size - 1), [this](error_code error, std::size_t) {
      if (error) return end("");  // they have gone
      next_message();
    });
  }
  void next_message() {
    received_.clear();
    read_remote();
  }

  void read_local() {
    local_->async_read_some(
        asio::buffer(to_send_.data() + 1, to_send_.size() - 1), [this](error_code error, std::size_t size) {
          if (error == asio::error::eof) return linger();
          if (error) return end("");
          to_send_[0] = static_cast<char>(data_channel);
          socket_->async_write(asio::buffer(to_send_.data(), size + 1), [this](error_code failed, std::size_t) {
            if (failed) return end(failed.message());
            read_local();
          });
        });
  }
  /// They send no more; what is still on its way to them gets some time.
  void linger() {
    last_.expires_after(10s);
    last_.async_wait([this](error_code error) {
      if (!error) end("");
    });
  }

  void end(std::string failure) {
    if (failure_.empty()) failure_ = std::move(failure);
    context_.stop();
  }

  const Scope& at_;
  Client& client_;
  const PodPort port_;
  const std::string path_;
  std::unique_ptr<Dial> dial_;
  asio::io_context context_;
  std::unique_ptr<Socket> socket_;
  asio::steady_timer last_{context_};
  asio::ip::tcp::socket* local_ = nullptr;
  beast::flat_buffer received_;
  std::string to_send_ = std::string(32 << 10, '\0');
  bool begun_[2] = {false, false}, opened_only_ = false;
  std::string failure_;
  Reply answer_;
};

}  // namespace

void probe_port(const Scope& at, Client& client, const PodPort& port) { Tunnel(at, client, port).wait_open(); }

/// Accepts, and has a thread for each connection.
class PortForward::Listener {
 public:
  Listener(Scope& at, Client& client, PodPort port)
      : client_(client),
        pod_(std::move(port)),
        at_(at.run(), at.node(), stop_.get_token()),
        end_with_scope_(at.stop(), Ask{stop_}),
        asked_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        wake_(stop_.get_token(), Wake{asked_.number()}) {
    socket_ = host::Descriptor{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (!asked_ || ::bind(socket_.number(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(socket_.number(), SOMAXCONN) != 0 ||
        ::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw InternalError("no local port can be listened on");
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { accept(); });
  }
  ~Listener() { stop_.request_stop(); }

  int port() const { return port_; }
  void check() const {
    std::lock_guard hold{mutex_};
    if (failed_) std::rethrow_exception(failed_);
  }

 private:
  struct Ask {
    std::stop_source& source;
    void operator()() const noexcept { source.request_stop(); }
  };
  struct Wake {
    int event;
    void operator()() const noexcept { [[maybe_unused]] const int rung = ::eventfd_write(event, 1); }
  };
  struct Carried {
    std::atomic<bool> over{false};
    std::jthread thread{};
  };

  void accept() {
    std::list<Carried> carried;
    while (!stop_.stop_requested()) {
      pollfd events[] = {{carried.size() < most_connections ? socket_.number() : -1, POLLIN, 0},
                         {asked_.number(), POLLIN, 0}};
      constexpr int look_again_ms = 1'000;  // for connections that have ended
      ::poll(events, 2, look_again_ms);
      carried.remove_if([](const Carried& each) { return each.over.load(); });
      if ((events[0].revents & POLLIN) == 0 || stop_.stop_requested()) continue;
      host::Descriptor local{::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC)};
      if (!local) continue;
      Carried& one = carried.emplace_back();
      try {
        one.thread = std::jthread([this, &one, local = std::move(local)]() mutable {
          carry(std::move(local));
          one.over = true;
        });
      } catch (const std::system_error&) {  // no thread can be had: this connection is refused, others go on
        carried.pop_back();
      }
    }
  }
  void carry(host::Descriptor local) {
    std::exception_ptr failed;
    try {
      Tunnel{at_, client_, pod_}.carry(std::move(local));
    } catch (const Stopped&) {
      return;
    } catch (const Error&) {
      failed = std::current_exception();
    }
    std::lock_guard hold{mutex_};
    failed_ = failed;
  }

  Client& client_;
  const PodPort pod_;
  std::stop_source stop_;
  const Scope at_;
  std::stop_callback<Ask> end_with_scope_;
  host::Descriptor asked_;
  std::stop_callback<Wake> wake_;
  host::Descriptor socket_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::exception_ptr failed_;
  std::jthread thread_;  ///< last: it uses all of the above
};

PortForward::PortForward(Scope& at, Client& client, PodPort port)
    : listener_(std::make_unique<Listener>(at, client, std::move(port))) {}
PortForward::~PortForward() = default;
host::Endpoint PortForward::endpoint() const { return {.port = listener_->port()}; }
void PortForward::check() const { listener_->check(); }

}  // namespace harmony::k8s
