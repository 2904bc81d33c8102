// expect: harmony: a child Score needs a capability that this Score's `needs` does not list; add it there
// names: needs_of_child_are_listed<CacheScore, harmony::Nats>
#include "harmony/context.hpp"

#include "cast.hpp"

struct GuestbookScore {
#ifdef WRONG
  using needs = harmony::Needs<PostgreSql>;
#else
  using needs = harmony::Needs<PostgreSql, Nats>;
#endif
  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return "guestbook"; }
  void interpret(harmony::Context<needs>& in) const { in.all(std::vector<CacheScore>(2)); }
};
