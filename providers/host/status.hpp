#pragma once
/// What s6-supervise writes about a service, read without a fork: `supervise/status` and `supervise/death_tally`.
#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace harmony::host {

using Time = std::chrono::system_clock::time_point;

/// supervise/status, of s6 2.11 (35 bytes) and of 2.12 and later (43, with a process group).
struct ServiceStatus {
  int pid = 0;            ///< 0: not running at this moment
  Time since{};           ///< of the last start or end
  bool wants_up = false;  ///< it is restarted when it dies
  bool finishing = false; ///< between its end and its next start
};
/// Nothing where it is no such file.
std::optional<ServiceStatus> parse_status(std::string_view content);

/// One end of a service that was not asked about why.
struct Death {
  Time at{};
  int exit_code = 0;
  int signal = 0;  ///< 0: it ended by itself
};
/// The last ones, oldest first; a torn last record is ignored.
std::vector<Death> parse_deaths(std::string_view content);

/// 12 bytes of TAI64N. TAI has been 37 s ahead of UTC since 2017, and no further leap second is announced.
Time parse_tai64n(std::string_view content);

/// The process that holds a POSIX lock on an open file, as s6-svscan and s6-supervise do while they live; 0 where none
/// does. Asks only: nothing is opened for writing.
int lock_holder(int file);

}  // namespace harmony::host
