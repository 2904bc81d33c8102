#include "explain.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "did_you_mean.hpp"
#include "harmony/error.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

std::string canonical(std::string_view code) {
  std::string upper{code};
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (!upper.empty() && std::ranges::all_of(upper, [](unsigned char c) { return std::isdigit(c) != 0; }))
    upper.insert(0, "H");
  return upper;
}

/// `code` between backticks is set apart; the backticks stay, so that a page without colour reads the same.
std::string inline_marks(std::string_view line, const Style& style) {
  std::string text;
  while (true) {
    const auto open = line.find('`');
    const auto close = open == std::string_view::npos ? open : line.find('`', open + 1);
    if (close == std::string_view::npos) return text + std::string(line);
    text += line.substr(0, open);
    text += style.cyan(line.substr(open, close - open + 1));
    line.remove_prefix(close + 1);
  }
}

}  // namespace

const ErrorPage* find_page(std::string_view code) {
  const auto& pages = error_pages();
  const auto found = std::ranges::find(pages, canonical(code), &ErrorPage::code);
  return found == pages.end() ? nullptr : &*found;
}

const ErrorPage& page_of(std::string_view code) {
  if (const ErrorPage* page = find_page(code)) return *page;
  std::vector<std::string> codes;
  for (const ErrorPage& page : error_pages()) codes.emplace_back(page.code);
  const auto near = did_you_mean(canonical(code), codes);
  throw Error({.code = "H0510",
               .category = Category::usage,
               .message = fmt::format("there is no error code `{}`", printable_line(code)),
               .help = near ? fmt::format("did you mean `{}`? `explain` lists all codes", *near)
                            : "`explain` lists all codes"});
}

std::string list_pages(Style style) {
  std::string text;
  for (const ErrorPage& page : error_pages()) text += fmt::format("{}  {}\n", style.bold(page.code), page.title);
  return text;
}

std::string page_text(const ErrorPage& page, Style style) {
  std::string text;
  bool in_code = false;
  for (const std::string_view line : lines_of_text(page.text)) {
    if (line.starts_with("```")) {
      in_code = !in_code;
      continue;
    }
    const auto heading = line.find_first_not_of('#');
    if (in_code) text += "    " + std::string(line);
    else if (heading != 0 && heading != std::string_view::npos && line[heading] == ' ')
      text += style.bold(line.substr(heading + 1));
    else text += inline_marks(line, style);
    text += '\n';
  }
  return text;
}

}  // namespace harmony::cli
