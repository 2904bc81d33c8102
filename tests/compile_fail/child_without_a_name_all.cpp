// expect: harmony: a Score has `std::string_view name() const`
// names: CacheOnItsWay
#include "harmony/program.hpp"

#include "cast.hpp"

struct CacheOnItsWay {
  using needs = harmony::Needs<>;
  static constexpr std::string_view kind() { return "cache"; }
#ifdef WRONG
  std::string_view nome() const { return "cache"; }
#else
  std::string_view name() const { return "cache"; }
#endif
  void interpret(harmony::Context<needs>&) const {}
};

struct ShopScore {
  using needs = harmony::Needs<>;
  static constexpr std::string_view kind() { return "shop"; }
  std::string_view name() const { return "shop"; }
  void interpret(harmony::Context<needs>& in) const { in.all(CacheOnItsWay{}); }
};

int main() { (void)(ShopScore{} | watched()); }
