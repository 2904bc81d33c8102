// expect: harmony: senseless order of companions
// names: TestedLayer
#include "harmony/program.hpp"

#include "cast.hpp"

int main() {
#ifdef WRONG
  const auto stack = watched() | previewed() | tested();
#else
  const auto stack = tested() | watched() | previewed();
#endif
  (void)(CacheScore{} | stack);
}
