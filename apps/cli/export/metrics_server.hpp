#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include <boost/asio/ip/tcp.hpp>

namespace harmony::cli {

/// Serves GET and HEAD of /metrics from a thread of its own, one request per connection. Whatever else comes in is
/// answered shortly: 32 connections at a time (then the oldest makes room), 8 KiB of header, no body, 5 s to ask,
/// 10 s to take the answer.
class MetricsServer {
 public:
  using Exposition = std::function<std::string()>;
  /// @param exposition is called on the server's thread.
  /// @throws Error H0701 where it cannot listen there.
  MetricsServer(const boost::asio::ip::tcp::endpoint&, Exposition exposition);
  /// Ends all connections.
  ~MetricsServer();

  /// "http://127.0.0.1:9464/metrics"
  std::string url() const;
  /// Scrapes begun so far.
  int scrapes() const;
  /// Waits until a scrape that began after the `seen`-th was answered to its last byte. @returns false where `limit` or `stop` came first.
  bool wait_for_scrape(int seen, std::chrono::milliseconds limit, const std::stop_token& stop) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace harmony::cli
