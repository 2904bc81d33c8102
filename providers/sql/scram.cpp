#include "sql/scram.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <charconv>
#include <optional>
#include <vector>

namespace harmony::sql {

namespace {

/// "SCRAM-SHA-256$4096:<salt>$<stored key>:<server key>", the last three in base64.
struct Verifier {
  int iterations = 0;
  std::string salt, stored_key;
};

std::optional<Verifier> parse(std::string_view text) {
  constexpr std::string_view scheme = "SCRAM-SHA-256$";
  constexpr int most_iterations = 1'000'000;  // more would take minutes
  if (!text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  const auto colon = text.find(':'), dollar = text.find('$'), last = text.rfind(':');
  if (colon == text.npos || dollar == text.npos || colon > dollar || last < dollar) return std::nullopt;
  Verifier found;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + colon, found.iterations);
  if (wrong != std::errc{} || end != text.data() + colon || found.iterations < 1 || found.iterations > most_iterations)
    return std::nullopt;
  found.salt = text.substr(colon + 1, dollar - colon - 1);
  found.stored_key = text.substr(dollar + 1, last - dollar - 1);
  return found;
}

std::string base64(const unsigned char* bytes, std::size_t count) {
  std::string text(4 * ((count + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(count));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::optional<std::vector<unsigned char>> from_base64(const std::string& text) {
  std::vector<unsigned char> bytes(3 * (text.size() / 4) + 3);
  const int length =
      EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0 || text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace

bool verifies(std::string_view verifier, std::string_view password) {
  const auto parts = parse(verifier);
  if (!parts) return false;
  const auto salt = from_base64(parts->salt);
  if (!salt) return false;
  unsigned char salted[SHA256_DIGEST_LENGTH], client_key[EVP_MAX_MD_SIZE], stored_key[SHA256_DIGEST_LENGTH];
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt->data(),
                        static_cast<int>(salt->size()), parts->iterations, EVP_sha256(), sizeof salted, salted) != 1)
    return false;
  constexpr std::string_view label = "Client Key";
  unsigned int length = 0;
  if (!HMAC(EVP_sha256(), salted, sizeof salted, reinterpret_cast<const unsigned char*>(label.data()), label.size(),
            client_key, &length))
    return false;
  SHA256(client_key, length, stored_key);
  return base64(stored_key, sizeof stored_key) == parts->stored_key;
}

}  // namespace harmony::sql
