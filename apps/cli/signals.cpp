#include "signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace harmony::cli {
namespace {
sigset_t handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now{};
    // nohup and background jobs of a shell start with some of them ignored; that is to stay so.
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) continue;
    sigaddset(&set, signal);
  }
  return set;
}
}  // namespace

Signals::Signals(std::function<void(int)> first, std::function<void()> second)
    : first_(std::move(first)), second_(std::move(second)), wake_(eventfd(0, EFD_CLOEXEC)) {
  const sigset_t set = handled();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  thread_ = std::thread{[this] { wait(); }};
}

Signals::~Signals() {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
  thread_.join();
  close(wake_);
  close(signals_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> Signals::received() const {
  const int signal = received_;
  return signal == 0 ? std::nullopt : std::optional(signal);
}

void Signals::wait() {
  pollfd both[] = {{signals_, POLLIN, 0}, {wake_, POLLIN, 0}};
  while (true) {
    if (poll(both, 2, -1) < 0) continue;
    if (both[1].revents != 0) return;
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    const int signal = info.ssi_signo == SIGHUP ? SIGTERM : static_cast<int>(info.ssi_signo);
    if (received_.exchange(signal) != 0) {
      second_();
      _exit(128 + signal);
    }
    first_(signal);
    stop_.request_stop();
  }
}

void ignore_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }
void keep_ends_of_children() { std::signal(SIGCHLD, SIG_DFL); }

}  // namespace harmony::cli
