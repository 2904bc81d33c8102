#include "server.hpp"

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "log.hpp"
#include "session.hpp"
#include "text.hpp"

namespace guestbook {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t input_threads = 2;
constexpr std::size_t worker_threads = 4;  ///< and so at most as many database connections
constexpr std::size_t most_connections = 512;
constexpr std::chrono::seconds drain_limit{10};
constexpr std::chrono::milliseconds drain_grace{500};
constexpr std::chrono::milliseconds accept_retry{100};

std::string shown(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

}  // namespace

/// All that is not a session runs on `strand_`.
class Server::Implementation {
 public:
  Implementation(const ListenAddress& address, Api& api, Health& health, Metrics& metrics)
      : context_{api, metrics, workers_}, health_(health), metrics_(metrics) {
    listen(address);
  }

  Shutdown run();

 private:
  void listen(const ListenAddress& address);
  asio::awaitable<void> accept();
  asio::awaitable<void> wait_for_room();
  void start(tcp::socket socket, asio::any_io_executor session_strand);
  void forget(const std::shared_ptr<Session>& session);
  asio::awaitable<void> wait_for_signal();
  asio::awaitable<void> drain();
  void stop_accepting();
  asio::awaitable<void> wait_for_sessions(std::chrono::milliseconds limit);

  struct Running {
    std::shared_ptr<Session> session;
    asio::any_io_executor strand;
  };

  asio::io_context io_;
  asio::any_io_executor strand_ = asio::make_strand(io_);
  asio::thread_pool workers_{worker_threads};
  tcp::acceptor acceptor_{strand_};
  asio::signal_set signals_{strand_, SIGTERM, SIGINT};
  asio::steady_timer room_{strand_};   ///< cancelled when a session ends
  asio::steady_timer drain_{strand_};  ///< cancelled when the last session ends
  std::vector<Running> sessions_;
  SessionContext context_;
  Health& health_;
  Metrics& metrics_;
  Shutdown shutdown_ = Shutdown::complete;
};

void Server::Implementation::listen(const ListenAddress& address) {
  try {
    tcp::resolver resolver(io_);
    const auto flags = tcp::resolver::passive | tcp::resolver::numeric_service;
    const tcp::endpoint endpoint = *resolver.resolve(address.host, std::to_string(address.port), flags).begin();
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
    log_information("listening", {{"address", shown(acceptor_.local_endpoint())}});
  } catch (const boost::system::system_error& error) {
    throw ListenError("cannot listen on " + address.host + ":" + std::to_string(address.port) + ": " +
                      lower_first(error.code().message()));
  }
}

Shutdown Server::Implementation::run() {
  asio::co_spawn(strand_, accept(), asio::detached);
  asio::co_spawn(strand_, wait_for_signal(), asio::detached);
  std::vector<std::jthread> threads;
  for (std::size_t count = 1; count < input_threads; ++count) threads.emplace_back([this] { io_.run(); });
  io_.run();
  threads.clear();
  return shutdown_;
}

asio::awaitable<void> Server::Implementation::accept() {
  while (acceptor_.is_open()) {
    error_code error;
    asio::any_io_executor session_strand = asio::make_strand(io_);
    tcp::socket socket =
        co_await acceptor_.async_accept(session_strand, asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      start(std::move(socket), session_strand);
    } else if (acceptor_.is_open()) {
      // Out of file descriptors, most likely: the next attempt has to wait for a connection to end.
      log_warning("cannot accept", {{"reason", lower_first(error.message())}});
      room_.expires_after(accept_retry);
      co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
    co_await wait_for_room();
  }
}

/// Further clients wait in the kernel's queue.
asio::awaitable<void> Server::Implementation::wait_for_room() {
  while (sessions_.size() >= most_connections && acceptor_.is_open()) {
    error_code cancelled;
    room_.expires_at(asio::steady_timer::time_point::max());
    co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
}

void Server::Implementation::start(tcp::socket socket, asio::any_io_executor session_strand) {
  const auto session = std::make_shared<Session>(std::move(socket), context_);
  sessions_.push_back({session, session_strand});
  metrics_.set_connections(sessions_.size());
  const auto ended = [this, session](const std::exception_ptr&) { forget(session); };
  asio::co_spawn(session_strand, session->run(), asio::bind_executor(strand_, ended));
}

void Server::Implementation::forget(const std::shared_ptr<Session>& session) {
  std::erase_if(sessions_, [&session](const Running& running) { return running.session == session; });
  metrics_.set_connections(sessions_.size());
  room_.cancel();
  if (context_.draining && sessions_.empty()) drain_.cancel();
}

asio::awaitable<void> Server::Implementation::wait_for_signal() {
  error_code error;
  const int signal = co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  log_information("shutting down", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  signals_.clear(error);  // a second signal ends the process at once
  co_await drain();
}

/// An idle connection is not closed at once: a request may be on its way, and is answered with `Connection: close`.
asio::awaitable<void> Server::Implementation::drain() {
  health_.report_shutting_down();
  stop_accepting();
  context_.draining = true;
  co_await wait_for_sessions(drain_grace);
  for (const Running& running : sessions_) {
    asio::post(running.strand, [session = running.session] { session->close_when_idle(); });
  }
  co_await wait_for_sessions(drain_limit - drain_grace);
  if (sessions_.empty()) co_return;
  log_warning("shutdown cut short", {{"connections", std::to_string(sessions_.size())}});
  shutdown_ = Shutdown::cut_short;
  io_.stop();
}

/// Clients that are connected but not yet accepted are served too.
void Server::Implementation::stop_accepting() {
  error_code error;
  acceptor_.non_blocking(true, error);
  while (!error && sessions_.size() < most_connections) {
    asio::any_io_executor session_strand = asio::make_strand(io_);
    tcp::socket socket = acceptor_.accept(session_strand, error);
    if (!error) start(std::move(socket), session_strand);
  }
  acceptor_.close(error);
  room_.cancel();
}

asio::awaitable<void> Server::Implementation::wait_for_sessions(std::chrono::milliseconds limit) {
  if (sessions_.empty()) co_return;
  error_code cancelled;
  drain_.expires_after(limit);
  co_await drain_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

Server::Server(const ListenAddress& address, Api& api, Health& health, Metrics& metrics)
    : implementation_(std::make_unique<Implementation>(address, api, health, metrics)) {}

Server::~Server() = default;

Shutdown Server::run() { return implementation_->run(); }

}  // namespace guestbook
