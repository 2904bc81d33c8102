// expect: harmony: this Score uses a capability that its `needs` does not list; add it there
// names: PostgreSql
#include "harmony/context.hpp"

#include "cast.hpp"

struct GuestbookScore {
#ifdef WRONG
  using needs = harmony::Needs<Nats>;
#else
  using needs = harmony::Needs<Nats, PostgreSql>;
#endif
  static constexpr std::string_view kind() { return "guestbook"; }
  std::string_view name() const { return "guestbook"; }
  void interpret(harmony::Context<needs>& in) const {
    in.use<PostgreSql>().ensure(in, {.instance = "db", .databases = {}});
  }
};
