#include "prompt.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace harmony::cli {

bool can_ask(const Environment& environment) {
  const bool shown = isatty(STDERR_FILENO) == 1 || isatty(STDOUT_FILENO) == 1;
  return isatty(STDIN_FILENO) == 1 && shown && !in_ci(environment);
}

Approval read_answer(const std::stop_token& stop) {
  const int woken = eventfd(0, EFD_CLOEXEC);
  std::string line;
  {
    const std::stop_callback wake{stop, [&] {
                                    const std::uint64_t one = 1;
                                    (void)!::write(woken, &one, sizeof one);
                                  }};
    while (!stop.stop_requested()) {
      pollfd both[] = {{STDIN_FILENO, POLLIN, 0}, {woken, POLLIN, 0}};
      if (poll(both, 2, -1) < 0 || both[1].revents != 0) continue;
      char c = 0;
      if (read(STDIN_FILENO, &c, 1) != 1 || c == '\n') break;
      line += c;
    }
  }
  close(woken);
  const auto begin = line.find_first_not_of(" \t"), end = line.find_last_not_of(" \t\r");
  return begin != std::string::npos && line.substr(begin, end + 1 - begin) == "yes" ? Approval::yes : Approval::no;
}

}  // namespace harmony::cli
