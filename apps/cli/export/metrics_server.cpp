#include "cli/export/metrics_server.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "harmony/error.hpp"
#include "listen_address.hpp"

namespace harmony::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::size_t most_connections = 32;
constexpr std::uint32_t most_header_bytes = 8 * 1024;
constexpr std::chrono::seconds read_limit{5}, write_limit{10};
constexpr std::chrono::milliseconds pause_without_descriptors{100};
constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

/// For who waits for a scrape. Numbered as they begin, since only one that begins after a moment shows what was then.
struct Scrapes {
  mutable std::mutex mutex;
  mutable std::condition_variable_any changed;
  int begun = 0;
  int answered = 0;  ///< the latest number among those answered to the last byte

  int begin() {
    std::lock_guard hold{mutex};
    return ++begun;
  }
  void answer(int number) {
    std::lock_guard hold{mutex};
    answered = std::max(answered, number);
    changed.notify_all();
  }
};

/// One connection, one request: nobody holds a place longer than read_limit and write_limit together.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const MetricsServer::Exposition& exposition, Scrapes& scrapes)
      : stream_(std::move(socket)), exposition_(exposition), scrapes_(scrapes) {
    parser_.header_limit(most_header_bytes);
  }
  /// @param ended is called once.
  void start(std::function<void()> ended) {
    ended_ = std::move(ended);
    stream_.expires_after(read_limit);
    http::async_read_header(
        stream_, buffer_, parser_,
        [self = shared_from_this()](beast::error_code failed, std::size_t) { self->answer(failed); });
  }
  void close() {
    beast::error_code ignored;
    stream_.socket().close(ignored);
  }

 private:
  void answer(beast::error_code failed) {
    response_.version(11);
    response_.keep_alive(false);
    response_.set(http::field::server, "harmony");
    response_.set(http::field::content_type, content_type);
    int scrape = 0;
    if (!failed) scrape = respond();
    else if (failed == http::error::header_limit) refuse(http::status::request_header_fields_too_large);
    else if (failed.category() == http::make_error_code(http::error::bad_method).category() &&
             failed != http::error::end_of_stream && failed != http::error::partial_message)
      refuse(http::status::bad_request);
    else return end();  // it went away, or took too long
    send(scrape);
  }

  void refuse(http::status status) {
    response_.result(status);
    response_.body() =
        fmt::format("{} {}\n", static_cast<unsigned>(status), std::string_view(http::obsolete_reason(status)));
    response_.prepare_payload();
  }

  /// @returns the number of the scrape; 0 where it is none.
  int respond() {
    const auto& request = parser_.get();
    const std::string_view target{request.target().data(), request.target().size()};
    if (target.substr(0, target.find('?')) != "/metrics") return refuse(http::status::not_found), 0;
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      refuse(http::status::method_not_allowed);
      response_.set(http::field::allow, "GET, HEAD");
      return 0;
    }
    const int scrape = request.method() == http::verb::get ? scrapes_.begin() : 0;
    response_.body() = exposition_();
    response_.prepare_payload();
    if (request.method() == http::verb::head) response_.body().clear();  // its length stays
    return scrape;
  }

  void send(int scrape) {
    stream_.expires_after(write_limit);
    http::async_write(stream_, response_, [self = shared_from_this(), scrape](beast::error_code failed, std::size_t) {
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      if (scrape > 0 && !failed) self->scrapes_.answer(scrape);
      self->end();
    });
  }
  void end() {
    if (const auto ended = std::exchange(ended_, {})) ended();
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{most_header_bytes + 1024};
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  const MetricsServer::Exposition& exposition_;
  Scrapes& scrapes_;
  std::function<void()> ended_;
};

}  // namespace

struct MetricsServer::Implementation {
  const Exposition exposition;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::list<std::shared_ptr<Connection>> connections;  // oldest first
  Scrapes scrapes;
  std::string url;
  std::thread thread;

  Implementation(const tcp::endpoint& endpoint, Exposition text) : exposition(std::move(text)) {
    listen(endpoint);
    url = fmt::format("http://{}/metrics", text_of(acceptor.local_endpoint()));
    wait();
    thread = std::thread{[this] { io.run(); }};
  }
  ~Implementation() {
    io.stop();
    if (thread.joinable()) thread.join();
  }

  void listen(const tcp::endpoint& endpoint) {
    // Asio's own sockets would be inherited by the servers a deploy starts, and the port with them.
    const int descriptor = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    beast::error_code failed;
    if (descriptor < 0) failed.assign(errno, boost::system::system_category());
    else acceptor.assign(endpoint.protocol(), descriptor, failed);
    if (!failed) acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed) acceptor.bind(endpoint, failed);
    if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
    if (!failed) acceptor.non_blocking(true, failed);
    if (!failed) return;
    const bool taken = failed == asio::error::address_in_use;
    throw Error(
        {.code = "H0701",
         .message = taken ? fmt::format("metrics cannot be served: port {} is taken", endpoint.port())
                          : fmt::format("metrics cannot be served on `{}`: {}", text_of(endpoint), failed.message()),
         .subject = fmt::format("port/{}", endpoint.port()),
         .facts = {{"address", text_of(endpoint)}},
         .help = "give `--metrics-listen` another address or port; nothing was written"});
  }

  void wait() {
    acceptor.async_wait(tcp::acceptor::wait_read, [this](beast::error_code failed) {
      if (failed) return;
      if (accept()) wait();
      else wait_after_a_pause();
    });
  }

  /// The connection still waits in the queue: without a pause it would be tried again and again, at full speed.
  void wait_after_a_pause() {
    pause.expires_after(pause_without_descriptors);
    pause.async_wait([this](beast::error_code failed) {
      if (!failed) wait();
    });
  }

  /// @returns false where this machine or this process has no room for one more. One that went away again is fine.
  bool accept() {
    const int descriptor = ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;
    serve(descriptor);
    return true;
  }

  void serve(int descriptor) {
    tcp::socket socket{io};
    beast::error_code failed;
    socket.assign(acceptor.local_endpoint(failed).protocol(), descriptor, failed);
    if (failed) {
      ::close(descriptor);
      return;
    }
    // Who has had the longest time makes room: a scrape needs none to speak of.
    if (connections.size() >= most_connections) {
      connections.front()->close();
      connections.pop_front();
    }
    connections.push_back(std::make_shared<Connection>(std::move(socket), exposition, scrapes));
    connections.back()->start([this, which = std::weak_ptr(connections.back())] {
      connections.remove_if([&](const auto& connection) { return connection == which.lock(); });
    });
  }
};

MetricsServer::MetricsServer(const tcp::endpoint& endpoint, Exposition exposition)
    : implementation_(std::make_unique<Implementation>(endpoint, std::move(exposition))) {}
MetricsServer::~MetricsServer() = default;

std::string MetricsServer::url() const { return implementation_->url; }

int MetricsServer::scrapes() const {
  std::lock_guard hold{implementation_->scrapes.mutex};
  return implementation_->scrapes.begun;
}

bool MetricsServer::wait_for_scrape(int seen, std::chrono::milliseconds limit, const std::stop_token& stop) const {
  const Scrapes& scrapes = implementation_->scrapes;
  std::unique_lock hold{scrapes.mutex};
  return scrapes.changed.wait_for(hold, stop, limit, [&] { return scrapes.answered > seen; });
}

}  // namespace harmony::cli
