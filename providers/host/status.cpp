#include "host/status.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>

namespace harmony::host {

namespace {

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

constexpr std::size_t stamp_size = 12, old_size = 35, new_size = 43, death_size = 14;
constexpr std::uint64_t tai_epoch = std::uint64_t{1} << 62;
constexpr std::int64_t tai_minus_utc = 37;

}  // namespace

Time parse_tai64n(std::string_view content) {
  const auto seconds = static_cast<std::int64_t>(big_endian(content.substr(0, 8)) - tai_epoch) - tai_minus_utc;
  const auto nanoseconds = static_cast<std::int64_t>(big_endian(content.substr(8, 4)));
  return Time{std::chrono::duration_cast<Time::duration>(std::chrono::seconds{seconds} +
                                                         std::chrono::nanoseconds{nanoseconds})};
}

std::optional<ServiceStatus> parse_status(std::string_view content) {
  if (content.size() != old_size && content.size() != new_size) return std::nullopt;
  const auto flags = static_cast<unsigned char>(content.back());
  constexpr unsigned char finishing = 2, wants_up = 4;
  ServiceStatus status{.pid = static_cast<int>(big_endian(content.substr(2 * stamp_size, 8))),
                       .since = parse_tai64n(content.substr(0, stamp_size)),
                       .wants_up = (flags & wants_up) != 0,
                       .finishing = (flags & finishing) != 0};
  if (status.finishing) status.pid = 0;  // then it is the pid of the finish script
  return status;
}

std::vector<Death> parse_deaths(std::string_view content) {
  std::vector<Death> deaths;
  for (; content.size() >= death_size; content.remove_prefix(death_size)) {
    const int signal = static_cast<unsigned char>(content[stamp_size + 1]);
    deaths.push_back({parse_tai64n(content.substr(0, stamp_size)),
                      signal != 0 ? 0 : static_cast<unsigned char>(content[stamp_size]), signal});
  }
  return deaths;
}

int lock_holder(int file) {
  struct flock asked{};
  asked.l_type = F_WRLCK;
  asked.l_whence = SEEK_SET;
  if (::fcntl(file, F_GETLK, &asked) != 0 || asked.l_type == F_UNLCK) return 0;
  return asked.l_pid > 0 ? asked.l_pid : 1;  // held from another pid namespace: its pid has no meaning here
}

}  // namespace harmony::host
