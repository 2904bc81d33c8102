#include "did_you_mean.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace harmony::cli {
namespace {
char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
}  // namespace

std::size_t distance(std::string_view from, std::string_view to) {
  // Three rows of the table of optimal string alignment: a swap looks two rows back.
  std::vector<std::size_t> before, last(to.size() + 1), now(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const bool same = lower(from[i - 1]) == lower(to[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped =
          i > 1 && j > 1 && lower(from[i - 1]) == lower(to[j - 2]) && lower(from[i - 2]) == lower(to[j - 1]);
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before = std::exchange(last, now);
  }
  return last.back();
}

std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto nearest =
      std::ranges::min_element(candidates, {}, [&](const std::string& candidate) { return distance(word, candidate); });
  if (nearest == candidates.end()) return std::nullopt;
  const std::size_t allowed = std::max<std::size_t>(1, std::max(word.size(), nearest->size()) / 3);
  if (distance(word, *nearest) <= allowed) return *nearest;
  constexpr std::size_t telling = 3;  // letters that a prefix must have to say anything
  const auto longer = std::ranges::find_if(
      candidates, [&](const std::string& c) { return word.size() >= telling && c.starts_with(word); });
  return longer == candidates.end() ? std::nullopt : std::optional(*longer);
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  if (const auto near = did_you_mean(word, candidates)) return fmt::format("did you mean `{}`?", *near);
  if (candidates.empty()) return {};
  return fmt::format("choose one of: {}", fmt::join(candidates, ", "));
}

}  // namespace harmony::cli
