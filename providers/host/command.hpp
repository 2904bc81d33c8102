#pragma once
/// Commands that are waited for: no shell, a scrubbed environment, a process group of their own.
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harmony/scope.hpp"
#include "host/descriptor.hpp"
#include "host/folder.hpp"

namespace harmony::host {

struct Command {
  std::vector<std::string> argv;             ///< the first is an absolute path
  std::string name = {};                     ///< its program as people know it, where argv begins with another
  std::string input = {};                    ///< its standard input
  std::filesystem::path folder = "/";        ///< where it runs
  std::optional<Account> reader = {};        ///< who must be able to open /dev/stdin again, if somebody else than we
  std::chrono::milliseconds limit{300'000};  ///< after it, the command and all in its group are ended
  std::vector<std::string> environment = {}; ///< "NAME=value"; empty: the scrubbed one
  bool errors_apart = false;                 ///< its standard error goes to Ended::errors
  int lock = -1;                             ///< inherited: while it lives, nobody else writes to the deployment
};

struct Ended {
  int code = 0;                              ///< where it ended by itself
  int signal = 0;                            ///< where a signal ended it
  std::string output;                        ///< both of its outputs; only the last 256 KiB
  std::string errors = {};                   ///< of these its standard error, where that was asked for apart
  std::chrono::milliseconds too_long{0};     ///< its limit, where it was ended for that
  bool ok() const { return code == 0 && signal == 0 && too_long.count() == 0; }
  /// "exited with code 1", "was killed by SIGSEGV", "did not end within 5 min 0 s"
  std::string text() const;
};

/// @throws Stopped, when the command and all it started in its group have ended; Error H0112 where it cannot start, or
/// where the system does not say how it ended.
Ended run(const Scope&, const Command&);

/// "SIGKILL"; "signal 77" for one without a name.
std::string signal_name(int signal);

/// What commands and services get, and nothing else of what we have. "NAME=value"
const std::vector<std::string>& scrubbed_environment();

/// Starts a program that outlives us: a session of its own, no descriptor of ours (so no lock either), output to `log`,
/// the scrubbed environment and `mark` ("NAME=value"; empty: nothing) in it. @returns its pid. @throws Error H0112
int start_detached(const std::vector<std::string>& argv, const std::filesystem::path& folder, const Descriptor& log,
                   const std::string& mark);

}  // namespace harmony::host
