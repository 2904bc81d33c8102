#include "host/fingerprint_key.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

#include <fmt/format.h>

#include "harmony/error.hpp"

namespace harmony::host {

namespace {

constexpr std::size_t key_bytes = 32, shown_bytes = 4;

std::string hex(const unsigned char* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace

std::string fresh_key() {
  unsigned char bytes[key_bytes];
  if (RAND_bytes(bytes, sizeof bytes) != 1) throw InternalError("this machine has no random numbers");
  return hex(bytes, sizeof bytes);
}

bool is_key(const std::string& text) {
  return text.size() == 2 * key_bytes &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

void require_key(const std::string& key) {
  if (is_key(key)) return;
  throw Error({.code = "H0206",
               .category = Category::usage,
               .message = "a fingerprint key is 64 hexadecimal digits, and this is not one",
               .help = "the file it comes from is damaged: make it again"});
}

std::string fingerprint(const std::string& key, std::string_view value) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
            reinterpret_cast<const unsigned char*>(value.data()), value.size(), digest, &length))
    throw InternalError("HMAC-SHA256 failed");
  return hex(digest, shown_bytes);
}

}  // namespace harmony::host
