#pragma once
/// A Dial as a stream of Asio, so that Beast speaks WebSocket over it.
#include <unistd.h>

#include <memory>

#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>

#include "k8s/dial.hpp"

namespace harmony::k8s {

class DialStream {
 public:
  using executor_type = boost::asio::io_context::executor_type;
  using error_code = boost::system::error_code;

  /// A copy of the descriptor is watched: the other one is the library's to close.
  DialStream(boost::asio::io_context& context, Dial& dial)
      : dial_(&dial), ready_(std::make_unique<Ready>(context, ::dup(dial.socket()))) {}
  executor_type get_executor() noexcept { return ready_->context.get_executor(); }
  void close() {
    error_code ignored;
    ready_->socket.close(ignored);
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    const boost::asio::mutable_buffer first = *boost::asio::buffer_sequence_begin(buffers);
    return move(
        Ready::Socket::wait_read, token, [dial = dial_, first] { return dial->read(first.data(), first.size()); },
        first.size() == 0);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    const boost::asio::const_buffer first = first_of(buffers);
    return move(
        Ready::Socket::wait_write, token, [dial = dial_, first] { return dial->write(first.data(), first.size()); },
        first.size() == 0);
  }

 private:
  struct Ready {
    using Socket = boost::asio::posix::stream_descriptor;
    Ready(boost::asio::io_context& in, int copy) : context(in), socket(in, copy) {}
    boost::asio::io_context& context;
    Socket socket;
  };
  /// The first that is not empty.
  template <class Buffers>
  static boost::asio::const_buffer first_of(const Buffers& buffers) {
    for (auto each = boost::asio::buffer_sequence_begin(buffers); each != boost::asio::buffer_sequence_end(buffers);
         ++each)
      if (boost::asio::const_buffer(*each).size() > 0) return *each;
    return {};
  }

  /// Tries first: what the library has decrypted already, no descriptor tells of.
  template <class Try>
  struct Move {
    DialStream& stream;
    Ready::Socket::wait_type wait;
    Try attempt;
    bool nothing_to_do;
    bool tried = false, over = false;
    Dial::Moved got = {};

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      if (over)
        return self.complete(got.state == Dial::State::ended ? boost::asio::error::eof : error_code{}, got.bytes);
      if (error) return self.complete(error, 0);
      got = nothing_to_do ? Dial::Moved{Dial::State::done} : attempt();
      if (got.state == Dial::State::not_now) {
        tried = true;
        return stream.ready_->socket.async_wait(wait, std::move(self));
      }
      over = true;
      if (tried) return (*this)(self);
      boost::asio::post(stream.get_executor(), std::move(self));  // never from within the call that began it
    }
  };
  template <class Token, class Try>
  auto move(Ready::Socket::wait_type wait, Token& token, Try attempt, bool nothing_to_do) {
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(
        Move<Try>{*this, wait, std::move(attempt), nothing_to_do}, token, get_executor());
  }

  Dial* dial_;
  std::unique_ptr<Ready> ready_;
};

/// What Beast asks of a stream at its end: closing the connection is the Dial's.
inline void teardown(boost::beast::role_type, DialStream&, boost::system::error_code& error) { error = {}; }
template <class Handler>
void async_teardown(boost::beast::role_type, DialStream& stream, Handler&& handler) {
  boost::asio::post(stream.get_executor(), [handler = std::forward<Handler>(handler)]() mutable {
    std::move(handler)(boost::system::error_code{});
  });
}
inline void beast_close_socket(DialStream& stream) { stream.close(); }

}  // namespace harmony::k8s
