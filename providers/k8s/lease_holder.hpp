#pragma once
/// Who holds a Lease, as it is written there.
#include <string>

#include <boost/json/fwd.hpp>

#include "host/lock_file.hpp"

namespace harmony::k8s {

inline constexpr const char* holder_annotation = "harmony.dev/holder";

struct LeaseHolder {
  host::LockHolder process = {};  ///< texts are cleaned; without a pid where somebody else's tool wrote it
  std::string processes = {};     ///< where pids mean the same: the boot of a kernel, and a pid namespace

  /// "deploy by ci@build-7, since 2026-11-27T10:00:00Z"
  std::string text() const;
  /// Of this machine, and not there any more: nobody has to wait for it.
  bool is_dead() const;
};

LeaseHolder lease_holder_of(const boost::json::value& lease);
/// What the annotation says of a process of this machine.
std::string holder_text(const host::LockHolder&);

}  // namespace harmony::k8s
