#include "k8s/base64.hpp"

#include <openssl/evp.h>

namespace harmony::k8s {

std::optional<std::string> from_base64(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != '\n' && c != '\r') digits += c;
  // The library takes spaces and ends of other kinds as well.
  if (digits.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") !=
      std::string::npos)
    return std::nullopt;
  const auto padding = digits.empty() ? 0 : digits.size() - digits.find_last_not_of('=') - 1;
  if (digits.size() % 4 != 0 || padding > 2 || digits.find('=') < digits.size() - padding) return std::nullopt;
  std::string bytes(digits.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(digits.data()), static_cast<int>(digits.size()));
  if (length < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace harmony::k8s
