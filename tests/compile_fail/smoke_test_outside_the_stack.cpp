// expect: harmony: senseless order of companions
// names: CacheScore
#include "companions/default_stack.hpp"
#include "companions/unverified.hpp"

#include "cast.hpp"

int main() {
#ifdef WRONG
  (void)(CacheScore{} | harmony::default_stack() | harmony::unverified("nothing listens"));
#else
  (void)(CacheScore{} | harmony::unverified("nothing listens") | harmony::default_stack());
#endif
}
