#pragma once
#include <atomic>
#include <csignal>
#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

namespace harmony::cli {

/// Turns SIGINT, SIGTERM and SIGHUP into a request to stop; the second one leaves at once. Made before any other
/// thread, so that all of them leave these signals to it. After it a signal does what it did before: it ends the program,
/// which then has nothing left to do but to wait for its reader.
class Signals {
 public:
  /// @param first called with the signal, from a thread of its own. @param second the same, right before leaving.
  Signals(std::function<void(int)> first, std::function<void()> second);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  std::stop_source& source() { return stop_; }
  /// The first one that came; a hang-up counts as SIGTERM.
  std::optional<int> received() const;

 private:
  void wait();
  std::function<void(int)> first_;
  std::function<void()> second_;
  std::stop_source stop_;
  std::atomic<int> received_{0};
  int wake_;  ///< an eventfd that ends the thread
  int signals_;
  sigset_t before_;  ///< the mask of this thread
  std::thread thread_;
};

/// A closed pipe is an error of a write, not the end of the program.
void ignore_broken_pipes();
/// How a command ends is to be known, also where whoever started us ignores the ends of its children.
void keep_ends_of_children();

}  // namespace harmony::cli
