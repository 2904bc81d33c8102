/// A server that says hello: what the smallest deploy deploys. It knows nothing of harmony.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

/// One visitor; who says nothing for five seconds is shown out, and keeps nobody waiting until then.
asio::awaitable<void> greet(boost::beast::tcp_stream stream) {
  stream.expires_after(std::chrono::seconds(5));
  boost::beast::flat_buffer buffer;
  http::request<http::string_body> request;
  co_await http::async_read(stream, buffer, request, asio::use_awaitable);
  http::response<http::string_body> answer{http::status::ok, request.version()};
  answer.body() = "hello\n";
  answer.prepare_payload();
  co_await http::async_write(stream, answer, asio::use_awaitable);
}

asio::awaitable<void> serve(tcp::acceptor acceptor) {
  for (;;) {
    boost::beast::tcp_stream stream{co_await acceptor.async_accept(asio::use_awaitable)};
    asio::co_spawn(acceptor.get_executor(), greet(std::move(stream)),
                   asio::detached);  // a broken one is its own affair
  }
}

int main() {
  const std::string listen = std::getenv("LISTEN") ? std::getenv("LISTEN") : "127.0.0.1:8080";
  const auto colon = listen.rfind(':');
  asio::io_context context;
  tcp::acceptor acceptor{context,
                         {asio::ip::make_address(listen.substr(0, colon)),
                          static_cast<unsigned short>(std::stoi(listen.substr(colon + 1)))}};
  std::fprintf(stderr, "listening on %s\n", listen.c_str());
  asio::co_spawn(context, serve(std::move(acceptor)),
                 [](std::exception_ptr failed) { std::rethrow_exception(failed); });
  context.run();
}
