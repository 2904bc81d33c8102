// expect: harmony: a Secret is never printed; where it must be told apart, show its fingerprint
#include <iostream>

#include "harmony/secret.hpp"

void show(const harmony::Secret<std::string>& password, const std::string& user) {
#ifdef WRONG
  std::cout << user << password;
#else
  (void)password;
  std::cout << user;
#endif
}
