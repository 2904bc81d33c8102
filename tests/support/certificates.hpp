#pragma once
/// Certificates of a test's own, made on the spot.
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace harmony::testing {

struct Pair {
  std::string chain, key;  ///< PEM
};

struct CertificateWish {
  std::string subject;                      ///< "/CN=me"
  std::string names = {};                   ///< "IP:127.0.0.1,DNS:kubernetes"
  const Pair* issuer = nullptr;             ///< null: signs itself
  bool authority = false;
  std::string usage = {};                   ///< "clientAuth"
  std::string from = "20200101000000Z", until = "20900101000000Z";
};

inline std::string pem_of(const auto& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new(BIO_s_mem()), BIO_free};
  write(bio.get());
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

using OwnedKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using OwnedCertificate = std::unique_ptr<X509, decltype(&X509_free)>;

inline OwnedKey key_of(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                      BIO_free};
  return {PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
}
inline OwnedCertificate certificate_of(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                      BIO_free};
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

inline void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  if (!extension) throw std::runtime_error("no such extension: " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

inline Pair certificate(const CertificateWish& wish) {
  static long serial = 1;
  const OwnedKey key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  const OwnedCertificate made{X509_new(), X509_free};
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  ASN1_TIME_set_string(X509_getm_notBefore(made.get()), wish.from.c_str());
  ASN1_TIME_set_string(X509_getm_notAfter(made.get()), wish.until.c_str());
  const std::string name = wish.subject.substr(wish.subject.find('=') + 1);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(made.get(), key.get());
  OwnedKey signer{nullptr, EVP_PKEY_free};
  OwnedCertificate issuer{nullptr, X509_free};
  if (wish.issuer) {
    signer = key_of(wish.issuer->key);
    issuer = certificate_of(wish.issuer->chain);
  }
  X509* const above = issuer ? issuer.get() : made.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(above));
  extend(made.get(), above, NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!wish.names.empty()) extend(made.get(), above, NID_subject_alt_name, wish.names);
  if (!wish.usage.empty()) extend(made.get(), above, NID_ext_key_usage, wish.usage);
  if (!X509_sign(made.get(), signer ? signer.get() : key.get(), EVP_sha256())) throw std::runtime_error("not signed");
  return {pem_of([&](BIO* out) { PEM_write_bio_X509(out, made.get()); }),
          pem_of([&](BIO* out) { PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

inline std::string with_pass_phrase(const std::string& key) {
  const auto parsed = key_of(key);
  return pem_of([&](BIO* out) {
    PEM_write_bio_PKCS8PrivateKey(out, parsed.get(), EVP_aes_256_cbc(), "phrase", 6, nullptr, nullptr);
  });
}

}  // namespace harmony::testing
