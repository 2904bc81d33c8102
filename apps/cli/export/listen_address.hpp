#pragma once
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>

namespace harmony::cli {

/// "127.0.0.1:9464", "[::1]:9464", "localhost:9464"; ":9464" and "9464" mean this machine only.
/// @throws Error H0702 where it is none of these.
boost::asio::ip::tcp::endpoint listen_address(std::string_view text);

/// As in a URL: "127.0.0.1:9464", "[::1]:9464".
std::string text_of(const boost::asio::ip::tcp::endpoint&);

}  // namespace harmony::cli
