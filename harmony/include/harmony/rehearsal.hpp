#pragma once
/// One dry run: the memory of the other world. Twins keep here what they would have done and what they read.
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <typeindex>
#include <utility>
#include <vector>

namespace harmony {

/// One thing a rehearsal read from the real world: read again, under the lock, before the first write.
struct ReadRecord {
  std::string primitive;    ///< who reads it again
  std::string key;          ///< in the primitive's own words: "process/guestbook"
  std::string fingerprint;  ///< of what was found; empty: nothing was there
  auto operator<=>(const ReadRecord&) const = default;
};
using ReadSet = std::vector<ReadRecord>;

/// Thread-safe.
class Rehearsal {
 public:
  /// What twins share, by type: made on first use. The facts lock themselves.
  template <class Facts>
  Facts& facts() {
    std::lock_guard hold{mutex_};
    auto& slot = facts_[typeid(Facts)];
    if (!slot) slot = std::make_shared<Facts>();
    return *static_cast<Facts*>(slot.get());
  }
  /// The first reading of a key counts; later ones may already see pending writes of nobody.
  void read(std::string primitive, std::string key, std::string fingerprint) {
    std::lock_guard hold{mutex_};
    reads_.try_emplace({std::move(primitive), std::move(key)}, std::move(fingerprint));
  }
  ReadSet read_set() const {
    std::lock_guard hold{mutex_};
    ReadSet all;
    for (const auto& [who, fingerprint] : reads_) all.push_back({who.first, who.second, fingerprint});
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::type_index, std::shared_ptr<void>> facts_;
  std::map<std::pair<std::string, std::string>, std::string> reads_;
};

}  // namespace harmony
