#pragma once
/// Writing to streams that may be slow, full or closed. A deploy never waits for its reader, and is never ended by it.
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace harmony::cli {

/// A descriptor with a queue before it: `write` returns at once, a thread of its own writes. Thread-safe.
class Output {
 public:
  /// Does not close the descriptor.
  explicit Output(int descriptor);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string text);
  /// Waits until everything is written, or failed.
  void flush();
  /// Nothing waits to be written: a reader that keeps up.
  bool idle() const;
  /// The errno of the write that failed; what comes after it is dropped.
  std::optional<int> failure() const;
  /// Called once, from the writing thread, when a write fails. Replacing it waits for one that is being called, so
  /// that afterwards nothing of it is used any more; it must not do so itself.
  void on_failure(std::function<void()>);
  int descriptor() const { return descriptor_; }

 private:
  void work();
  void fail(int error, std::unique_lock<std::mutex>&);

  int descriptor_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  bool writing_ = false, calling_ = false, ending_ = false;
  int failure_ = 0;
  std::function<void()> on_failure_;
  std::thread thread_;  ///< started by the first write
};

/// The two standard streams; where both lead to the same place, they share one queue, so that their order is kept.
class Console {
 public:
  Console();
  Output& out() { return *out_; }
  Output& err() { return *err_; }
  void flush();

 private:
  std::shared_ptr<Output> out_, err_;
};

}  // namespace harmony::cli
