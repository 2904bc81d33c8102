#include "k8s/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/printable.hpp"
#include "k8s/small_file.hpp"

namespace harmony::k8s {

namespace {

constexpr std::size_t largest = 1 << 20;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Error wrong(const Origin& origin, std::string_view what, std::string help) {
  return Error({.code = "H0404",
                .category = Category::usage,
                .message = fmt::format("`{}` is of no use: {}", host::printable(origin.field), what),
                .subject = "credential/" + host::printable(origin.field),
                .facts = {{"file", host::printable(origin.place())}},
                .help = std::move(help)});
}

Owned<BIO> memory(std::string_view text) {
  return Owned<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

Owned<X509> first_certificate(std::string_view pem) {
  const auto bio = memory(pem);
  Owned<X509> found{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
  ERR_clear_error();
  return found;
}

/// One that has a pass phrase is not asked for it: it is none that we can use.
int no_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::string moment_text(const ASN1_TIME* time) {
  const Owned<BIO> text{BIO_new(BIO_s_mem())};
  ASN1_TIME_print(text.get(), time);
  char* data = nullptr;
  const long length = BIO_get_mem_data(text.get(), &data);
  return host::printable({data, static_cast<std::size_t>(std::max(0l, length))});
}

void require_valid_now(const X509* certificate, const Origin& origin) {
  const ASN1_TIME* last = X509_get0_notAfter(certificate);
  const ASN1_TIME* first = X509_get0_notBefore(certificate);
  if (X509_cmp_current_time(last) < 0)
    throw wrong(origin, "the client certificate expired on " + moment_text(last),
                "get a new one from whoever runs the cluster, and look at this machine's clock");
  if (X509_cmp_current_time(first) > 0)
    throw wrong(origin, "the client certificate is valid only from " + moment_text(first),
                "look at this machine's clock");
}

}  // namespace

Secret<std::string> text_of(const Material& material, std::string_view what) {
  if (material.file.empty()) return material.inside;
  auto text = read_small_file(material.file, largest, material.origin, Guard::none);
  if (!text) throw missing_file(material.file, material.origin);
  if (text->empty())
    throw wrong(material.origin, fmt::format("the file is empty, where {} should be", what), "look at the file");
  return Secret(std::move(*text));
}

std::string authority_of(const Material& material) {
  const Secret<std::string> text = text_of(material, "a certificate");
  if (!first_certificate(text.reveal()))
    throw wrong(material.origin, "it holds no certificate in PEM form", "look for `-----BEGIN CERTIFICATE-----` in it");
  return text.reveal();
}

ClientCertificate client_certificate(std::string chain, Secret<std::string> key, const Origin& origin) {
  const auto certificate = first_certificate(chain);
  if (!certificate)
    throw wrong(origin, "it holds no certificate in PEM form", "look for `-----BEGIN CERTIFICATE-----` in it");
  bool asked = false;
  const auto bio = memory(key.reveal());
  const Owned<EVP_PKEY> parsed{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, &asked)};
  ERR_clear_error();
  if (asked)
    throw wrong(origin, "its key has a pass phrase", "`openssl pkey -in KEY -out KEY.open` takes the pass phrase away");
  if (!parsed)
    throw wrong(origin, "its key is no private key in PEM form", "look for `-----BEGIN PRIVATE KEY-----` in it");
  if (X509_check_private_key(certificate.get(), parsed.get()) != 1) {
    ERR_clear_error();
    throw wrong(origin, "its certificate and its key are no pair", "take the key that the certificate was made for");
  }
  require_valid_now(certificate.get(), origin);
  return {std::move(chain), std::move(key)};
}

}  // namespace harmony::k8s
