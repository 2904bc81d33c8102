#include "host/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <stop_token>

#include <fmt/format.h>

#include "host/durable.hpp"
#include "host/pipe.hpp"
#include "host/text.hpp"

namespace harmony::host {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kept_output = 256 * 1024;
constexpr auto patience = 5s;  // between SIGTERM and SIGKILL
constexpr auto sign_of_life = 1s;

Error not_started(const std::string& program, int cause) {
  return Error({.code = "H0112",
                .message = fmt::format("`{}` cannot be started: {}", program, cause_text(cause)),
                .subject = "program/" + program,
                .help = "look whether it is installed and executable"});
}

/// Somebody else has waited for it, or nobody can: the system forgets at once how processes end whose end is ignored.
Error end_unknown(const std::string& program, int cause) {
  return Error({.code = "H0112",
                .message = fmt::format("how `{}` ended cannot be known: {}", program, cause_text(cause)),
                .subject = "program/" + program,
                .help = "look whether SIGCHLD is ignored, and start this program with its default"});
}

/// What the new process starts with; nothing of ours but what is named.
class Spawn {
 public:
  Spawn() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
  }
  ~Spawn() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  void give(int ours, int theirs) { posix_spawn_file_actions_adddup2(&actions_, ours, theirs); }
  void close_from(int first) { posix_spawn_file_actions_addclosefrom_np(&actions_, first); }
  void in(const std::filesystem::path& folder) { posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str()); }
  pid_t start(const std::vector<std::string>& argv, short how,
              std::vector<std::string> environment = scrubbed_environment()) {
    posix_spawnattr_setflags(&attributes_, static_cast<short>(how | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    posix_spawnattr_setpgroup(&attributes_, 0);
    auto words = argv;
    pid_t pid = 0;
    if (const int cause = posix_spawn(&pid, argv.front().c_str(), &actions_, &attributes_, pointers(words).data(),
                                      pointers(environment).data()))
      throw not_started(argv.front(), cause);
    return pid;
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> all;
    for (std::string& word : words) all.push_back(word.data());
    all.push_back(nullptr);
    return all;
  }
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

struct Pipe {
  Descriptor read, write;
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw InternalError(fmt::format("no pipe: {}", cause_text(errno)));
    read = Descriptor{ends[0]};
    write = Descriptor{ends[1]};
  }
};

void make_nonblocking(const Descriptor& file) {
  ::fcntl(file.number(), F_SETFL, ::fcntl(file.number(), F_GETFL) | O_NONBLOCK);
}

/// A command while it runs: feeds it, reads it, ends it when a stop is asked for or its time is over.
class Running {
 public:
  Running(const Scope& at, const Command& command) : at_(at), command_(command), rest_(command.input) {
    Pipe input, output, errors;
    if (command.reader && ::fchown(input.read.number(), command.reader->user, command.reader->group) != 0)
      throw InternalError(fmt::format("a pipe cannot be given away: {}", cause_text(errno)));
    constexpr int lock_place = 3;
    Spawn spawn;
    spawn.in(command.folder);
    spawn.give(input.read.number(), 0);
    spawn.give(output.write.number(), 1);
    spawn.give((command.errors_apart ? errors : output).write.number(), 2);
    if (command.lock >= 0) spawn.give(command.lock, lock_place);  // last: its place may be that of a pipe's end
    spawn.close_from(command.lock >= 0 ? lock_place + 1 : lock_place);
    pid_ = spawn.start(command.argv, POSIX_SPAWN_SETPGROUP,
                       command.environment.empty() ? scrubbed_environment() : command.environment);
    handle_ = Descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};  // the header of glibc 2.36 is no C++
    input_ = std::move(input.write);
    output_ = std::move(output.read);
    errors_ = std::move(errors.read);
    for (const Descriptor* pipe : {&input_, &output_, &errors_}) make_nonblocking(*pipe);
    if (rest_.empty()) input_.close();
  }

  Ended wait() {
    const Descriptor asked{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    const std::stop_callback wake{at_.stop(), [&] { (void)!::eventfd_write(asked.number(), 1); }};
    while (!over()) {
      std::array<pollfd, 5> events{{{handle_.number(), POLLIN, 0},
                                    {output_.number(), POLLIN, 0},
                                    {input_.number(), POLLOUT, 0},
                                    {stopped_ ? -1 : asked.number(), POLLIN, 0},
                                    {errors_.number(), POLLIN, 0}}};
      ::poll(events.data(), events.size(), time_to_wait());
      read_outputs();
      if (events[2].revents != 0) feed();
      tell();
      end_if_due();
    }
    read_outputs();
    if (ending()) ::kill(-pid_, SIGKILL);  // what it started and left behind
    if (stopped_) throw Stopped();
    return ended_;
  }

 private:
  bool over() {
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, WNOHANG);
    if (got < 0 && errno != EINTR) throw end_unknown(command_.argv.front(), errno);
    if (got != pid_) return false;
    if (WIFSIGNALED(status)) ended_.signal = WTERMSIG(status);
    else ended_.code = WEXITSTATUS(status);
    return true;
  }
  void read_outputs() {
    read(output_, ended_.output);
    read(errors_, ended_.errors);
  }
  static void read(Descriptor& pipe, std::string& text) {
    char buffer[1 << 14];
    while (pipe) {
      const auto got = ::read(pipe.number(), buffer, sizeof buffer);
      if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
      else if (got == 0) pipe.close();
      else if (errno != EINTR) break;
      if (text.size() > 2 * kept_output) text.erase(0, text.size() - kept_output);
    }
  }
  void feed() {
    const auto written = write_to_pipe(input_.number(), rest_);
    if (written > 0) rest_.erase(0, static_cast<std::size_t>(written));
    if (rest_.empty() || (written < 0 && errno != EAGAIN && errno != EINTR)) input_.close();
  }
  bool ending() const { return stopped_ || ended_.too_long.count() != 0; }
  int time_to_wait() const {
    if (ending() || !handle_) return 50;
    const auto left = std::min(told_ + sign_of_life, start_ + command_.limit) - Clock::now();
    return std::max(0, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  }
  void tell() {
    if (Clock::now() < told_ + sign_of_life) return;
    told_ = Clock::now();
    const std::filesystem::path program = command_.name.empty() ? command_.argv.front() : command_.name;
    at_.waiting(fmt::format("`{}` still runs", program.filename().string()));
  }
  void end_if_due() {
    const auto now = Clock::now();
    const bool was_ending = ending();
    if (at_.stop().stop_requested()) stopped_ = true;
    else if (!was_ending && now >= start_ + command_.limit) ended_.too_long = command_.limit;
    if (!was_ending && ending()) {
      kill_at_ = now + patience;
      ::kill(-pid_, SIGTERM);
    } else if (was_ending && now > kill_at_) {
      ::kill(-pid_, SIGKILL);
    }
  }

  const Scope& at_;
  const Command& command_;
  std::string rest_;
  pid_t pid_ = 0;
  Descriptor handle_, input_, output_, errors_;
  Ended ended_;
  bool stopped_ = false;
  Clock::time_point start_ = Clock::now(), told_ = start_, kill_at_{};
};

}  // namespace

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

std::string Ended::text() const {
  if (too_long.count() != 0)
    return too_long < 1s ? fmt::format("did not end within {} ms", too_long.count())
                         : "did not end within " + duration_text(std::chrono::ceil<std::chrono::seconds>(too_long));
  return signal != 0 ? "was killed by " + signal_name(signal) : fmt::format("exited with code {}", code);
}

const std::vector<std::string>& scrubbed_environment() {
  static const std::vector<std::string> all{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                            "LANG=C.UTF-8"};
  return all;
}

Ended run(const Scope& at, const Command& command) {
  at.check();
  return Running{at, command}.wait();
}

int start_detached(const std::vector<std::string>& argv, const std::filesystem::path& folder, const Descriptor& log,
                   const std::string& mark) {
  const Descriptor nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  Spawn spawn;
  spawn.in(folder);
  spawn.give(nothing.number(), 0);
  spawn.give(log.number(), 1);
  spawn.give(log.number(), 2);
  spawn.close_from(3);
  auto environment = scrubbed_environment();
  if (!mark.empty()) environment.push_back(mark);
  return spawn.start(argv, POSIX_SPAWN_SETSID, std::move(environment));
}

}  // namespace harmony::host
