/// Servers that go wrong, for failures_test.py: what they do is their name, as copies of one program.
///   never-ready   listens, and answers 503 for ever
///   impostor      becomes the program named in the last line of its own file (an old version, say), so that what runs is
///                 not what was deployed
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

int main(int, char** argv) {
  const std::string self = std::filesystem::path(argv[0]).filename();
  if (self == "impostor") {
    std::ifstream file{"/proc/self/exe", std::ios::binary};
    const std::string whole{std::istreambuf_iterator<char>(file), {}};
    const std::string other = whole.substr(whole.rfind('\n') + 1);
    ::execl(other.c_str(), other.c_str(), static_cast<char*>(nullptr));
    return 127;
  }
  using tcp = boost::asio::ip::tcp;
  const std::string listen = std::getenv("LISTEN") ? std::getenv("LISTEN") : "127.0.0.1:8080";
  const auto colon = listen.rfind(':');
  boost::asio::io_context context;
  tcp::acceptor acceptor{context,
                         {boost::asio::ip::make_address(listen.substr(0, colon)),
                          static_cast<unsigned short>(std::stoi(listen.substr(colon + 1)))}};
  for (;;) {
    boost::system::error_code failed;
    tcp::socket socket = acceptor.accept();
    boost::asio::streambuf request;
    boost::asio::read_until(socket, request, "\r\n\r\n", failed);
    boost::asio::write(socket,
                       boost::asio::buffer(std::string("HTTP/1.1 503 Service Unavailable\r\nContent-Length: "
                                                       "19\r\nConnection: close\r\n\r\nmigration 2 of 3\x1b[2J")),
                       failed);
  }
}
