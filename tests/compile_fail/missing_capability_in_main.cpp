// expect: harmony: topology T lacks capability C, which score S needs
// names: GuestbookScore
// names: EdgeBox
// names: PostgreSql
// As a deploy's main has it, with all companions stacked.
#include "cli/cli.hpp"
#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"

#include "cast.hpp"

struct GuestbookScore {
  using needs = harmony::Needs<PostgreSql, Nats>;
  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return "guestbook"; }
  void interpret(harmony::Context<needs>&) const;
};
struct GuestbookWorks {
  using needs = harmony::Needs<Nats>;
  std::string_view name() const { return "GuestbookWorks"; }
  void test(harmony::Context<needs>&, harmony::Checks&) const;
};

int main(int argc, char** argv) {
#ifdef WRONG
  using Where = EdgeBox;
#else
  using Where = ServerBox;
#endif
  return harmony::cli::run(argc, argv,
                           GuestbookScore{} | harmony::smoke_tested(GuestbookWorks{}) | harmony::default_stack(),
                           harmony::cli::topologies<Where>());
}
