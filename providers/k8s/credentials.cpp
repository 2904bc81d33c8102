#include "k8s/credentials.hpp"

#include <sys/stat.h>

#include <mutex>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/text.hpp"
#include "k8s/base64.hpp"
#include "k8s/exec_plugin.hpp"
#include "k8s/small_file.hpp"

namespace harmony::k8s {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

std::optional<ClientCertificate> certificate_of(const User& user) {
  if (!user.certificate.given()) return std::nullopt;
  return client_certificate(text_of(user.certificate, "a certificate").reveal(), text_of(user.key, "a key"),
                            user.certificate.origin);
}

/// Not under a lock of ours: a deployment's fingerprints may have to be asked for, with these credentials.
void conceal(const Scope& at, const Credential& credential) {
  const std::string& text = credential.authorization.reveal();
  const auto word = text.find(' ');
  if (word != std::string::npos && word + 1 < text.size()) at.conceal(Secret(text.substr(word + 1)));
}

/// A token that is written down, a password, or nothing but a certificate.
class Fixed final : public Credentials {
 public:
  explicit Fixed(const User& user) : user_(user) {}
  Credential current(const Scope& at) override {
    const Credential now = known();
    conceal(at, now);
    if (!user_.password.reveal().empty()) at.conceal(user_.password);
    return now;
  }
  bool renew(const Scope&, const Credential&) override { return false; }

 private:
  Credential known() {
    std::lock_guard hold{mutex_};
    if (!credential_) credential_ = read();
    return *credential_;
  }
  Credential read() const {
    Credential made{.certificate = certificate_of(user_)};
    if (!user_.token.reveal().empty()) made.authorization = Secret("Bearer " + user_.token.reveal());
    if (!user_.name.empty())
      made.authorization = Secret("Basic " + to_base64(user_.name + ":" + user_.password.reveal()));
    return made;
  }
  const User user_;
  std::mutex mutex_;
  std::optional<Credential> credential_;
};

/// A token in a file that somebody writes anew: a pod's lives for an hour.
class TokenFile final : public Credentials {
 public:
  explicit TokenFile(const User& user) : user_(user) {}
  Credential current(const Scope& at) override {
    const Credential now = known(false);
    conceal(at, now);
    return now;
  }
  bool renew(const Scope& at, const Credential& refused) override {
    const Credential now = known(true);
    conceal(at, now);
    return now != refused;
  }

 private:
  Credential known(bool anew) {
    std::lock_guard hold{mutex_};
    if (anew || !credential_ || changed()) read();
    return *credential_;
  }
  struct Seen {
    ino_t inode = 0;
    off_t size = 0;
    long long modified = 0;
    bool operator==(const Seen&) const = default;
  };
  Seen look() const {
    struct stat found{};
    if (::stat(user_.token_file.c_str(), &found) != 0) return {};
    return {found.st_ino, found.st_size, found.st_mtim.tv_sec * 1'000'000'000ll + found.st_mtim.tv_nsec};
  }
  bool changed() const { return look() != seen_; }
  void read() {
    const Origin origin = user_.origin.at("tokenFile");
    const Seen seen = look();
    const auto text = read_small_file(user_.token_file, 1 << 20, origin, Guard::none);
    if (!text && credential_) return;  // it is just being replaced: what we had may do
    if (!text) throw missing_file(user_.token_file, origin);
    std::string token = *text;
    token.erase(token.find_last_not_of(" \t\r\n") + 1);
    if (token.empty() || token.find_first_of("\r\n") != std::string::npos)
      throw Error(
          {.code = "H0404",
           .category = Category::usage,
           .message = fmt::format("`{}` is of no use: the file holds no token, which is one line", origin.field),
           .subject = "credential/" + origin.field,
           .facts = {{"file", user_.token_file.string()}},
           .help = "look whether whatever writes the file still runs"});
    credential_ = Credential{.authorization = Secret("Bearer " + token), .certificate = certificate_of(user_)};
    seen_ = seen;
  }
  const User user_;
  std::mutex mutex_;
  std::optional<Credential> credential_;
  Seen seen_;
};

/// One run at a time; kept until shortly before it expires.
class Plugin final : public Credentials {
 public:
  Plugin(const User& user, const Cluster& cluster, const Environment& environment)
      : user_(user), cluster_(cluster), environment_(environment) {}
  Credential current(const Scope& at) override {
    const Credential now = known(at, nullptr);
    conceal(at, now);
    return now;
  }
  bool renew(const Scope& at, const Credential& refused) override {
    const Credential now = known(at, &refused);
    conceal(at, now);
    return now != refused;
  }

 private:
  /// @param refused where the server did not take it: somebody else may have asked for another meanwhile
  Credential known(const Scope& at, const Credential* refused) {
    std::lock_guard hold{mutex_};
    constexpr auto early = 10s;
    const bool over = answer_ && answer_->until && std::chrono::system_clock::now() + early >= *answer_->until;
    const bool useless = refused && answer_ && answer_->credential == *refused;
    if (!answer_ || useless || (over && !refused && !fresh_only_expired_)) run(at);
    return answer_->credential;
  }
  void run(const Scope& at) {
    answer_.reset();
    PluginAnswer answer = run_plugin(at, *user_.plugin, cluster_, environment_);
    if (!answer.credential.certificate) answer.credential.certificate = certificate_of(user_);
    // One whose clock is wrong would be run for each request: then the server decides whether it still takes it.
    fresh_only_expired_ = answer.until && *answer.until <= std::chrono::system_clock::now();
    answer_ = std::move(answer);
  }
  const User user_;
  const Cluster cluster_;
  const Environment environment_;
  std::mutex mutex_;
  std::optional<PluginAnswer> answer_;
  bool fresh_only_expired_ = false;
};

}  // namespace

std::unique_ptr<Credentials> credentials_of(const User& user, const Cluster& cluster, const Environment& environment) {
  if (user.plugin) return std::make_unique<Plugin>(user, cluster, environment);
  if (!user.token_file.empty()) return std::make_unique<TokenFile>(user);
  return std::make_unique<Fixed>(user);
}

std::vector<std::pair<std::string, std::string>> impersonation_of(const User& user) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (user.as.empty()) return headers;
  headers.emplace_back("Impersonate-User", user.as);
  if (!user.as_uid.empty()) headers.emplace_back("Impersonate-Uid", user.as_uid);
  for (const std::string& group : user.as_groups) headers.emplace_back("Impersonate-Group", group);
  for (const auto& [name, values] : user.as_extra)
    for (const std::string& value : values) headers.emplace_back("Impersonate-Extra-" + host::url_part(name), value);
  return headers;
}

}  // namespace harmony::k8s
