#include "health.hpp"

#include "log.hpp"

namespace guestbook {
namespace {

const char* name_of(Dependency dependency) { return dependency == Dependency::database ? "database" : "broker"; }

}  // namespace

void Health::report_up(Dependency dependency) {
  const std::lock_guard lock(mutex_);
  std::string& reason = reasons_[static_cast<std::size_t>(dependency)];
  if (reason.empty()) return;
  reason.clear();
  log_information("available", {{"dependency", name_of(dependency)}});
}

void Health::report_down(Dependency dependency, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  std::string& known = reasons_[static_cast<std::size_t>(dependency)];
  if (known == reason) return;
  known = reason;
  log_warning("unavailable", {{"dependency", name_of(dependency)}, {"reason", reason}});
}

void Health::report_shutting_down() {
  const std::lock_guard lock(mutex_);
  shutting_down_ = true;
}

std::string Health::trouble_with(Dependency dependency) const {
  const std::lock_guard lock(mutex_);
  return reasons_[static_cast<std::size_t>(dependency)];
}

std::string Health::trouble() const {
  const std::lock_guard lock(mutex_);
  if (shutting_down_) return "shutting down";
  std::string line;
  for (const std::string& reason : reasons_) {
    if (reason.empty()) continue;
    if (!line.empty()) line += "; ";
    line += reason;
  }
  return line;
}

}  // namespace guestbook
