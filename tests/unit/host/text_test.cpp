// Texts that several parts of the host write.
#include "host/text.hpp"
#include "catch.hpp"

using namespace harmony::host;

TEST_CASE("a part of a URL holds nothing that a URL would read") {
  CHECK(url_part("guestbook-db.a_b~1") == "guestbook-db.a_b~1");
  CHECK(url_part("a b/c@d:e?f#g%h\n") == "a%20b%2Fc%40d%3Ae%3Ff%23g%25h%0A");
  CHECK(url_part("ü") == "%C3%BC");
  CHECK(url_part("") == "");
}
