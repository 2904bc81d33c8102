// expect: harmony: senseless order of companions
// names: WatchedLayer
#include "harmony/program.hpp"

#include "cast.hpp"

int main() {
#ifdef WRONG
  (void)(CacheScore{} | previewed() | watched());
#else
  (void)(CacheScore{} | watched() | previewed());
#endif
}
