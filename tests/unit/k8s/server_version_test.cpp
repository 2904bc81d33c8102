#include "k8s/server_version.hpp"

#include "catch.hpp"

using namespace harmony::k8s;

TEST_CASE("a server's release is read from what it says, however its vendor writes it") {
  CHECK(server_version(R"({"major":"1","minor":"34","gitVersion":"v1.34.4"})") == ServerVersion{1, 34});
  CHECK(server_version(R"({"major":"1","minor":"29+"})") == ServerVersion{1, 29});
  CHECK(ServerVersion{1, 29} < ServerVersion{1, 30});
  CHECK(ServerVersion{1, 34} < ServerVersion{2, 0});
}

TEST_CASE("what says no release is of none") {
  for (const char* odd : {"", "{", "[]", "{}", R"({"major":1,"minor":34})", R"({"major":"one","minor":"x"})"})
    CHECK(server_version(odd) == ServerVersion{});
}
