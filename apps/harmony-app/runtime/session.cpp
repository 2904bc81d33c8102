#include "session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>

namespace guestbook {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using std::chrono::seconds;

/// Nobody holds a connection by sending slowly, or by reading slowly.
constexpr seconds idle_limit{30};
constexpr seconds read_limit{10};
constexpr seconds write_limit{10};
constexpr seconds linger_limit{2};

/// Counted from the first byte, so that a client hears of a delay before it gives up, and a shutdown ends in time.
constexpr seconds answer_limit{8};

constexpr std::size_t largest_header = 16 * 1024;
constexpr std::size_t largest_body = 64 * 1024;
constexpr std::size_t most_to_linger = 1024 * 1024;
constexpr int most_waiting_for_worker = 128;

Request to_request(const http::request<http::string_body>& message) {
  Request request;
  request.method = message.method_string();
  request.target = message.target();
  request.content_type = message[http::field::content_type];
  request.delete_token = message["X-Delete-Token"];
  request.body = message.body();
  return request;
}

http::response<http::string_body> to_message(Response response, bool is_head) {
  http::response<http::string_body> message;
  message.result(response.status);
  message.set("X-Content-Type-Options", "nosniff");
  message.set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : response.headers) message.set(name, value);
  if (!response.content_type.empty()) {
    message.set(http::field::content_type, response.content_type);
    message.content_length(response.body.size());
  }
  if (!is_head) message.body() = std::move(response.body);
  return message;
}

asio::awaitable<Response> handle_on_worker(SessionContext& context, const Request& request,
                                           std::chrono::steady_clock::time_point deadline) {
  --context.waiting_for_worker;
  if (std::chrono::steady_clock::now() >= deadline) co_return error_response(503, "overloaded");
  co_return context.api.handle(request, deadline);
}

}  // namespace

Session::Session(asio::ip::tcp::socket socket, SessionContext& context)
    : stream_(std::move(socket)), context_(context) {
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), error_);
}

asio::awaitable<void> Session::run() {
  // One co_await per condition: g++ 12 evaluates the right side of `a && co_await b` in a loop's condition always.
  while (co_await begin_request()) {
    const Next next = co_await serve_request();
    if (next == Next::close) break;
  }
  co_await close();
}

void Session::close_when_idle() {
  if (idle_) stream_.close();
}

/// Waits for the first byte of a request. False when there will be none.
asio::awaitable<bool> Session::begin_request() {
  if (buffer_.size() == 0) {
    idle_ = true;
    stream_.expires_after(idle_limit);
    auto token = asio::redirect_error(asio::use_awaitable, error_);
    const std::size_t received = co_await stream_.async_read_some(buffer_.prepare(4096), token);
    idle_ = false;
    if (error_) co_return false;
    buffer_.commit(received);
  }
  begun_ = std::chrono::steady_clock::now();
  co_return true;
}

asio::awaitable<Session::Next> Session::serve_request() {
  Parser parser;
  parser.header_limit(largest_header);
  parser.body_limit(largest_body);
  if (!co_await read(parser)) co_return co_await refuse(error_);

  const Request request = to_request(parser.get());
  Response response = co_await answer(request);
  context_.metrics.count_request(Api::route_of(request), request.method, response.status,
                                 std::chrono::steady_clock::now() - begun_);
  co_return co_await write(std::move(response), &parser);
}

/// The whole request has to arrive in one span of time, however it is cut into pieces.
asio::awaitable<bool> Session::read(Parser& parser) {
  auto token = asio::redirect_error(asio::use_awaitable, error_);
  stream_.expires_after(read_limit);
  co_await http::async_read_header(stream_, buffer_, parser, token);
  if (error_) co_return false;
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream_, asio::buffer(go_on), token);
    if (error_) co_return false;
  }
  co_await http::async_read(stream_, buffer_, parser, token);
  co_return !error_;
}

/// Answers what is no request this service takes. A client that fell silent or left gets no answer.
asio::awaitable<Session::Next> Session::refuse(beast::error_code error) {
  const bool is_malformed = error.category() == make_error_code(http::error::bad_method).category();
  if (!is_malformed || error == http::error::end_of_stream || error == http::error::partial_message) {
    co_return Next::close;
  }
  unsigned status = 400;
  if (error == http::error::body_limit) status = 413;
  if (error == http::error::header_limit) status = 431;
  context_.metrics.count_request("(malformed)", "other", status, std::chrono::steady_clock::now() - begun_);
  Response response = error_response(status, error.message());
  co_return co_await write(std::move(response), nullptr);
}

asio::awaitable<Response> Session::answer(const Request& request) {
  const auto deadline = begun_ + answer_limit;
  if (!Api::is_blocking(request)) co_return context_.api.handle(request, deadline);
  if (++context_.waiting_for_worker > most_waiting_for_worker) {
    --context_.waiting_for_worker;
    co_return error_response(503, "overloaded");
  }
  auto handling = handle_on_worker(context_, request, deadline);
  co_return co_await asio::co_spawn(context_.workers, std::move(handling), asio::use_awaitable);
}

asio::awaitable<Session::Next> Session::write(Response response, const Parser* request) {
  const bool is_head = request != nullptr && request->get().method() == http::verb::head;
  auto message = to_message(std::move(response), is_head);
  if (request != nullptr) message.version(request->get().version());
  message.keep_alive(request != nullptr && request->get().keep_alive() && !context_.draining);
  const bool is_last = message.need_eof() || !message.keep_alive();
  auto token = asio::redirect_error(asio::use_awaitable, error_);
  stream_.expires_after(write_limit);
  co_await http::async_write(stream_, message, token);
  co_return error_ || is_last ? Next::close : Next::keep_open;
}

/// A socket closed with unread data resets the connection, and the answer may be lost on its way: what the client still
/// sends is read for a moment.
asio::awaitable<void> Session::close() {
  if (!error_) stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error_);
  auto token = asio::redirect_error(asio::use_awaitable, error_);
  stream_.expires_after(linger_limit);
  buffer_.clear();
  for (std::size_t read = 0; !error_ && read < most_to_linger;) {
    read += co_await stream_.async_read_some(buffer_.prepare(4096), token);
  }
  stream_.close();
}

}  // namespace guestbook
