#pragma once
/// One deploy at a time: flock on a file, which also says who holds it. A command that inherits the descriptor keeps
/// the lock when its deploy is killed.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "host/descriptor.hpp"

namespace harmony::host {

/// Who says to hold the lock.
struct LockHolder {
  std::string verb;            ///< "deploy"
  std::string who;             ///< "root@host"
  int pid = 0;
  std::string pid_started;     ///< as /proc says it: a number given to two processes is told apart by it
  std::string since;           ///< RFC 3339, UTC
};
LockHolder this_process(const std::string& verb, const std::string& who);
/// Whether that very process is still there.
bool is_alive(const LockHolder&);

class LockFile {
 public:
  explicit LockFile(std::filesystem::path path) : path_(std::move(path)) {}
  /// Takes the lock if it is free and its folder there, and notes who holds it. @throws H0104
  std::optional<Descriptor> try_take(const LockHolder&) const;
  bool is_there() const;
  /// "deploy by root@host, pid 4711, since 10:31:02", or the command that a killed deploy left behind.
  std::string held_by() const;
  /// Whether another process that lives holds it.
  bool held_elsewhere() const;
  /// Takes the name of the holder away; the lock goes with its descriptor.
  static void release(Descriptor);

 private:
  std::filesystem::path path_;
};

}  // namespace harmony::host
