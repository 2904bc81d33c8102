#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <mutex>

#include <fmt/format.h>

#include "harmony/ledger.hpp"
#include "harmony/scope.hpp"
#include "host/descriptor.hpp"
#include "host/durable.hpp"
#include "host/journal.hpp"
#include "host/lock_file.hpp"
#include "host/state.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

Error unreadable(const fs::path& path, int cause) {
  return Error({.code = "H0202",
                .category = Category::refused,
                .message = fmt::format("the ledger `{}` cannot be read: {}", path.string(), cause_text(cause)),
                .subject = "ledger/" + path.string(),
                .help = help_for_reading(cause, "run as the user who deployed it, on the machine that holds it")});
}

/// Nothing where there is no file.
std::optional<std::string> bytes_of(const fs::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) throw unreadable(path, errno);
  std::string bytes;
  char part[65536];
  for (;;) {
    const auto got = ::read(file.number(), part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw unreadable(path, errno);
    if (got == 0) return bytes;
    bytes.append(part, static_cast<std::size_t>(got));
  }
}

/// The journal while its lock is held: adds lines, each durable before the next.
class Writer {
 public:
  Writer(fs::path path, std::string deployment) : path_(std::move(path)), deployment_(std::move(deployment)) {}

  template <class MakeLine>
  void add(MakeLine&& make_line) {
    if (!file_) open();
    const std::string line = make_line(next_);
    int cause = write_whole(file_.number(), line);
    if (!cause && ::fdatasync(file_.number()) != 0) cause = errno;
    if (cause) give_up(cause);
    size_ += line.size();
    ++next_;
  }
  /// One line instead of all, once a run has ended. Where there is no room for it, the end is one line more.
  void conclude(const RunRecord& run) {
    Journal journal = read();
    finish(journal.state, run);
    try {
      write_durably(path_, whole_line(deployment_, journal.state), 0600);
      file_.close();
    } catch (const Error&) {
      add([&](std::uint64_t number) { return finish_line(number, run); });
    }
  }

 private:
  Journal read() const {
    const auto bytes = bytes_of(path_);
    return bytes ? read_journal(*bytes, deployment_, path_) : Journal{};
  }
  /// Makes the file where there is none, and takes off what a crash left at its end.
  void open() {
    if (!bytes_of(path_)) write_durably(path_, whole_line(deployment_, {}), 0600);
    const Journal journal = read();
    file_ = Descriptor{::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)};
    if (!file_) throw write_failure(path_, errno);
    size_ = journal.intact;
    next_ = journal.next;
    if (::ftruncate(file_.number(), static_cast<off_t>(size_)) != 0) give_up(errno);
  }
  /// Half a line is no line: where it cannot be taken off, whoever reads next does not count it.
  [[noreturn]] void give_up(int cause) {
    [[maybe_unused]] const int kept = ::ftruncate(file_.number(), static_cast<off_t>(size_));
    file_.close();
    throw write_failure(path_, cause);
  }

  fs::path path_;
  std::string deployment_;
  Descriptor file_{};
  std::size_t size_ = 0;
  std::uint64_t next_ = 1;
};

/// The lock as long as it is held, and the journal that only its holder writes.
struct Holding {
  std::mutex mutex;
  std::atomic<int> lock{-1};
  std::optional<Writer> writer;
};

class HeldLock final : public Lock {
 public:
  HeldLock(std::shared_ptr<Holding> holding, Descriptor file, bool waited)
      : holding_(std::move(holding)), file_(std::move(file)), waited_(waited) {
    holding_->lock = file_.number();
  }
  ~HeldLock() override {
    std::lock_guard hold{holding_->mutex};
    holding_->lock = -1;
    holding_->writer.reset();
    LockFile::release(std::move(file_));
  }
  bool waited() const override { return waited_; }

 private:
  std::shared_ptr<Holding> holding_;
  Descriptor file_;
  bool waited_;
};

class FileLedger final : public Ledger {
 public:
  FileLedger(const State& state, std::function<void()> taken)
      : state_(state),
        journal_(state.root() / "ledger/journal"),
        lock_file_(state.root() / "ledger/lock"),
        taken_(std::move(taken)) {}

  LedgerState read() const override {
    const auto bytes = bytes_of(journal_);
    if (!bytes) return {};
    LedgerState state = read_journal(*bytes, state_.deployment(), journal_).state;
    if (state.unfinished()) state.run->at_work = lock_file_.held_elsewhere();
    return state;
  }
  std::unique_ptr<Lock> lock(Scope& scope, std::chrono::milliseconds limit) override {
    const LockHolder us = this_process(scope.verb(), scope.who());
    std::optional<Descriptor> file;
    bool waited = false;
    std::string holder;
    try {
      scope.until({.limit = limit, .what = "the deployment is unlocked", .subject = "lock/" + state_.deployment()},
                  [&]() -> std::optional<std::string> {
                    if ((file = take(us))) return std::nullopt;
                    waited = true;
                    holder = lock_file_.held_by();
                    return "locked: " + holder;
                  });
    } catch (const TimedOut&) {
      throw locked(holder);
    }
    if (!file) throw InternalError("a lock was asked for where nothing may be written");
    state_.make();
    if (taken_) taken_();
    std::lock_guard hold{holding_->mutex};
    holding_->writer.emplace(journal_, state_.deployment());
    return std::make_unique<HeldLock>(holding_, std::move(*file), waited);
  }
  void begin(const RunRecord& run, const std::vector<LedgerEntry>& lined_up) override {
    write([&](Writer& writer) { writer.add([&](std::uint64_t n) { return begin_line(n, run, lined_up); }); });
  }
  void intend(const LedgerEntry& entry) override {
    write([&](Writer& writer) { writer.add([&](std::uint64_t n) { return intend_line(n, entry); }); });
  }
  void settle(const LedgerEntry& entry) override {
    write([&](Writer& writer) { writer.add([&](std::uint64_t n) { return settle_line(n, entry); }); });
  }
  void forget(const Subject& subject) override {
    write([&](Writer& writer) { writer.add([&](std::uint64_t n) { return forget_line(n, subject); }); });
  }
  void finish(const RunRecord& run) override {
    write([&](Writer& writer) { writer.conclude(run); });
  }
  int lock_descriptor() const { return holding_->lock; }

 private:
  /// Makes the folder that it lies in where that is missing, or mends it: whoever held the lock may have taken everything
  /// away. Nothing where it is another's.
  std::optional<Descriptor> take(const LockHolder& us) const {
    try {
      auto file = lock_file_.try_take(us);
      if (file || lock_file_.is_there()) return file;
    } catch (const Error&) {  // told again below, where it cannot be mended
    }
    make_folders();
    return lock_file_.try_take(us);
  }
  /// The last act of a removal may take away what was just made. It comes once, and hardly ever another's behind it.
  void make_folders() const {
    constexpr int tries = 5;
    for (int i = 1; i < tries; ++i) {
      try {
        return state_.make_folders();
      } catch (const Error&) {
      }
    }
    state_.make_folders();
  }
  template <class Body>
  void write(Body&& body) {
    std::lock_guard hold{holding_->mutex};
    if (!holding_->writer) throw InternalError("the ledger was to be written without its lock");
    body(*holding_->writer);
  }
  Error locked(const std::string& holder) const {
    return Error(
        {.code = "H0201",
         .category = Category::locked,
         .message = fmt::format("deployment `{}` is locked", state_.deployment()),
         .subject = "lock/" + state_.deployment(),
         .facts = {{"held by", holder}},
         .notes = {"nothing was written"},
         .help = "wait until it has ended and run the same command again, or wait longer with --lock-timeout"});
  }

  State state_;
  fs::path journal_;
  LockFile lock_file_;
  std::function<void()> taken_;
  std::shared_ptr<Holding> holding_ = std::make_shared<Holding>();
};

}  // namespace

std::shared_ptr<Ledger> file_ledger(const State& state, std::function<void()> taken) {
  return std::make_shared<FileLedger>(state, std::move(taken));
}

int inherited_lock(const Ledger& ledger) {
  const auto* ours = dynamic_cast<const FileLedger*>(&ledger);
  return ours ? ours->lock_descriptor() : -1;
}

}  // namespace harmony::host
