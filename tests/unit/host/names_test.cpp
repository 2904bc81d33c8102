#include "host/names.hpp"

#include <functional>

#include "catch.hpp"
#include "harmony/error.hpp"

using namespace harmony::host;

namespace {
std::string refused(const std::function<void()>& body) {
  try {
    body();
  } catch (const harmony::Error& error) {
    return error.data().code;
  }
  return "";
}
}  // namespace

TEST_CASE("plain names pass") {
  for (const char* name : {"guestbook", "guestbook-db", "guestbook.3f9a41c2", "guestbook@3f9a41c2", "a b", "größe"})
    CHECK(refused([&] { require_name("process", name); }).empty());
}

TEST_CASE("names that would leave their folder, hide, or break a terminal do not") {
  const std::string zero("a\0b", 3), many(129, 'x');
  for (const std::string& name : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                                  std::string("/a"), std::string(".hidden"), std::string("-r"), std::string("a\nb"),
                                  std::string("a\x1b[31m"), std::string("\xff"), zero, many}) {
    CAPTURE(name);
    CHECK(refused([&] { require_name("process", name); }) == "H0105");
  }
}

TEST_CASE("paths stay below the state folder") {
  for (const char* path : {"services/db", "services/db/data", "services/db/.hidden"})
    CHECK(refused([&] { require_path("file", path); }).empty());
  for (const char* path : {"", "/etc/passwd", "../x", "services/../../x", "services/./x", "services/db/", "a//../b"}) {
    CAPTURE(path);
    CHECK(refused([&] { require_path("file", path); }) == "H0105");
  }
}

TEST_CASE("environment variables are those that a shell can export") {
  for (const char* name : {"PATH", "_x", "A1"}) CHECK(refused([&] { require_variable("guestbook", name); }).empty());
  for (const char* name : {"", "1A", "A-B", "A=B", "A B", "A;rm", "É", "HARMONY_SERVICE"})
    CHECK(refused([&] { require_variable("guestbook", name); }) == "H0105");
}

TEST_CASE("some names are taken") {
  CHECK(refused([] { require_process_name("supervisor"); }) == "H0105");
  CHECK(refused([] { require_secret_name("fingerprint"); }) == "H0105");
}
