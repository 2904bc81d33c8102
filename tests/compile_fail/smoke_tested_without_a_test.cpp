// expect: harmony: smoke_tested() without a test proves nothing; give it one, or say unverified("why")
#include "companions/default_stack.hpp"
#include "companions/smoke_tested.hpp"
#include "companions/unverified.hpp"

#include "cast.hpp"

int main() {
#ifdef WRONG
  (void)(CacheScore{} | harmony::smoke_tested() | harmony::default_stack());
#else
  (void)(CacheScore{} | harmony::unverified("nothing listens") | harmony::default_stack());
#endif
}
