/// How metrics are served where the machine has little left.
#include "cli/export/metrics_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>

#include <boost/asio/ip/tcp.hpp>

#include "catch.hpp"

using namespace harmony::cli;

namespace {

/// From here on no further descriptor can be opened, until it is gone.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = dup(STDIN_FILENO);
    close(lowest_free);
    const rlimit now{static_cast<rlim_t>(lowest_free), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &now);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

std::chrono::nanoseconds processor_time() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

bool readable(int descriptor, int milliseconds) {
  pollfd waiting{descriptor, POLLIN, 0};
  return poll(&waiting, 1, milliseconds) == 1;
}

int port_of(const std::string& url) { return std::stoi(url.substr(url.rfind(':') + 1)); }

bool ask(int client, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  if (connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  const std::string_view request = "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";
  return write(client, request.data(), request.size()) == static_cast<ssize_t>(request.size());
}

}  // namespace

TEST_CASE("a server without descriptors rests, and serves when there are some again") {
  const MetricsServer server{{boost::asio::ip::make_address("127.0.0.1"), 0}, [] { return std::string("up 1\n"); }};
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool asked = false, answered = true;
  std::chrono::nanoseconds used{};
  {
    const NoMoreDescriptors none;  // nothing is checked here: sanitizers need descriptors to look at what they doubt
    asked = ask(client, port_of(server.url()));
    const auto before = processor_time();
    answered = readable(client, 500);
    used = processor_time() - before;
  }
  REQUIRE(asked);
  CHECK_FALSE(answered);
  CHECK(used < std::chrono::milliseconds{100});
  REQUIRE(readable(client, 20'000));
  char answer[16] = {};
  CHECK(read(client, answer, 15) == 15);
  CHECK(std::string_view(answer) == "HTTP/1.1 200 OK");
  close(client);
}
