#pragma once
/// How the processes of a deployment are known again where all that was written of them is gone. What is started here
/// carries a mark in its environment, and so does all that it starts:
///   HARMONY_SERVICE=<state folder>                               the supervision
///   HARMONY_SERVICE=<state folder>:<stop signal>:<pid>:<name>    a process, and all below it
/// The state folder by device and inode: in a container another one may have the same path.
#include <filesystem>
#include <string>
#include <vector>

#include "host/descriptor.hpp"

namespace harmony::host {

/// One that carries the mark of a deployment. It stays this one, even when its pid is another one's later.
struct MarkedProcess {
  int pid = 0;
  Descriptor handle = {};    ///< its pidfd
  std::string name = {};     ///< of the process it belongs to; empty: the supervision
  bool main = false;         ///< what the supervisor started, not one below it
  int stop_signal = 0;       ///< how the main one is asked to end; 0: nothing is known

  bool over() const;
  /// No failure where it is over.
  void signal(int number) const;
};

class Mark {
 public:
  explicit Mark(std::filesystem::path state_folder) : folder_(std::move(state_folder)) {}
  /// "NAME=value", for what is not a process of a deployment itself. Empty where there is no state folder.
  std::string of_supervision() const;
  /// A line of shell: what it becomes is the main one of this process.
  std::string line_of(const std::string& process, int stop_signal) const;
  /// All that can be read and belong to root, to ourselves or, as root, to the service user; also those of a folder that was deleted from this path, but not this process and those above
  /// it. Empty, too, on kernels without pidfd (before 5.3).
  std::vector<MarkedProcess> carriers() const;

 private:
  std::string value() const;
  std::filesystem::path folder_;
};

}  // namespace harmony::host
