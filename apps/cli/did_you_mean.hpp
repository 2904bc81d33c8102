#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::cli {

/// Edits (insert, delete, replace, swap two neighbours) that lead from one word to the other, letter case ignored.
std::size_t distance(std::string_view, std::string_view);
/// The nearest candidate, if it is near enough to be what was meant.
std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates);
/// "did you mean `deploy`?", or else "choose one of: a, b, c".
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace harmony::cli
