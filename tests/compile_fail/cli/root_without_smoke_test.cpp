// expect: harmony: the root Score has no smoke test; stack smoke_tested(...) on it, or unverified("why")
// names: GuestbookScore
#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/unverified.hpp"

#include "../cast.hpp"

struct GuestbookScore {
  using needs = harmony::Needs<Nats>;
  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return "guestbook"; }
  void interpret(harmony::Context<needs>&) const {}
};

int main(int argc, char** argv) {
  using namespace harmony;
#ifdef WRONG
  return cli::run(argc, argv, GuestbookScore{} | default_stack(), cli::topologies<EdgeBox>());
#else
  return cli::run(argc, argv, GuestbookScore{} | unverified("nothing listens") | default_stack(),
                  cli::topologies<EdgeBox>());
#endif
}
