#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <optional>

#include "api.hpp"
#include "http.hpp"
#include "metrics.hpp"

namespace guestbook {

/// What all connections of a server share.
struct SessionContext {
  Api& api;
  Metrics& metrics;
  boost::asio::thread_pool& workers;
  std::atomic<int> waiting_for_worker{0};
  std::atomic<bool> draining{false};
};

/// One connection of a client: reads requests, has them answered, writes the answers. Lives on its strand.
class Session {
 public:
  Session(boost::asio::ip::tcp::socket socket, SessionContext& context);

  /// Returns when the connection is closed.
  boost::asio::awaitable<void> run();

  /// Ends the connection now when no request has begun on it; else it ends with the answer.
  void close_when_idle();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  enum class Next { keep_open, close };

  boost::asio::awaitable<bool> begin_request();
  boost::asio::awaitable<Next> serve_request();
  boost::asio::awaitable<bool> read(Parser& parser);
  boost::asio::awaitable<Next> refuse(boost::beast::error_code error);
  boost::asio::awaitable<Response> answer(const Request& request);
  boost::asio::awaitable<Next> write(Response response, const Parser* request);
  boost::asio::awaitable<void> close();

  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  SessionContext& context_;
  std::chrono::steady_clock::time_point begun_;
  boost::beast::error_code error_;
  bool idle_ = false;
};

}  // namespace guestbook
