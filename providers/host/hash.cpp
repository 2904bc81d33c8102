#include "host/hash.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/descriptor.hpp"

namespace harmony::host {

namespace {

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      throw InternalError("SHA-256 is not available");
  }
  void add(const void* data, std::size_t size) {
    if (EVP_DigestUpdate(context_.get(), data, size) != 1) throw InternalError("SHA-256 failed");
  }
  std::string hex() {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(context_.get(), bytes, &length) != 1) throw InternalError("SHA-256 failed");
    std::string text;
    for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", bytes[i]);
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::optional<std::string> hash_of(int file) {
  Digest digest;
  std::vector<char> buffer(1 << 18);
  for (;;) {
    const auto got = ::read(file, buffer.data(), buffer.size());
    if (got == 0) return digest.hex();
    if (got > 0) digest.add(buffer.data(), static_cast<std::size_t>(got));
    else if (errno != EINTR) return std::nullopt;
  }
}

long long nanoseconds(const timespec& time) {
  return static_cast<long long>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::string sha256(std::string_view text) {
  Digest digest;
  digest.add(text.data(), text.size());
  return digest.hex();
}

std::string FileIdentity::text() const { return fmt::format("{} {} {} {} {}", device, inode, size, modified, changed); }

FileIdentity identity_of(int file) {
  struct stat found{};
  if (::fstat(file, &found) != 0) return {};
  return {found.st_dev, found.st_ino, found.st_size, nanoseconds(found.st_mtim), nanoseconds(found.st_ctim)};
}

std::optional<std::string> FileHashes::of(const std::filesystem::path& path) const {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return std::nullopt;
  const FileIdentity before = identity_of(file.number());
  {
    std::lock_guard hold{mutex_};
    if (const auto found = known_.find(before); found != known_.end()) return found->second;
  }
  auto hash = hash_of(file.number());
  if (hash && identity_of(file.number()) == before) learn(before, *hash);  // else it was written to while it was read
  return hash;
}

void FileHashes::learn(const FileIdentity& identity, std::string hash) const {
  std::lock_guard hold{mutex_};
  known_.insert_or_assign(identity, std::move(hash));
}

}  // namespace harmony::host
