#include "listen_address.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "harmony/error.hpp"

namespace harmony::cli {
namespace {

using boost::asio::ip::tcp;

std::optional<unsigned short> port_of(std::string_view text) {
  unsigned short port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::optional<boost::asio::ip::address> address_of(std::string_view text) {
  if (text.empty() || text == "localhost") return boost::asio::ip::address_v4::loopback();
  const bool brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (brackets) text = text.substr(1, text.size() - 2);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(text), error);
  if (error || address.is_v6() != brackets) return std::nullopt;  // without brackets an IPv6 address swallows its port
  return address;
}

}  // namespace

tcp::endpoint listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto address = address_of(colon == std::string_view::npos ? std::string_view{} : text.substr(0, colon));
  const auto port = port_of(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!address || !port)
    throw Error({.code = "H0702",
                 .category = Category::usage,
                 .message = fmt::format("`{}` is no address to serve metrics on", text),
                 .help = "give ADDRESS:PORT, like `127.0.0.1:9464` or `[::1]:9464`; `:9464` is this machine only"});
  return {*address, *port};
}

std::string text_of(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return fmt::format(fmt::runtime(endpoint.address().is_v6() ? "[{}]:{}" : "{}:{}"), address, endpoint.port());
}

}  // namespace harmony::cli
