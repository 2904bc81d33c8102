// expect: harmony: a Deferred is known only after the deploy; format it or map it, but do not branch on it
#include "harmony/deferred.hpp"

int replicas(const harmony::Deferred<std::string>& version) {
#ifdef WRONG
  if (version == "15") return 2;
#else
  (void)version.map([](const std::string& is) { return is == "15" ? 2 : 1; });
#endif
  return 1;
}
