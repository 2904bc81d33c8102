#include "host/sockets.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "catch.hpp"
#include "host/descriptor.hpp"
#include "host/process_table.hpp"
#include "support/processes.hpp"

using namespace harmony::host;

namespace {

constexpr std::string_view table =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 31337 1 "
    "0000000000000000 100 0 0 10 0\n"
    "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 "
    "0000000000000000 100 0 0 10 0\n"
    "   2: 0100007F:1538 0100007F:A000 01 00000000:00000000 00:00000000 00000000   101        0 5555 1 "
    "0000000000000000 100 0 0 10 0\n";
constexpr std::string_view table6 =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr "
    "tm->when retrnsmt   uid  timeout inode\n"
    "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000     0        0 99 1 0 100 0 0 10 0\n";

struct Listening {
  Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  Endpoint at;
  Listening() {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    ::bind(socket.number(), reinterpret_cast<sockaddr*>(&address), size);
    ::listen(socket.number(), 1);
    ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size);
    at.port = ntohs(address.sin_port);
  }
};

}  // namespace

TEST_CASE("only sockets that listen count") {
  const auto all = parse_sockets(table);
  REQUIRE(all.size() == 2);
  CHECK(all[0].address == "127.0.0.1");
  CHECK(all[0].port == 5432);
  CHECK(all[0].inode == 31337);
  CHECK(all[0].owner == 101);
  CHECK(all[1].anywhere());
}

TEST_CASE("long addresses are read as well") {
  const auto all = parse_sockets(table6);
  REQUIRE(all.size() == 1);
  CHECK(all[0].address == "::1");
  CHECK(all[0].port == 8080);
}

TEST_CASE("a connection reaches the very address before one bound to all") {
  const std::vector<ListeningSocket> both{{"0.0.0.0", 80, 1},   {"127.0.0.1", 80, 2},   {"127.0.0.1", 81, 3},
                                          {"192.0.2.1", 80, 4}, {"::", 82, 5, 0, true}, {"::", 83, 6}};
  const auto here = reached_at({.port = 80}, both);
  REQUIRE(here.size() == 1);
  CHECK(here[0].inode == 2);
  const auto elsewhere = reached_at({.address = "192.0.2.2", .port = 80}, both);
  REQUIRE(elsewhere.size() == 1);
  CHECK(elsewhere[0].inode == 1);
  CHECK(reached_at({.port = 82}, both).empty());  // it takes IPv6 alone
  CHECK(reached_at({.port = 83}, both).size() == 1);
  CHECK(reached_at({.port = 84}, both).empty());
}

TEST_CASE("both ways of asking the kernel say the same") {
  const Listening listening;
  const auto asked = reached_at(listening.at, listening_sockets());
  std::ifstream table{"/proc/net/tcp"};
  const auto read = reached_at(listening.at, parse_sockets(std::string{std::istreambuf_iterator<char>(table), {}}));
  REQUIRE(asked.size() == 1);
  REQUIRE(read.size() == 1);
  CHECK(asked[0].inode == read[0].inode);
  CHECK(asked[0].address == read[0].address);
  CHECK(asked[0].owner == read[0].owner);
}

TEST_CASE("a socket for both families is reached at the address of IPv4 it is bound to") {
  const Descriptor socket{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int both = 0;
  REQUIRE(::setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both) == 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  REQUIRE(::inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.sin6_addr) == 1);
  socklen_t size = sizeof address;
  REQUIRE(::bind(socket.number(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(socket.number(), 1) == 0);
  REQUIRE(::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const Endpoint at{.port = ntohs(address.sin6_port)};
  std::ifstream table{"/proc/net/tcp6"};
  for (const auto& all : {listening_sockets(), parse_sockets(std::string{std::istreambuf_iterator<char>(table), {}})}) {
    const auto found = reached_at(at, all);
    REQUIRE(found.size() == 1);
    CHECK(found[0].address == "127.0.0.1");
    CHECK(holds(::getpid(), found[0].inode));
  }
}

TEST_CASE("a socket is found at the process that holds it, also at its child") {
  Listening listening;
  const auto found = reached_at(listening.at, listening_sockets());
  REQUIRE(found.size() == 1);
  CHECK(holds(::getpid(), found[0].inode));
  CHECK(holder_of(found[0].inode) == ::getpid());
  CHECK_FALSE(command_of(::getpid()).empty());
  harmony::testing::Child child{[&](int pipe) {
    (void)!::write(pipe, "!", 1);
    ::pause();
    return 0;
  }};
  REQUIRE(child.next());
  CHECK(with_descendants({::getpid()}).contains(child.pid()));
  listening.socket.close();  // now the child alone has it
  CHECK_FALSE(holds(::getpid(), found[0].inode));
  CHECK(holder_of(found[0].inode) == child.pid());
}
