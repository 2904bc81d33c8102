#include "output.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "export/whole_file.hpp"

namespace harmony::cli {

Output::Output(int descriptor) : descriptor_(descriptor) {}

Output::~Output() {
  {
    std::lock_guard hold{mutex_};
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Output::write(std::string text) {
  if (text.empty()) return;
  std::lock_guard hold{mutex_};
  if (failure_ != 0) return;
  queue_.push_back(std::move(text));
  if (!thread_.joinable()) {
    sigset_t all, before;  // signals are for the thread that waits for them
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread{[this] { work(); }};
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  changed_.notify_all();
}

void Output::flush() {
  std::unique_lock hold{mutex_};
  changed_.wait(hold, [&] { return queue_.empty() && !writing_; });
}

bool Output::idle() const {
  std::lock_guard hold{mutex_};
  return queue_.empty() && !writing_;
}

std::optional<int> Output::failure() const {
  std::lock_guard hold{mutex_};
  return failure_ == 0 ? std::nullopt : std::optional(failure_);
}

void Output::on_failure(std::function<void()> callback) {
  std::unique_lock hold{mutex_};
  changed_.wait(hold, [&] { return !calling_; });
  on_failure_ = std::move(callback);
}

/// The callback may write itself, or wait for somebody who does: it is called without the mutex.
void Output::fail(int error, std::unique_lock<std::mutex>& hold) {
  failure_ = error;
  queue_.clear();
  const auto callback = std::exchange(on_failure_, {});
  if (!callback) return;
  calling_ = true;
  hold.unlock();
  callback();
  hold.lock();
  calling_ = false;
}

void Output::work() {
  std::unique_lock hold{mutex_};
  while (true) {
    changed_.wait(hold, [&] { return !queue_.empty() || ending_; });
    if (queue_.empty()) return;
    std::string text;
    for (; !queue_.empty(); queue_.pop_front()) text += queue_.front();
    writing_ = true;
    hold.unlock();
    const bool written = write_whole(descriptor_, text);
    const int error = errno;
    hold.lock();
    writing_ = false;
    if (!written) fail(error, hold);
    changed_.notify_all();
  }
}

namespace {
bool same_place(int one, int other) {
  struct stat a{}, b{};
  return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
}  // namespace

Console::Console() : out_(std::make_shared<Output>(STDOUT_FILENO)) {
  err_ = same_place(STDOUT_FILENO, STDERR_FILENO) ? out_ : std::make_shared<Output>(STDERR_FILENO);
}

void Console::flush() {
  out_->flush();
  err_->flush();
}

}  // namespace harmony::cli
