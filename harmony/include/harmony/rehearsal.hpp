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
  std::string binds = {};  ///< "the cluster": where this has moved the plan is another's, whatever it says. Not saved
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
  void read(std::string primitive, std::string key, std::string fingerprint, std::string binds = {}) {
    std::lock_guard hold{mutex_};
    const std::pair who{primitive, key};
    reads_.try_emplace(who, ReadRecord{std::move(primitive), std::move(key), std::move(fingerprint), std::move(binds)});
  }
  ReadSet read_set() const {
    std::lock_guard hold{mutex_};
    ReadSet all;
    for (const auto& [who, record] : reads_) all.push_back(record);
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::type_index, std::shared_ptr<void>> facts_;
  std::map<std::pair<std::string, std::string>, ReadRecord> reads_;
};

}  // namespace harmony
