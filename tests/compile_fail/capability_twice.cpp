// expect: harmony: a capability stands twice in `Needs<...>`; take one of the two away
// names: Nats
#include "harmony/program.hpp"

#include "cast.hpp"

struct ShopScore {
#ifdef WRONG
  using needs = harmony::Needs<Nats, PostgreSql, Nats>;
#else
  using needs = harmony::Needs<Nats, PostgreSql>;
#endif
  static constexpr std::string_view kind() { return "shop"; }
  std::string_view name() const { return "shop"; }
  void interpret(harmony::Context<needs>& in) const { (void)in.use<Nats>(); }
};

int main() { (void)(ShopScore{} | watched()); }
