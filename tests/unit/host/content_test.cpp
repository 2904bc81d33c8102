#include "host/content.hpp"

#include <memory>

#include "catch.hpp"

using harmony::host::Rendered;

namespace {
Rendered pieces(std::vector<std::optional<std::string>> all) {
  Rendered made{.pieces = std::move(all), .shown = {}};
  for (const auto& piece : made.pieces)
    if (!piece) made.because = "it is generated";
  return made;
}
}  // namespace

TEST_CASE("a known content is its pieces") {
  CHECK(pieces({"a", "b"}).text() == "ab");
  CHECK(pieces({"a", "b"}).could_be("ab"));
  CHECK_FALSE(pieces({"a", "b"}).could_be("abc"));
}

TEST_CASE("a pending content could be whatever has its known pieces in order") {
  const auto url = pieces({"postgresql://u:", std::nullopt, "@host/db"});
  CHECK(url.could_be("postgresql://u:secret@host/db"));
  CHECK(url.could_be("postgresql://u:@host/db"));
  CHECK_FALSE(url.could_be("postgresql://v:secret@host/db"));
  CHECK_FALSE(url.could_be("postgresql://u:secret@host/other"));
  const auto two = pieces({"a=", std::nullopt, "\nb=", std::nullopt, "\n"});
  CHECK(two.could_be("a=1\nb=2\n"));
  CHECK_FALSE(two.could_be("a=1\nc=2\n"));
  CHECK_FALSE(pieces({"ab", std::nullopt, "ba"}).could_be("aba"));  // the pieces may not share characters
}

TEST_CASE("a pending text is never written") {
  CHECK_THROWS_AS(pieces({"a", std::nullopt}).text(), harmony::InternalError);
}
