#include "host/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <sstream>

#include <fmt/format.h>

#include "host/descriptor.hpp"
#include "host/process_table.hpp"
#include "host/text.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

/// As connections name it: a socket for both families that is bound to an address of IPv4 is reached there.
std::string address_text(int family, const void* address) {
  constexpr std::string_view mapped = "::ffff:";
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family, address, text, sizeof text);
  const bool ipv4 = family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(static_cast<const in6_addr*>(address));
  return ipv4 ? text + mapped.size() : text;
}

/// The kernel prints addresses as 32-bit words in the machine's byte order.
std::string address_text(std::string_view hex) {
  std::array<std::uint32_t, 4> words{};
  const std::size_t count = hex.size() / 8;
  for (std::size_t i = 0; i < count && i < words.size(); ++i)
    std::from_chars(hex.data() + i * 8, hex.data() + i * 8 + 8, words[i], 16);
  return address_text(count == 1 ? AF_INET : AF_INET6, words.data());
}

}  // namespace

std::vector<ListeningSocket> parse_sockets(std::string_view text) {
  constexpr std::string_view listening = "0A";
  std::vector<ListeningSocket> sockets;
  for (const std::string& line : lines_of(text)) {
    std::istringstream fields{line};
    std::string number, local, remote, state, queues, timer, retransmits, timeout;
    ListeningSocket socket;
    if (!(fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >> socket.owner >> timeout >>
          socket.inode))
      continue;
    const auto colon = local.find(':');
    if (state != listening || colon == std::string::npos) continue;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), socket.port, 16);
    socket.address = address_text(std::string_view(local).substr(0, colon));
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

namespace {

ListeningSocket described(nlmsghdr* message) {
  auto* diagnosed = static_cast<inet_diag_msg*>(NLMSG_DATA(message));
  ListeningSocket socket{
      .port = ntohs(diagnosed->id.idiag_sport), .inode = diagnosed->idiag_inode, .owner = diagnosed->idiag_uid};
  socket.address = address_text(diagnosed->idiag_family, diagnosed->id.idiag_src);
  auto rest = static_cast<int>(message->nlmsg_len - NLMSG_LENGTH(sizeof *diagnosed));
  for (auto* attribute = reinterpret_cast<rtattr*>(diagnosed + 1); RTA_OK(attribute, rest);
       attribute = RTA_NEXT(attribute, rest))
    if (attribute->rta_type == INET_DIAG_SKV6ONLY)
      socket.only_ipv6 = *static_cast<const std::uint8_t*>(RTA_DATA(attribute)) != 0;
  return socket;
}

enum class Answer { more, whole, refused };

Answer read_answer(const Descriptor& netlink, std::vector<ListeningSocket>& all) {
  alignas(nlmsghdr) std::array<char, 1 << 15> buffer;
  const auto got = ::recv(netlink.number(), buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EINTR) return Answer::more;
  if (got <= 0) return Answer::refused;
  auto rest = static_cast<unsigned>(got);
  for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, rest);
       message = NLMSG_NEXT(message, rest)) {
    if (message->nlmsg_type == NLMSG_DONE) return Answer::whole;
    if (message->nlmsg_type == NLMSG_ERROR || (message->nlmsg_flags & NLM_F_DUMP_INTR)) return Answer::refused;
    if (message->nlmsg_type == SOCK_DIAG_BY_FAMILY) all.push_back(described(message));
  }
  return Answer::more;
}

/// Nothing where the kernel does not say.
std::optional<std::vector<ListeningSocket>> diagnosed(std::uint8_t family) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 request;
  } question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.request.sdiag_family = family;
  question.request.sdiag_protocol = IPPROTO_TCP;
  question.request.idiag_states = 1u << TCP_LISTEN;
  const Descriptor netlink{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
  if (!netlink || ::send(netlink.number(), &question, sizeof question, 0) != sizeof question) return std::nullopt;
  std::vector<ListeningSocket> all;
  for (;;) {
    const Answer answer = read_answer(netlink, all);
    if (answer == Answer::whole) return all;
    if (answer == Answer::refused) return std::nullopt;
  }
}

}  // namespace

std::vector<ListeningSocket> listening_sockets() {
  std::vector<ListeningSocket> all;
  for (const auto& [family, table] : {std::pair{AF_INET, "/proc/net/tcp"}, std::pair{AF_INET6, "/proc/net/tcp6"}}) {
    auto some = diagnosed(static_cast<std::uint8_t>(family));
    std::ranges::move(some ? *some : parse_sockets(whole_file(table)), std::back_inserter(all));
  }
  return all;
}

std::vector<ListeningSocket> reached_at(const Endpoint& endpoint, const std::vector<ListeningSocket>& all) {
  const bool any = endpoint.address == "0.0.0.0" || endpoint.address == "::";
  std::vector<ListeningSocket> exact, rest;
  for (const ListeningSocket& socket : all) {
    if (socket.port != endpoint.port) continue;
    if (socket.address == endpoint.address) exact.push_back(socket);
    else if (socket.anywhere() || any) rest.push_back(socket);
  }
  return exact.empty() ? rest : exact;
}

bool holds(int pid, std::uint64_t inode) {
  const std::string wanted = fmt::format("socket:[{}]", inode);
  std::error_code ignored;
  for (fs::directory_iterator at{fmt::format("/proc/{}/fd", pid), ignored}, end; !ignored && at != end;
       at.increment(ignored)) {
    std::error_code gone;
    if (fs::read_symlink(at->path(), gone) == wanted) return true;
  }
  return false;
}

int holder_of(std::uint64_t inode) {
  for (const int pid : all_processes())
    if (holds(pid, inode)) return pid;
  return 0;
}

}  // namespace harmony::host
