#pragma once
/// Parts of a test that need a process of their own: another user, another mount, an end by SIGKILL.
#include <grp.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "harmony/error.hpp"

namespace harmony::testing {

constexpr uid_t nobody = 65534;

struct Ended {
  std::string said;  ///< what it wrote to its pipe
  int status = 0;    ///< as waitpid has it
};

/// A forked child with a pipe to its parent. Ended and waited for by its destructor.
class Child {
 public:
  /// @param body gets the writing end of the pipe; its result is the exit code.
  explicit Child(const std::function<int(int pipe)>& body) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("no fork");
    if (pid_ == 0) {
      ::close(ends[0]);
      int code = 99;
      try {
        code = body(ends[1]);
      } catch (const std::exception& error) {
        const std::string text = std::string("exception: ") + error.what();
        (void)!::write(ends[1], text.data(), text.size());
      }
      ::_exit(code);
    }
    ::close(ends[1]);
    pipe_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(pipe_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  /// Blocks for the next byte; nothing at the end.
  std::optional<char> next() const {
    char byte = 0;
    for (;;) {
      const auto got = ::read(pipe_, &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      return got == 1 ? std::optional{byte} : std::nullopt;
    }
  }
  void kill(int signal) const { ::kill(pid_, signal); }
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  Ended end() {
    Ended ended;
    while (const auto byte = next()) ended.said += *byte;
    ended.status = wait();
    return ended;
  }

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
};

inline void become(uid_t user) {
  if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0))
    throw std::runtime_error("cannot become another user");
}

/// What `body` returns in a process of its own; the code and message of an Error that it throws.
inline std::string apart(const std::function<std::string()>& body) {
  Child child{[&](int pipe) {
    std::string text;
    try {
      text = body();
    } catch (const Error& error) {
      text = error.data().code + ": " + error.data().message;
    }
    (void)!::write(pipe, text.data(), text.size());
    return 0;
  }};
  return child.end().said;
}
inline std::string as_nobody(const std::function<std::string()>& body) {
  return apart([&] {
    become(nobody);
    return body();
  });
}

}  // namespace harmony::testing
