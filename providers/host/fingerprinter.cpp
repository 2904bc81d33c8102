#include <fstream>
#include <optional>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/durable.hpp"
#include "host/fingerprint_key.hpp"
#include "host/state.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

fs::path place_of_key(const State& state) { return state.root() / "keys/fingerprint"; }

/// Nothing where no deploy has kept one yet.
std::optional<std::string> kept_key(const State& state) {
  std::ifstream file{place_of_key(state)};
  if (!file && !fs::exists(fs::symlink_status(place_of_key(state)))) return std::nullopt;
  std::string key;
  std::getline(file, key);
  if (is_key(key)) return key;
  throw Error(
      {.code = "H0206",
       .message = fmt::format("the fingerprint key `{}` is damaged or cannot be read", place_of_key(state).string()),
       .subject = "file/" + place_of_key(state).string(),
       .help = "put it back from a backup, or remove it: the next deploy makes another, and shows every secret as "
               "changed once"});
}

}  // namespace

KeyedFingerprinter::KeyedFingerprinter(const State& state) {
  if (auto key = kept_key(state)) {
    key_ = std::move(*key);
    kept_ = true;
  } else {
    key_ = fresh_key();
  }
}

std::string KeyedFingerprinter::of(std::string_view value) const { return fingerprint(key(), value); }

void KeyedFingerprinter::keep(const State& state) const {
  std::lock_guard hold{mutex_};
  auto there = kept_key(state);
  if (!there && !place_durably(place_of_key(state), key_ + "\n", 0600, Existing::keep)) there = kept_key(state);
  if (there) key_ = std::move(*there);
  kept_ = true;
}

std::string KeyedFingerprinter::key() const {
  std::lock_guard hold{mutex_};
  return key_;
}

void KeyedFingerprinter::adopt(const std::string& key) {
  require_key(key);
  std::lock_guard hold{mutex_};
  if (kept_ && key_ != key) throw StalePlan({"the deployment has been made since, with another fingerprint key"});
  key_ = key;
}

}  // namespace harmony::host
