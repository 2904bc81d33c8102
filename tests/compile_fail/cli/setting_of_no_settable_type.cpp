// expect: harmony: only text, bool, numbers and durations can be set from the command line; bind a member of such a type
#include "cli/cli.hpp"

struct GuestbookScore {
  std::string host;
  std::vector<std::string> hosts;
};

int main() {
#ifdef WRONG
  (void)harmony::cli::set("hosts", &GuestbookScore::hosts, "names of the host");
#else
  (void)harmony::cli::set("host", &GuestbookScore::host, "name of the host");
#endif
}
