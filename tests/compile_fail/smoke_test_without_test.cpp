// expect: harmony: a smoke test has `using needs = Needs<...>;`, `std::string_view name() const` and
// names: CacheAnswers
#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"

#include "cast.hpp"

struct CacheAnswers {
  using needs = harmony::Needs<>;
  std::string_view name() const { return "CacheAnswers"; }
#ifdef WRONG
  void tests(harmony::Context<needs>&, harmony::Checks& checks) const { checks.expect(true, "an answer"); }
#else
  void test(harmony::Context<needs>&, harmony::Checks& checks) const { checks.expect(true, "an answer"); }
#endif
};

int main() { (void)(CacheScore{} | harmony::smoke_tested(CacheAnswers{}) | harmony::default_stack()); }
