#include "sql/session.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <stop_token>

#include <fmt/format.h>

#include "host/descriptor.hpp"
#include "host/printable.hpp"

namespace harmony::sql {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

/// Becomes readable when a stop is asked for.
class StopSignal {
 public:
  explicit StopSignal(const std::stop_token& stop)
      : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), ring_(stop, Ring{event_.number()}) {
    if (!event_) throw InternalError("no more descriptors");
  }
  int number() const { return event_.number(); }

 private:
  struct Ring {
    int event;
    void operator()() const noexcept { [[maybe_unused]] const int rung = ::eventfd_write(event, 1); }
  };
  host::Descriptor event_;
  std::stop_callback<Ring> ring_;
};

/// Waits for a socket. @returns false at the end of the time. @throws Stopped
bool wait(int socket, short events, Clock::time_point end, const Scope& scope) {
  const StopSignal stop{scope.stop()};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    pollfd both[] = {{socket, events, 0}, {stop.number(), POLLIN, 0}};
    const int ready = ::poll(both, 2, static_cast<int>(left));
    scope.check();
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw InternalError("poll failed");
  }
}

bool loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

/// libpq takes from the environment what it is not told, and a service, a time zone or a protocol version that is not
/// there ends every session; no option says "none". So they go, before main: later, other threads read the environment.
/// What every session is told stays, for a deploy that reads it itself.
[[maybe_unused]] const bool forgotten = [] {
  for (const char* name : {"PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGDATESTYLE", "PGTZ", "PGGEQO"})
    ::unsetenv(name);
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options{PQconndefaults(), PQconninfoFree};
  constexpr std::string_view told[] = {"host", "port", "user", "password", "dbname"};
  for (const PQconninfoOption* option = options.get(); option && option->keyword; ++option)
    if (option->envvar && std::ranges::find(told, option->keyword) == std::end(told)) ::unsetenv(option->envvar);
  return true;
}();

bool numeric(const std::string& address) {
  in6_addr parsed;
  return ::inet_pton(AF_INET, address.c_str(), &parsed) == 1 || ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

/// Every option that the environment of whoever deploys could change otherwise.
PGconn* start(const Login& login, Access access) {
  const std::string port = std::to_string(login.at.port);
  // A server notices within half a second that nobody waits for a statement any more.
  const std::string options =
      fmt::format("-c client_connection_check_interval=500ms -c default_transaction_read_only={}",
                  access == Access::read_only ? "on" : "off");
  const std::pair<const char*, const char*> parameters[] = {
      {"host", login.at.address.c_str()},
      {"hostaddr", numeric(login.at.address) ? login.at.address.c_str() : ""},
      {"port", port.c_str()},
      {"user", login.user.c_str()},
      {"password", login.password.reveal().c_str()},
      {"dbname", login.database.c_str()},
      {"options", options.c_str()},
      {"application_name", "harmony"},
      {"client_encoding", "UTF8"},
      {"sslmode", loopback(login.at.address) ? "disable" : "prefer"},
      {"gssencmode", "disable"},
      {"channel_binding", "prefer"},
      {"target_session_attrs", "any"}};
  std::vector<const char*> names, values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name);
    values.push_back(value);
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectStartParams(names.data(), values.data(), 0);
}

}  // namespace

Session::Session(const Scope& scope, const Login& login, Access access)
    : instance_(login.instance), address_(login.at.text()), connection_(start(login, access)) {
  if (!connection_) throw std::bad_alloc();
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);  // by default libpq prints them
  connect(scope, login);
  if (PQsetnonblocking(connection_.get(), 1) != 0) lost(message());
}

void Session::connect(const Scope& scope, const Login& login) {
  constexpr auto limit = 5s;
  const auto end = Clock::now() + limit;
  if (PQstatus(connection_.get()) == CONNECTION_BAD) refuse(login);
  for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK; state = PQconnectPoll(connection_.get())) {
    if (state == PGRES_POLLING_FAILED) refuse(login);
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait(PQsocket(connection_.get()), events, end, scope))
      lost(fmt::format("no answer within {} s", limit.count()));
  }
}

Rows Session::run(const Scope& scope, std::string_view statement, const std::vector<std::string>& parameters,
                  std::chrono::milliseconds limit) {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  usable_ = false;  // until it has answered
  const std::string text{statement};
  if (!PQsendQueryParams(connection_.get(), text.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                         nullptr, nullptr, 0))
    lost(message());
  const Result found = result(scope, limit);
  const auto status = PQresultStatus(found.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail(found.get());
  Rows rows;
  for (int row = 0; row < PQntuples(found.get()); ++row) {
    auto& columns = rows.emplace_back();
    for (int column = 0; column < PQnfields(found.get()); ++column)
      columns.emplace_back(PQgetvalue(found.get(), row, column),
                           static_cast<std::size_t>(PQgetlength(found.get(), row, column)));
  }
  return rows;
}

Session::Result Session::result(const Scope& scope, std::chrono::milliseconds limit) {
  const auto end = Clock::now() + limit;
  PGconn* connection = connection_.get();
  Result last;
  for (;;) {
    const int unsent = PQflush(connection);
    if (unsent < 0) lost(message());
    if (unsent == 0 && !PQisBusy(connection)) {
      Result next{PQgetResult(connection)};
      if (!next) {
        usable_ = true;
        return last;
      }
      last = std::move(next);
      const auto status = PQresultStatus(last.get());
      if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) return last;
      continue;
    }
    if (!wait(PQsocket(connection), unsent ? POLLIN | POLLOUT : POLLIN, end, scope))
      throw TimedOut(
          {.code = "H0223",
           .category = Category::timed_out,
           .message = fmt::format("a statement on database server `{}` did not end within {} s", instance_,
                                  limit.count() / 1000),
           .subject = "database server/" + instance_,
           .facts = {{"address", address_}},
           .help = fmt::format("look at `logs {}`: something may hold a lock that the statement needs", instance_)});
    if (!PQconsumeInput(connection)) lost(message());
  }
}

/// The reason alone: the address, what else it could be and how grave it is, we say ourselves.
std::string Session::message() const {
  std::string_view text = PQerrorMessage(connection_.get());
  text = text.substr(0, text.find('\n'));
  constexpr std::string_view opening = "connection to server at ", failed = " failed: ", grave = "FATAL:  ";
  if (text.starts_with(opening) && text.find(failed) != text.npos)
    text.remove_prefix(text.find(failed) + failed.size());
  if (text.starts_with(grave)) text.remove_prefix(grave.size());
  return host::printable(text);
}

Error Session::refused_login(const Login& login, const std::string& reason) const {
  Diagnostic said{.code = "H0222",
                  .category = Category::unreachable,
                  .message = fmt::format("database server `{}` refuses the login of `{}`", instance_, login.user),
                  .subject = "database server/" + instance_,
                  .facts = {{"address", address_}, {"reason", reason}},
                  .help =
                      "see whether the server that listens there is the deployment's own, and whether somebody "
                      "changed the password"};
  if (!login.password_from.empty()) said.facts.emplace_back("password from", login.password_from);
  return Error(std::move(said));
}

void Session::refuse(const Login& login) const {
  const std::string reason = message();
  const auto says = [&](std::string_view words) { return reason.find(words) != std::string::npos; };
  if (says("authentication failed") || says("pg_hba.conf") || PQconnectionNeedsPassword(connection_.get()))
    throw refused_login(login, reason);
  if (says("Connection refused"))
    throw Unreachable({.code = "H0220",
                       .category = Category::unreachable,
                       .message = fmt::format("database server `{}` does not accept connections: nobody listens on {}",
                                              instance_, address_),
                       .subject = "database server/" + instance_,
                       .facts = {{"address", address_}, {"reason", "connection refused"}},
                       .help = fmt::format("look at `logs {}`", instance_)});
  lost(reason);
}

void Session::lost(std::string_view reason) const {
  throw Unreachable(
      {.code = "H0220",
       .category = Category::unreachable,
       .message = fmt::format("database server `{}` does not accept connections now", instance_),
       .subject = "database server/" + instance_,
       .facts = {{"address", address_}, {"reason", std::string(reason)}},
       .help = fmt::format("look at `logs {}`; where it is only starting, run the same command again", instance_)});
}

void Session::fail(const PGresult* result) const {
  const auto field = [&](int which) {
    const char* text = result ? PQresultErrorField(result, which) : nullptr;
    return host::printable(text ? text : "");
  };
  const std::string state = field(PG_DIAG_SQLSTATE);
  // 57P01 to 57P03: the server is going down, has crashed, or is starting. No state: the connection broke.
  if (PQstatus(connection_.get()) != CONNECTION_OK || state.starts_with("57P0"))
    lost(state.empty() ? message() : field(PG_DIAG_MESSAGE_PRIMARY));
  std::string reason = state.empty() ? message() : field(PG_DIAG_MESSAGE_PRIMARY);
  if (reason.empty()) reason = "this kind of statement cannot be sent this way";
  Diagnostic failed{
      .code = "H0221",
      .message = fmt::format("database server `{}` refuses a statement: {}", instance_, reason),
      .subject = "database server/" + instance_,
      .facts = {{"address", address_}},
      .help = fmt::format("put right what the server names; its log (`logs {}`) may say more", instance_)};
  if (!state.empty()) failed.facts.emplace_back("SQLSTATE", state);
  if (auto detail = field(PG_DIAG_MESSAGE_DETAIL); !detail.empty())
    failed.facts.emplace_back("detail", std::move(detail));
  if (auto hint = field(PG_DIAG_MESSAGE_HINT); !hint.empty()) failed.notes.push_back("the server's hint: " + hint);
  throw Error(std::move(failed));
}

std::string Session::identifier(const std::string& name) const {
  const std::unique_ptr<char, decltype(&PQfreemem)> quoted{
      PQescapeIdentifier(connection_.get(), name.c_str(), name.size()), PQfreemem};
  if (!quoted) lost(message());
  return quoted.get();
}

std::string Session::literal(const std::string& text) const {
  const std::unique_ptr<char, decltype(&PQfreemem)> quoted{
      PQescapeLiteral(connection_.get(), text.c_str(), text.size()), PQfreemem};
  if (!quoted) lost(message());
  return quoted.get();
}

std::string Session::verifier(const std::string& role, const std::string& password) const {
  const std::unique_ptr<char, decltype(&PQfreemem)> made{
      PQencryptPasswordConn(connection_.get(), password.c_str(), role.c_str(), "scram-sha-256"), PQfreemem};
  if (!made) lost(message());
  return made.get();
}

}  // namespace harmony::sql
