#pragma once
/// Who listens where: sockets by inode, processes by the descriptors they hold.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/host.hpp"

namespace harmony::host {

struct ListeningSocket {
  std::string address;  ///< "127.0.0.1", "::1"
  int port = 0;
  std::uint64_t inode = 0;
  uid_t owner = 0;
  bool only_ipv6 = false;  ///< one bound to :: that takes no IPv4 connections
  bool anywhere() const { return address == "0.0.0.0" || (address == "::" && !only_ipv6); }
};

/// The listening ones in the text of /proc/net/tcp or, with long addresses, /proc/net/tcp6.
std::vector<ListeningSocket> parse_sockets(std::string_view text);
/// Asks the kernel by netlink, since it walks all connections for /proc/net/tcp: 8 ms against 50 µs on a large machine.
/// Where it has no such interface, /proc/net/tcp it is.
std::vector<ListeningSocket> listening_sockets();
/// Those that a connection to `endpoint` may reach: bound to that very address, else to all.
std::vector<ListeningSocket> reached_at(const Endpoint&, const std::vector<ListeningSocket>&);

/// True where this process holds the socket. False, too, where its descriptors cannot be read.
bool holds(int pid, std::uint64_t inode);
/// Any process that can be read and holds it; 0 where none can be found.
int holder_of(std::uint64_t inode);

}  // namespace harmony::host
