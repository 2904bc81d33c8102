// Port-forward against a real TLS server that speaks WebSocket, right and wrong.
#include "k8s/port_forward.hpp"

#include <openssl/sha.h>

#include <functional>
#include <thread>

#include "catch.hpp"
#include "k8s/base64.hpp"
#include "support/api_server.hpp"
#include "support/scopes.hpp"
#include "support/servers.hpp"

using namespace harmony;
using namespace harmony::k8s;
using namespace harmony::testing;
using namespace std::chrono_literals;

namespace {

/// A frame of a server: whole, unmasked, binary.
std::string frame(const std::string& payload) {
  std::string made = "\x82";
  if (payload.size() < 126) made += static_cast<char>(payload.size());
  else {
    made += static_cast<char>(126);
    made += static_cast<char>(payload.size() >> 8);
    made += static_cast<char>(payload.size() & 0xff);
  }
  return made + payload;
}
std::string on(int channel, const std::string& data) { return frame(static_cast<char>(channel) + data); }
const std::string begin = on(0, {"\x50\x00", 2}) + on(1, {"\x50\x00", 2});  // port 80

/// Reads frames of a client: masked.
class Frames {
 public:
  explicit Frames(TlsConnection& connection) : connection_(connection), rest_(connection.take_rest()) {}
  /// The payload of the next one; empty at the end, and where the client says goodbye.
  std::string next() {
    if (!need(2)) return {};
    const int kind = rest_[0] & 0x0f;
    if (kind != 8 && static_cast<unsigned char>(rest_[0]) != 0x82) return {};  // in pieces, or no binary one
    std::size_t size = rest_[1] & 0x7f, at = 2;
    if (size == 126) {
      if (!need(4)) return {};
      size = static_cast<std::size_t>(static_cast<unsigned char>(rest_[2]) << 8 | static_cast<unsigned char>(rest_[3]));
      at = 4;
    }
    if (!need(at + 4 + size)) return {};
    std::string payload = rest_.substr(at + 4, size);
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(payload[i] ^ rest_[at + i % 4]);
    rest_.erase(0, at + 4 + size);
    return kind == 8 ? std::string() : payload;
  }

 private:
  bool need(std::size_t bytes) {
    while (rest_.size() < bytes) {
      const std::string more = connection_.read_some();
      if (more.empty()) return false;
      rest_ += more;
    }
    return true;
  }
  TlsConnection& connection_;
  std::string rest_;
};

std::string header(const std::string& request, const std::string& name) {
  const auto at = request.find(name + ": ");
  return at == std::string::npos ? ""
                                 : request.substr(at + name.size() + 2, request.find('\r', at) - at - name.size() - 2);
}
std::string switched(const std::string& request, const std::string& protocol = "v4.channel.k8s.io") {
  const std::string salted = header(request, "Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(salted.data()), salted.size(), digest);
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         to_base64({reinterpret_cast<char*>(digest), sizeof digest}) + "\r\nSec-WebSocket-Protocol: " + protocol +
         "\r\n\r\n";
}

/// Gives back what it gets, in capital letters or not, until they go.
void echo(TlsConnection& connection) {
  connection.write(switched(connection.read_request()) + begin);
  Frames frames{connection};
  for (std::string payload = frames.next(); !payload.empty(); payload = frames.next()) connection.write(frame(payload));
}

struct World {
  Scopes scopes;
  std::stop_source stop;
  Scope at = scopes.reading(stop.get_token());
  Diagnostic last{};

  std::unique_ptr<Client> client(const Cluster& cluster, User user = {}) {
    return std::make_unique<Client>(Access{.context = "x", .cluster = cluster, .user = std::move(user)}, Environment{});
  }
  /// "open", or what went wrong: "H0411 its certificate has expired".
  std::string probe(const Cluster& cluster, User user = {}) {
    try {
      const auto made = client(cluster, std::move(user));
      probe_port(at, *made, {"n", "p", 80});
      return "open";
    } catch (const Error& error) {
      last = error.data();
      const auto colon = last.message.rfind(": ");
      return last.code + (colon == std::string::npos ? "" : " " + last.message.substr(colon + 2));
    }
  }
  std::string probe(const TlsServer::Handler& handler, User user = {}) {
    TlsServer server{{.identity = authorities().server}, handler};
    return probe(cluster_at(server.port()), std::move(user));
  }
};

/// A local connection.
class Local {
 public:
  explicit Local(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("not connected");
  }
  ~Local() { ::close(socket_); }
  void send(const std::string& text) const {
    for (std::size_t sent = 0; sent < text.size();) {
      const auto part = ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (part <= 0) throw std::runtime_error("not sent");
      sent += static_cast<std::size_t>(part);
    }
  }
  void send_no_more() const { ::shutdown(socket_, SHUT_WR); }
  /// Until there is so much, or the end.
  std::string receive(std::size_t size) const {
    std::string got;
    char buffer[1 << 14];
    while (got.size() < size) {
      const auto part = ::recv(socket_, buffer, sizeof buffer, 0);
      if (part <= 0) break;
      got.append(buffer, static_cast<std::size_t>(part));
    }
    return got;
  }

 private:
  int socket_;
};

}  // namespace

TEST_CASE("a WebSocket is as strict about certificates as any request") {
  World world;
  const auto& all = authorities();
  const auto served = [&](const Pair& identity, const std::function<void(Cluster&)>& change = {}) {
    std::atomic<int> requests{0};
    TlsServer server{{.identity = identity}, [&](TlsConnection& connection) {
                       const std::string request = connection.read_request();
                       if (request.empty()) return;
                       ++requests;
                       connection.write(switched(request) + begin);
                       connection.read_some();
                     }};
    Cluster cluster = cluster_at(server.port());
    if (change) change(cluster);
    const std::string told = world.probe(cluster, {.token = Secret<std::string>("tok-secret")});
    CHECK(requests == (told == "open" ? 1 : 0));
    return told;
  };
  CHECK(served(all.server) == "open");
  CHECK(served(certificate(
            {.subject = "/CN=s", .names = "IP:127.0.0.1", .issuer = &all.good, .until = "20210101000000Z"})) ==
        "H0411 its certificate has expired");
  CHECK(served(certificate(
            {.subject = "/CN=s", .names = "IP:127.0.0.1", .issuer = &all.good, .from = "20890101000000Z"})) ==
        "H0411 its certificate is not valid yet");
  CHECK(served(certificate({.subject = "/CN=127.0.0.1", .names = "DNS:elsewhere", .issuer = &all.good})) ==
        "H0411 its certificate is for other names");
  CHECK(served(certificate({.subject = "/CN=s", .names = "IP:127.0.0.1"})) ==
        "H0411 its certificate is signed by nobody but itself");
  CHECK(served(certificate({.subject = "/CN=s", .names = "IP:127.0.0.1", .issuer = &all.other})) ==
        "H0411 its certificate is signed by an authority that the kubeconfig does not name");
  CHECK(
      served(certificate({.subject = "/CN=s", .names = "IP:127.0.0.1", .issuer = &all.good, .usage = "clientAuth"})) ==
      "H0411 its certificate is made for another purpose");
  CHECK(served(all.server, [](Cluster& c) { c.authority = {}; }).starts_with("H0411 its certificate is signed by"));
  CHECK(served(all.server, [](Cluster& c) { c.tls_server_name = "kubernetes"; }) == "open");
  CHECK(served(all.server, [](Cluster& c) { c.tls_server_name = "elsewhere"; }) ==
        "H0411 its certificate is for other names");
  const auto unchecked = [](Cluster& c) {
    c.authority = {};
    c.insecure = true;
  };
  CHECK(served(certificate({.subject = "/CN=s", .until = "20210101000000Z"}), unchecked) == "open");
}

TEST_CASE("a client certificate goes along with a WebSocket") {
  World world;
  const auto& all = authorities();
  TlsServer server{{.identity = all.server, .client_authority = all.good.chain}, echo};
  const auto with = [](const Pair& pair) {
    return User{.certificate = {.inside = Secret(pair.chain), .origin = {.field = "c"}},
                .key = {.inside = Secret(pair.key)}};
  };
  CHECK(world.probe(cluster_at(server.port()), with(all.client)) == "open");
  // With TLS 1.3 a server refuses when we have sent our first bytes already.
  CHECK(world.probe(cluster_at(server.port()), with(all.stranger)) == "H0411 it does not take our client certificate");
  CHECK(world.probe(cluster_at(server.port())) == "H0411 it wants a client certificate");
  TlsServer plain{{}, [](TlsConnection& connection) {
                    connection.read_some();
                    connection.write("HTTP/1.0 400 Bad Request\r\n\r\nno TLS\n");
                  }};
  CHECK(world.probe(cluster_at(plain.port())) == "H0411 what answers there speaks no TLS");
}

TEST_CASE("it asks as the protocol wants it, and says who we are") {
  World world;
  std::string request;
  CHECK(world.probe(
            [&](TlsConnection& connection) {
              request = connection.read_request();
              connection.write(switched(request) + begin);
              connection.read_some();
            },
            {.token = Secret<std::string>("tok-secret"), .as = "somebody"}) == "open");
  CHECK(request.starts_with("GET /api/v1/namespaces/n/pods/p/portforward?ports=80 HTTP/1.1\r\n"));
  CHECK(header(request, "Sec-WebSocket-Protocol") == "v4.channel.k8s.io");
  CHECK(header(request, "Authorization") == "Bearer tok-secret");
  CHECK(header(request, "Impersonate-User") == "somebody");
}

TEST_CASE("what does not open the way is told as what it is") {
  World world;
  const auto says = [](std::string text) {
    return [text = std::move(text)](TlsConnection& connection) {
      connection.read_request();
      connection.write(text);
    };
  };
  CHECK(world.probe(says(http_answer(
            403, R"({"kind":"Status","message":"pods \"p\" is forbidden","reason":"Forbidden","code":403})"))) ==
        R"(H0413 pods "p" is forbidden)");
  CHECK(world.probe(says(http_answer(
            404, R"({"kind":"Status","message":"pods \"p\" not found","reason":"NotFound","code":404})"))) ==
        R"(H0414 pods "p" not found)");
  CHECK(world.probe(says(http_answer(200, "<html>", "Content-Type: text/html\r\n"))).starts_with("H0423"));
  CHECK(world.probe(says(http_answer(302, "", "Location: https://elsewhere/\r\n"))).starts_with("H0418"));
  CHECK(world.probe(says("")).starts_with("H0423"));
  CHECK(world.probe([](TlsConnection& connection) {
    connection.write(switched(connection.read_request(), "v5.channel.k8s.io"));
  }) == "H0423 what is on the way does not speak v4.channel.k8s.io");
  CHECK(world.probe([](TlsConnection& connection) {
    connection.write(switched(connection.read_request()) + begin + on(1, "dial tcp 127.0.0.1:80: \x1b[31mrefused"));
    connection.read_some();
  }) == "open");  // the node tells it to a connection, later
  CHECK(world.probe([](TlsConnection& connection) {
    connection.write(switched(connection.read_request()) + on(7, "x"));
    connection.read_some();
  }) == "H0423 a message came on a channel that was not asked for");
}

TEST_CASE("401 is answered with another credential, here too") {
  World world;
  const TemporaryFolder folder;
  const auto path = folder.path() / "token";
  std::ofstream{path} << "old-token";
  int asked = 0;
  CHECK(world.probe(
            [&](TlsConnection& connection) {
              const std::string request = connection.read_request();
              if (++asked == 1) {
                std::ofstream{path} << "new-token";
                connection.write(http_answer(
                    401, R"({"kind":"Status","message":"Unauthorized","reason":"Unauthorized","code":401})"));
                return;
              }
              CHECK(header(request, "Authorization") == "Bearer new-token");
              connection.write(switched(request) + begin);
              connection.read_some();
            },
            {.token_file = path}) == "open");
  CHECK(asked == 2);
}

TEST_CASE("bytes go both ways, many at once, on several connections") {
  World world;
  TlsServer server{{.identity = authorities().server}, echo};
  const auto client = world.client(cluster_at(server.port()));
  PortForward forward{world.at, *client, {"n", "p", 80}};
  CHECK(forward.endpoint().address == "127.0.0.1");
  const Local first{forward.endpoint().port}, second{forward.endpoint().port};
  first.send("one");
  second.send("two");
  CHECK(first.receive(3) == "one");
  CHECK(second.receive(3) == "two");
  // More than fits into any buffer, in both directions at once.
  std::string much;
  for (int i = 0; much.size() < (8 << 20); ++i) much += std::to_string(i) + ' ';
  std::jthread sender([&] { first.send(much); });
  CHECK(first.receive(much.size()) == much);
  first.send_no_more();
  forward.check();
}

TEST_CASE("the pod's side says why it cannot, and that is known") {
  World world;
  TlsServer server{
      {.identity = authorities().server}, [](TlsConnection& connection) {
        connection.write(switched(connection.read_request()) + begin + on(1, "connection \x1b[31mrefused"));
        connection.read_some();
      }};
  const auto client = world.client(cluster_at(server.port()));
  PortForward forward{world.at, *client, {"n", "p", 80}};
  const Local local{forward.endpoint().port};
  CHECK(local.receive(1).empty());
  std::string told;
  until("it is known", [&] {
    try {
      forward.check();
    } catch (const ForwardError& error) {
      told = error.data().message;
    }
    return !told.empty();
  });
  CHECK(told == "port-forward of pod/n/p:80: connection ?[31mrefused");
}

TEST_CASE("the end of the other side is the end of ours") {
  World world;
  TlsServer server{
      {.identity = authorities().server}, [](TlsConnection& connection) {
        connection.write(switched(connection.read_request()) + begin + on(0, "bye") + std::string("\x88\x00", 2));
        connection.read_some();
      }};
  const auto client = world.client(cluster_at(server.port()));
  PortForward forward{world.at, *client, {"n", "p", 80}};
  const Local local{forward.endpoint().port};
  CHECK(local.receive(100) == "bye");
}

TEST_CASE("a stop ends all connections, and those that are just being made") {
  World world;
  std::atomic<bool> asked{false};
  TlsServer silent{{.identity = authorities().server}, [&](TlsConnection& connection) {
                     connection.read_request();
                     asked = true;
                     connection.read_some();
                   }};
  const auto client = world.client(cluster_at(silent.port()));
  PortForward forward{world.at, *client, {"n", "p", 80}};
  const Local local{forward.endpoint().port};
  until("the request is there", [&] { return asked.load(); });
  world.stop.request_stop();
  CHECK(local.receive(1).empty());
  CHECK_THROWS_AS(probe_port(world.at, *client, {"n", "p", 80}), Stopped);
}
