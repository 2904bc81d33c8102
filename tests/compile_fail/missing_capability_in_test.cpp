// expect: harmony: topology T lacks capability C, which score S needs
// names: GuestbookScore
// names: EdgeBox
// names: PostgreSql
// The kit for unit tests says the same as a deploy does.
#include "harmony/testing.hpp"

#include "cast.hpp"

struct GuestbookScore {
  using needs = harmony::Needs<Nats, PostgreSql>;
  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return "guestbook"; }
  void interpret(harmony::Context<needs>&) const {}
};

#ifdef WRONG
using Where = EdgeBox;
#else
using Where = ServerBox;
#endif

harmony::Plan plan(std::shared_ptr<Where> where) { return harmony::testing::plan_of(GuestbookScore{}, where); }
