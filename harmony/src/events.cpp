#include <algorithm>

#include <fmt/format.h>

#include "run.hpp"

namespace harmony {

void Events::subscribe(Observer& observer) {
  std::lock_guard hold{mutex_};
  if (std::ranges::find(observers_, &observer) == observers_.end()) observers_.push_back(&observer);
}

void Events::emit(const Event& event) {
  std::lock_guard hold{mutex_};
  std::vector<const Observer*> shown;  // one that is stacked on a Score and on a child of it sees an event once
  for (const Node* node = event.node; node; node = node->parent()) {
    const auto attached = node->observers();
    if (!attached) continue;
    for (const auto& observer : *attached) {
      const auto is_it = [&](const Observer* other) { return other == observer.get(); };
      if (std::ranges::any_of(observers_, is_it) || std::ranges::any_of(shown, is_it)) continue;
      shown.push_back(observer.get());
      observer->on(event);
    }
  }
  for (Observer* observer : observers_) observer->on(event);
}

void Redactor::add(const std::string& value, std::string fingerprint) {
  constexpr std::size_t shortest = 6;  // anything shorter would tear harmless words apart
  if (value.size() < shortest) return;
  std::lock_guard hold{mutex_};
  fingerprints_.insert_or_assign(value, std::move(fingerprint));
}

std::string Redactor::apply(std::string_view text) const {
  std::string clean{text};
  std::lock_guard hold{mutex_};
  for (const auto& [value, fingerprint] : fingerprints_) {
    const std::string shown = fmt::format("(secret {})", fingerprint);
    // On from behind what was put there: a password may well be "secret".
    for (auto at = clean.find(value); at != std::string::npos; at = clean.find(value, at + shown.size()))
      clean.replace(at, value.size(), shown);
  }
  return clean;
}

}  // namespace harmony
