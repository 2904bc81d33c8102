#pragma once
/// The state folder of one deployment on this machine, and who owns what in it:
///   <state>/            root:harmony 0710 (as a normal user: 0700, all below oneself's)
///     ledger/           0700: journal, lock, and the place that it was made for
///     keys/             0700: fingerprint key, generated secrets
///     artefacts/<hash>/ executables, readable by services
///     supervisor/       the supervisor's scan directory
///     services/<name>/  the service's own, 0700: data and configuration
///     logs/<name>/      rotated logs
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "harmony/ledger.hpp"
#include "harmony/secret.hpp"

namespace harmony::host {

class State {
 public:
  /// Makes nothing. @param chosen --state-dir, or empty: $XDG_STATE_HOME/harmony, as root /var/lib/harmony.
  /// @throws Error H0101 (no HOME), H0102 (a symlink, a file, foreign owner, group-writable, used by others, a copy), H0103 (parents not traversable
  /// for the service user), H0105 (deployment is no plain name). Where nothing is there yet, nothing is wrong.
  State(const std::string& deployment, const std::string& chosen);
  const std::filesystem::path& root() const { return root_; }
  const std::string& deployment() const { return deployment_; }
  bool as_root() const { return as_root_; }
  std::string service_user() const;  ///< "harmony" as root, else empty: oneself
  /// Makes root(), ledger/ and keys/ with their owners and modes, or puts those right. As root, root() is root's alone
  /// until there is a group `harmony`; call it again once that is made. Only before a first write, under the lock.
  /// @throws H0104 (read-only, full), H0102
  void make() const;
  /// Its folders alone, which the lock lies in: no other process is waited for. @throws as make()
  void make_folders() const;
  /// Whether root() is there.
  bool made() const;
  /// Names in it that only a deploy makes: "services/guestbook-db, keys/guestbook-db.superuser"; at most a few.
  std::string contents() const;
  /// Other deployments beside it, by their names: "guestbook, second". What cannot be seen is left out.
  std::string neighbours() const;
  /// Whether make() can make root(), as far as can be known without trying. @throws H0102
  void require_makeable() const;
  /// Takes away what is Harmony's in root(), and root() itself where nothing else is in it. @throws H0104
  void take_away() const;

 private:
  std::string deployment_;
  std::filesystem::path root_;
  bool as_root_;
};

/// Whole or not there: beside, fsync, rename, fsync of the folder. @throws H0104
void write_durably(const std::filesystem::path&, std::string_view content, int mode);

/// Journal file, compacted when a run finishes; a torn last line is ignored. The lock is flock on ledger/lock;
/// commands that a primitive waits for inherit it (see inherited_lock), so that an orphan of a killed deploy is waited for.
/// Who holds the lock has the whole state folder: taking it makes what is missing. Nothing is written while it is another's.
/// @param taken what else belongs to that, done each time
std::shared_ptr<Ledger> file_ledger(const State&, std::function<void()> taken = {});
/// The descriptor of the held lock, or -1.
int inherited_lock(const Ledger&);

/// HMAC-SHA256 with keys/fingerprint; where that is missing, with a key in memory that `keep` writes down.
/// @throws H0206 where a key is none.
class KeyedFingerprinter : public Fingerprinter {
 public:
  explicit KeyedFingerprinter(const State&);
  std::string of(std::string_view value) const override;
  /// Where another deploy has kept one meanwhile, that one counts from now on. @throws H0104
  void keep(const State&) const;
  /// For a saved plan, which carries the key of its first rehearsal (hex). @throws StalePlan where another is kept already
  std::string key() const;
  void adopt(const std::string& key);

 private:
  mutable std::mutex mutex_;
  mutable std::string key_;  ///< hex
  mutable bool kept_ = false;
};

}  // namespace harmony::host
