#include "host/random_text.hpp"

#include <sys/random.h>

#include <cerrno>
#include <string_view>

#include "harmony/error.hpp"

namespace harmony::host {

/// Letters and digits only, so that it needs no quoting in a URL or a configuration; 190 bits.
std::string random_text() {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t length = 32;
  constexpr unsigned char fair = 256 / alphabet.size() * alphabet.size();
  std::string text;
  while (text.size() < length) {
    unsigned char bytes[64];
    if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
      if (errno == EINTR) continue;
      throw InternalError("the system gives no random bytes");
    }
    for (const unsigned char byte : bytes)
      if (byte < fair && text.size() < length) text += alphabet[byte % alphabet.size()];
  }
  return text;
}

}  // namespace harmony::host
