#pragma once
/// Real servers for live tests, on free ports of 127.0.0.1 and in temporary folders, gone with their objects.
#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "host/host.hpp"
#include "support/processes.hpp"
#include "support/temporary.hpp"

namespace harmony::testing {

inline int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  ::close(socket);
  return ntohs(address.sin_port);
}

inline bool accepts(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool connected = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return connected;
}

/// Waits for an event, with a limit that only a defect reaches.
inline void until(const std::string& what, const std::function<bool()>& so) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!so()) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("waited a minute, but not so: " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

/// A program in a process of its own, as an unprivileged user, its output in a file.
class OwnProcess {
 public:
  OwnProcess(std::vector<std::string> command, const std::filesystem::path& log)
      : child_([&](int pipe) {
          ::close(pipe);
          const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
          ::dup2(output, 1);
          ::dup2(output, 2);
          become(nobody);
          std::vector<char*> argv;
          for (std::string& word : command) argv.push_back(word.data());
          argv.push_back(nullptr);
          ::execv(argv[0], argv.data());
          return 127;
        }) {}
  void signal(int number) const { child_.kill(number); }
  int wait() { return child_.wait(); }

 private:
  Child child_;
};

inline std::filesystem::path postgresql_programs() {
  std::filesystem::path newest;
  for (const auto& major : std::filesystem::directory_iterator("/usr/lib/postgresql"))
    newest = std::max(newest, major.path());
  return newest / "bin";
}

/// PostgreSQL with scram passwords, its superuser `postgres`.
class PostgresServer {
 public:
  static constexpr const char* password = "superuser-secret";

  PostgresServer() {
    const auto data = folder_.path() / "data", secret = folder_.path() / "password";
    std::ofstream{secret} << password;
    std::filesystem::create_directory(data);
    if (::geteuid() == 0 && ::chown(data.c_str(), nobody, nobody) != 0)
      throw std::runtime_error("cannot give a folder away");
    OwnProcess initdb{
        {postgresql_programs() / "initdb", "-D", data, "--username=postgres", "--pwfile=" + secret.string(),
         "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"},
        folder_.path() / "initdb.log"};
    if (initdb.wait() != 0) throw std::runtime_error("initdb failed");
    start(free_port());
  }
  void start(int port) {
    port_ = port;
    server_ = std::make_unique<OwnProcess>(
        std::vector<std::string>{postgresql_programs() / "postgres", "-D", folder_.path() / "data", "-p",
                                 std::to_string(port), "-c", "listen_addresses=127.0.0.1", "-c",
                                 "unix_socket_directories=", "-c", "fsync=off", "-c", "log_statement=all"},
        folder_.path() / "log");
    const std::string whom = "host=127.0.0.1 port=" + std::to_string(port_) + " user=postgres dbname=postgres";
    until("PostgreSQL is ready", [&] { return PQping(whom.c_str()) == PQPING_OK; });
  }
  void stop(int signal = SIGINT) {
    server_->signal(signal);
    server_->wait();
    server_.reset();
  }
  void signal(int number) const { server_->signal(number); }
  ~PostgresServer() {
    if (server_) stop(SIGINT);
  }
  host::Endpoint at() const { return {.port = port_}; }
  std::string log() const {
    std::ifstream file{folder_.path() / "log"};
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  TemporaryFolder folder_;
  int port_ = 0;
  std::unique_ptr<OwnProcess> server_;
};

/// nats-server with JetStream and one user.
class NatsProcess {
 public:
  static constexpr const char* password = "broker-secret";

  explicit NatsProcess(bool jetstream = true) : jetstream_(jetstream) {
    std::filesystem::create_directory(folder_.path() / "store");
    if (::geteuid() == 0 && ::chown((folder_.path() / "store").c_str(), nobody, nobody) != 0)
      throw std::runtime_error("cannot give a folder away");
    start(free_port());
  }
  void start(int port) {
    port_ = port;
    {
      std::ofstream file{folder_.path() / "nats.conf"};
      file << "listen: \"127.0.0.1:" << port << "\"\n";
      if (jetstream_) file << "jetstream: { store_dir: \"" << (folder_.path() / "store").string() << "\" }\n";
      file << "authorization: { user: \"user\", password: \"" << password << "\" }\n";
    }
    server_ = std::make_unique<OwnProcess>(
        std::vector<std::string>{"/usr/sbin/nats-server", "--config", folder_.path() / "nats.conf"},
        folder_.path() / "log");
    until("nats-server listens", [&] { return accepts(port_); });
  }
  void stop(int signal = SIGTERM) {
    server_->signal(signal);
    server_->wait();
    server_.reset();
  }
  void signal(int number) const { server_->signal(number); }
  ~NatsProcess() {
    if (server_) stop(SIGKILL);
  }
  host::Endpoint at() const { return {.port = port_}; }

 private:
  TemporaryFolder folder_;
  bool jetstream_;
  int port_ = 0;
  std::unique_ptr<OwnProcess> server_;
};

/// Accepts one connection after another and answers each with the next of its scripts: a server as odd as one likes.
class ScriptedServer {
 public:
  /// `answer` gets the request as far as it came, and gives the bytes to send; an empty text: never answers.
  explicit ScriptedServer(std::function<std::string(const std::string& request)> answer) : answer_(std::move(answer)) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listening_, 8) != 0 ||
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no free port");
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](std::stop_token stop) { serve(stop); });
  }
  ~ScriptedServer() {
    thread_.request_stop();
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
    for (const int each : silent_) ::close(each);
  }
  host::Endpoint at() const { return {.port = port_}; }
  int connections() const { return connections_; }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const int connection = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      ++connections_;
      std::string request(65536, '\0');
      const timeval patience{.tv_sec = 0, .tv_usec = 200'000};
      ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      request.resize(
          static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(connection, request.data(), request.size(), 0))));
      const std::string answer = answer_(request);
      if (answer.empty()) {
        silent_.push_back(connection);
        continue;
      }
      for (std::size_t sent = 0; sent < answer.size();) {
        const auto part = ::send(connection, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (part <= 0) break;
        sent += static_cast<std::size_t>(part);
      }
      ::shutdown(connection, SHUT_WR);
      ::close(connection);
    }
  }

  std::function<std::string(const std::string&)> answer_;
  int listening_ = -1, port_ = 0;
  std::atomic<int> connections_{0};
  std::vector<int> silent_;
  std::jthread thread_;
};

}  // namespace harmony::testing
