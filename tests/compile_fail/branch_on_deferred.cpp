// expect: harmony: a Deferred is known only after the deploy; format it or map it, but do not branch on it
#include "harmony/deferred.hpp"

int replicas(const harmony::Deferred<bool>& busy) {
#ifdef WRONG
  if (busy) return 2;
#else
  (void)busy.map([](bool is) { return is ? 2 : 1; });
#endif
  return 1;
}
