// expect: harmony: set() binds members of the root Score only
#include "cli/cli.hpp"
#include "companions/unverified.hpp"

#include "../cast.hpp"

struct ChildScore {
  std::string host;
};
struct GuestbookScore {
  using needs = harmony::Needs<Nats>;
  std::string host;
  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return "guestbook"; }
  void interpret(harmony::Context<needs>&) const {}
};

int main(int argc, char** argv) {
  using namespace harmony;
#ifdef WRONG
  using Bound = ChildScore;
#else
  using Bound = GuestbookScore;
#endif
  return cli::run(argc, argv, GuestbookScore{} | unverified("nothing listens"), cli::topologies<EdgeBox>(),
                  cli::set("host", &Bound::host, "name of the host"));
}
