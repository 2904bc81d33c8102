// expect: harmony: this companion is stacked twice; take one of the two away
// names: WatchedLayer
#include "harmony/program.hpp"

#include "cast.hpp"

int main() {
#ifdef WRONG
  (void)(CacheScore{} | watched() | watched() | previewed());
#else
  (void)(CacheScore{} | watched() | previewed());
#endif
}
