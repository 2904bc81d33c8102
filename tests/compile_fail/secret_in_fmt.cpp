// lines: 17, of which nine are frames inside fmt, on clang
// expect: harmony: a Secret is never printed; where it must be told apart, show its fingerprint
#include <fmt/format.h>

#include "harmony/secret.hpp"

std::string show(const harmony::Secret<std::string>& password, const std::string& user) {
#ifdef WRONG
  return fmt::format("{}:{}", user, password);
#else
  (void)password;
  return fmt::format("{}", user);
#endif
}
