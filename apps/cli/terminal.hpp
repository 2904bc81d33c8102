#pragma once
/// What a stream can show: colour, animation, size. Decided per stream, from options and environment.
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace harmony::cli {

enum class Automatic { automatic, always, never };
enum class ProgressMode { automatic, tty, plain, quiet };

/// Looks up an environment variable; nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const char*)>;
Environment process_environment();

/// --color > HARMONY_COLOR > NO_COLOR > CLICOLOR_FORCE, FORCE_COLOR > CLICOLOR=0 > TERM > whether it is a terminal.
bool use_color(Automatic option, const Environment&, bool is_terminal);
/// A known continuous integration: nobody is there to be asked, nothing moves.
bool in_ci(const Environment&);
/// Whether lines may be redrawn: a terminal that can, and no CI.
bool can_animate(const Environment&, bool is_terminal);

struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};
/// Of the terminal behind this descriptor; COLUMNS and LINES where there is none.
TerminalSize terminal_size(int descriptor, const Environment&);

/// Colours a text where the stream shows colour. Only the eight basic ones.
class Style {
 public:
  explicit Style(bool color) : color_(color) {}
  bool color() const { return color_; }
  std::string bold(std::string_view text) const { return wrapped("1", text); }
  std::string dim(std::string_view text) const { return wrapped("2", text); }
  std::string red(std::string_view text) const { return wrapped("31", text); }
  std::string green(std::string_view text) const { return wrapped("32", text); }
  std::string yellow(std::string_view text) const { return wrapped("33", text); }
  std::string blue(std::string_view text) const { return wrapped("34", text); }
  std::string magenta(std::string_view text) const { return wrapped("35", text); }
  std::string cyan(std::string_view text) const { return wrapped("36", text); }
  std::string bold_red(std::string_view text) const { return wrapped("1;31", text); }

 private:
  std::string wrapped(std::string_view code, std::string_view text) const;
  bool color_;
};

}  // namespace harmony::cli
