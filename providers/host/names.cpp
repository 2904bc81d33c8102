#include "host/names.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/printable.hpp"

namespace harmony::host {

namespace {

constexpr std::size_t longest = 128;  // a file system takes 255; the supervisor and our own suffixes need some of it

[[noreturn]] void refuse(const std::string& what, const std::string& name, const std::string& why, std::string help) {
  throw Error({.code = "H0105",
               .category = Category::usage,
               .message = fmt::format("`{}` cannot be the name of {} {}: {}", printable(name),
                                      what.starts_with('e') ? "an" : "a", what, why),
               .subject = what + "/" + printable(name),
               .help = std::move(help)});
}

std::string wrong_with(const std::string& name) {
  if (name.empty()) return "it is empty";
  if (name.size() > longest) return fmt::format("it is {} characters long", name.size());
  if (name.find('/') != std::string::npos) return "it has a `/`";
  if (name == "." || name == "..") return "it leads to another folder";
  if (printable(name) != name) return "it has control characters";
  return {};
}

const char* const help =
    "letters, digits, `-`, `_` and `.` always do: at most 128 of them, beginning with a letter or a digit";

}  // namespace

void require_name(const std::string& what, const std::string& name) {
  if (const auto why = wrong_with(name); !why.empty()) refuse(what, name, why, help);
  if (name.front() == '.' || name.front() == '-' || name.front() == ' ')
    refuse(what, name, fmt::format("it begins with `{}`", name.front()), help);
}

void require_path(const std::string& what, const std::filesystem::path& path) {
  if (path.empty() || path.is_absolute())
    refuse(what, path, "it is not a path below the state folder", "name it relative to the state folder");
  for (const auto& part : path)
    if (const auto why = wrong_with(part); !why.empty())
      refuse(what, path, why, "name it relative to the state folder, without `.` and `..`");
}

void require_variable(const std::string& process, const std::string& name) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  const auto letter_or_digit = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  if (name == "HARMONY_SERVICE")
    refuse("environment variable", name, fmt::format("process `{}` is found again by it", process),
           "choose another name");
  if (!name.empty() && letter(name.front()) && std::ranges::all_of(name, letter_or_digit)) return;
  refuse("environment variable", name, fmt::format("process `{}` could not be given it", process),
         "use letters, digits and `_`, beginning with a letter");
}

void require_secret_name(const std::string& name) {
  require_name("secret", name);
  if (name == "fingerprint") refuse("secret", name, "the deployment's own key has it", "choose another name");
}

void require_process_name(const std::string& name) {
  require_name("process", name);
  if (name == "supervisor") refuse("process", name, "the supervisor's own log has it", "choose another name");
}

}  // namespace harmony::host
