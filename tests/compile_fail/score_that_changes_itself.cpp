// expect: harmony: a Score has `void interpret(Context<needs>&) const`
// names: CacheOnItsWay
#include "harmony/program.hpp"

#include "cast.hpp"

struct CacheOnItsWay {
  using needs = harmony::Needs<>;
  static constexpr std::string_view kind() { return "cache"; }
  std::string_view name() const { return "cache"; }
#ifdef WRONG
  void interpret(harmony::Context<needs>&) {}
#else
  void interpret(harmony::Context<needs>&) const {}
#endif
};

int main() { (void)(CacheOnItsWay{} | watched()); }
