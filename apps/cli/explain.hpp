#pragma once
/// The pages of docs/errors, carried inside the program.
#include <string>
#include <string_view>
#include <vector>

#include "terminal.hpp"

namespace harmony::cli {

struct ErrorPage {
  std::string_view code;   ///< "H0123"
  std::string_view title;  ///< the first line, without the code
  std::string_view text;   ///< the whole page, Markdown
};

/// Sorted by code; generated from docs/errors/*.md at build time.
const std::vector<ErrorPage>& error_pages();
const ErrorPage* find_page(std::string_view code);
/// One line for each code.
std::string list_pages(Style);
/// @throws Error H0510 (unknown code)
const ErrorPage& page_of(std::string_view code);
/// Markdown made readable on a terminal: headings and code set apart.
std::string page_text(const ErrorPage&, Style);

}  // namespace harmony::cli
