#include "host/pipe.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace harmony::host {

ssize_t write_to_pipe(int pipe, std::string_view content) {
  sigset_t broken, before, pending;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  const ssize_t written = ::write(pipe, content.data(), content.size());
  const int cause = errno;
  if (written < 0 && cause == EPIPE && !was_pending) {
    const timespec now{};
    while (sigtimedwait(&broken, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = cause;
  return written;
}

}  // namespace harmony::host
