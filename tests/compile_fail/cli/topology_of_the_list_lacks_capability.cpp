// expect: harmony: topology T lacks capability C, which score S needs
// names: GuestbookScore
// names: EdgeBox
// names: PostgreSql
#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/unverified.hpp"

#include "../cast.hpp"

struct GuestbookScore {
  using needs = harmony::Needs<PostgreSql>;
  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return "guestbook"; }
  void interpret(harmony::Context<needs>&) const {}
};

int main(int argc, char** argv) {
  using namespace harmony;
  auto stacked = GuestbookScore{} | unverified("nothing listens") | default_stack();
#ifdef WRONG
  return cli::run(argc, argv, stacked, cli::topologies<ServerBox, EdgeBox>());
#else
  return cli::run(argc, argv, stacked, cli::topologies<ServerBox>());
#endif
}
