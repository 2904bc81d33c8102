// expect: harmony: a Score has `static constexpr std::string_view kind()`
// names: CacheOnItsWay
#include "harmony/program.hpp"

#include "cast.hpp"

struct CacheOnItsWay {
  using needs = harmony::Needs<>;
#ifndef WRONG
  static constexpr std::string_view kind() { return "cache"; }
#endif
  std::string_view name() const { return "cache"; }
  void interpret(harmony::Context<needs>&) const {}
};

int main() { (void)(CacheOnItsWay{} | watched()); }
