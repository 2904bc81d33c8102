/// A server to supervise: listens on $LISTEN, answers each connection with its greeting, and can misbehave.
///   --exit N     writes why to its error output and ends with that code
///   --deaf       runs and never listens
///   --worker     a child listens, as haproxy's workers do
/// The greeting is $GREETING, or the first line of the file $GREETING_FILE, read again at SIGHUP.
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace {

volatile sig_atomic_t again = 1;

std::string greeting() {
  static std::string text;
  if (const char* fixed = std::getenv("GREETING")) return fixed;
  if (const char* file = std::getenv("GREETING_FILE"); file && again) {
    again = 0;
    std::ifstream in{file};
    std::getline(in, text);
  }
  return text;
}

int listening() {
  const std::string at = std::getenv("LISTEN") ? std::getenv("LISTEN") : "";
  const auto colon = at.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(at.c_str() + colon + 1)));
  inet_pton(AF_INET, at.substr(0, colon).c_str(), &address.sin_addr);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(socket, 16) != 0) {
    std::fprintf(stderr, "cannot listen on %s: %s\n", at.c_str(), std::strerror(errno));
    std::exit(1);
  }
  return socket;
}

void serve() {
  const int socket = listening();
  std::printf("serving\n");
  std::fflush(stdout);
  for (;;) {
    const int connection = ::accept(socket, nullptr, nullptr);
    if (connection < 0) continue;
    const std::string text = greeting();
    (void)!::write(connection, text.data(), text.size());
    ::close(connection);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string how = count > 1 ? arguments[1] : "";
  struct sigaction reload{};
  reload.sa_handler = [](int) { again = 1; };
  ::sigaction(SIGHUP, &reload, nullptr);
  if (how == "--exit") {
    std::fprintf(stderr, "the shop is closed\n");
    return std::atoi(arguments[2]);
  }
  if (how == "--deaf") {
    std::printf("I hear nothing\n");
    std::fflush(stdout);
    for (;;) ::pause();
  }
  if (how == "--worker" && ::fork() != 0) {
    for (;;) ::pause();
  }
  if (how == "--worker") ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  serve();
}
