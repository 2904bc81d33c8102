#include "terminal.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace harmony::cli {
namespace {

bool given(const Environment& environment, const char* name) { return !environment(name).value_or("").empty(); }

std::optional<std::size_t> number(const Environment& environment, const char* name) {
  const std::string text = environment(name).value_or("");
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

bool use_color(Automatic option, const Environment& environment, bool is_terminal) {
  if (option != Automatic::automatic) return option == Automatic::always;
  const std::string ours = environment("HARMONY_COLOR").value_or("");
  if (ours == "always" || ours == "never") return ours == "always";
  if (given(environment, "NO_COLOR")) return false;
  const auto forced = [&](const char* name) { return given(environment, name) && environment(name) != "0"; };
  if (forced("CLICOLOR_FORCE") || forced("FORCE_COLOR")) return true;
  if (environment("CLICOLOR") == "0") return false;
  const std::string terminal = environment("TERM").value_or("");
  if (terminal.empty() || terminal == "dumb") return false;
  return is_terminal;
}

bool in_ci(const Environment& environment) {
  const std::string ci = environment("CI").value_or("");
  if (!ci.empty() && ci != "false" && ci != "0") return true;
  constexpr const char* known[] = {"GITHUB_ACTIONS", "GITLAB_CI",        "BUILDKITE", "JENKINS_URL",
                                   "TF_BUILD",       "TEAMCITY_VERSION", "CIRCLECI"};
  return std::ranges::any_of(known, [&](const char* name) { return given(environment, name); });
}

bool can_animate(const Environment& environment, bool is_terminal) {
  const std::string terminal = environment("TERM").value_or("");
  return is_terminal && !terminal.empty() && terminal != "dumb" && !in_ci(environment);
}

TerminalSize terminal_size(int descriptor, const Environment& environment) {
  TerminalSize size;
  winsize found{};
  if (ioctl(descriptor, TIOCGWINSZ, &found) == 0 && found.ws_col > 0) {
    size.columns = found.ws_col;
    if (found.ws_row > 0) size.rows = found.ws_row;
    return size;
  }
  size.columns = number(environment, "COLUMNS").value_or(size.columns);
  size.rows = number(environment, "LINES").value_or(size.rows);
  return size;
}

std::string Style::wrapped(std::string_view code, std::string_view text) const {
  if (!color_ || text.empty()) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace harmony::cli
