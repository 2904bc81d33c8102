#pragma once
/// A TLS server that is as right or as wrong as a test wants it, with a thread for each connection.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/certificates.hpp"

namespace harmony::testing {

/// One accepted connection, after its handshake. Reads and writes block.
class TlsConnection {
 public:
  TlsConnection(int socket, SSL* session) : socket_(socket), session_(session) {}
  /// Nothing at the end.
  std::string read_some() {
    char buffer[1 << 14];
    const auto got = session_ ? static_cast<ssize_t>(SSL_read(session_, buffer, sizeof buffer))
                              : ::recv(socket_, buffer, sizeof buffer, 0);
    return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
  }
  /// Head and body of the next request; empty at the end.
  std::string read_request() {
    while (rest_.find("\r\n\r\n") == std::string::npos || rest_.size() < whole()) {
      const std::string more = read_some();
      if (more.empty()) return {};
      rest_ += more;
    }
    const std::string request = rest_.substr(0, whole());
    rest_.erase(0, whole());
    return request;
  }
  bool write(const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const auto part =
          session_ ? static_cast<ssize_t>(SSL_write(session_, text.data() + sent, static_cast<int>(text.size() - sent)))
                   : ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (part <= 0) return false;
      sent += static_cast<std::size_t>(part);
    }
    return true;
  }
  /// Ends it as a crash would: no TLS farewell, a reset.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    is_reset_ = true;
  }
  bool is_reset() const { return is_reset_; }
  /// What was read behind the last request.
  std::string take_rest() { return std::exchange(rest_, {}); }

 private:
  std::size_t whole() const {
    const auto head = rest_.find("\r\n\r\n") + 4;
    const auto length = rest_.find("Content-Length: ");
    return head + (length < head ? std::stoul(rest_.substr(length + 16)) : 0);
  }
  int socket_;
  SSL* session_;
  std::string rest_;
  bool is_reset_ = false;
};

struct TlsOptions {
  Pair identity = {};                       ///< none: plain, without TLS
  std::string client_authority = {};        ///< PEM; none: takes anybody
};

class TlsServer {
 public:
  using Handler = std::function<void(TlsConnection&)>;

  TlsServer(TlsOptions options, Handler handler) : handler_(std::move(handler)), context_(nullptr, SSL_CTX_free) {
    ::signal(SIGPIPE, SIG_IGN);  // SSL_write knows no MSG_NOSIGNAL
    if (!options.identity.chain.empty()) use(options);
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listening_, 64) != 0 ||
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no free port");
    port_ = ntohs(address.sin_port);
    accepting_ = std::jthread([this] { accept(); });
  }
  ~TlsServer() {
    ending_ = true;
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    {
      std::lock_guard hold{mutex_};
      for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    }
    connections_.clear();
    ::close(listening_);
  }
  int port() const { return port_; }
  /// Connections whose handshake succeeded.
  int greeted() const { return greeted_; }

 private:
  void use(const TlsOptions& options) {
    context_.reset(SSL_CTX_new(TLS_server_method()));
    const auto certificate = certificate_of(options.identity.chain);
    const auto key = key_of(options.identity.key);
    if (SSL_CTX_use_certificate(context_.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1)
      throw std::runtime_error("no TLS");
    if (options.client_authority.empty()) return;
    const auto authority = certificate_of(options.client_authority);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), authority.get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  void accept() {
    while (!ending_) {
      const int socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      std::lock_guard hold{mutex_};
      open_.push_back(socket);
      connections_.emplace_back([this, socket] { serve(socket); });
    }
  }
  void serve(int socket) {
    const std::unique_ptr<SSL, decltype(&SSL_free)> session{context_ ? SSL_new(context_.get()) : nullptr, SSL_free};
    if (session) SSL_set_fd(session.get(), socket);
    if (!session || SSL_accept(session.get()) == 1) {
      ++greeted_;
      TlsConnection connection{socket, session.get()};
      handler_(connection);
      if (session && !connection.is_reset()) SSL_shutdown(session.get());
    } else drain(socket);
    std::lock_guard hold{mutex_};
    std::erase(open_, socket);
    ::close(socket);
  }

  /// Else what they have sent meanwhile would make a reset of the end, and our alert would be lost.
  static void drain(int socket) {
    ::shutdown(socket, SHUT_WR);
    char buffer[1 << 12];
    while (::recv(socket, buffer, sizeof buffer, 0) > 0) {
    }
  }

  Handler handler_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  int listening_ = -1, port_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<int> greeted_{0};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::jthread> connections_;
  std::jthread accepting_;
};

inline std::string http_answer(int status, const std::string& body,
                               const std::string& headers = "Content-Type: application/json\r\n") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace harmony::testing
