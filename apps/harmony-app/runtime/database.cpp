#include "database.hpp"

#include <poll.h>
#include <algorithm>
#include <cerrno>
#include <system_error>

#include "text.hpp"

namespace guestbook {
namespace {

using Clock = std::chrono::steady_clock;

/// libpq tells a failed connection as `connection to server at "…" failed: FATAL:  reason`, one line per address tried,
/// each followed by hints. The reason of the last address is what people need.
std::string plain_reason(std::string_view message) {
  constexpr std::string_view before_reason = "failed: ";
  if (const auto found = message.rfind(before_reason); found != std::string_view::npos) {
    message.remove_prefix(found + before_reason.size());
  }
  for (const std::string_view severity : {"FATAL:  ", "ERROR:  ", "PANIC:  "}) {
    if (message.starts_with(severity)) message.remove_prefix(severity.size());
  }
  const std::string line = one_line(message.substr(0, message.find('\n')));
  return line.empty() ? "connection lost" : lower_first(line);
}

std::string reason_of(const PGresult* result) {
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return primary != nullptr ? lower_first(one_line(primary)) : plain_reason(PQresultErrorMessage(result));
}

}  // namespace

Limit limit_of(std::chrono::milliseconds duration, std::stop_token stop) {
  return Limit{Clock::now() + duration, std::move(stop)};
}

Connection::Connection(const std::string& url, const Limit& limit) : handle_(nullptr, &PQfinish) {
  const char* names[] = {"dbname", "fallback_application_name", "client_encoding", nullptr};
  const char* values[] = {url.c_str(), "guestbookd", "UTF8", nullptr};
  constexpr int dbname_is_a_uri = 1;
  handle_.reset(PQconnectStartParams(names, values, dbname_is_a_uri));
  if (!handle_) throw std::bad_alloc();
  PQsetNoticeProcessor(handle_.get(), [](void*, const char*) {}, nullptr);
  connect(limit);
  PQsetnonblocking(handle_.get(), 1);
}

void Connection::connect(const Limit& limit) {
  if (PQstatus(handle_.get()) == CONNECTION_BAD) fail();
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED) fail();
    wait_for(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, limit);
    next = PQconnectPoll(handle_.get());
  }
}

Rows Connection::execute(const std::string& statement, const Parameters& parameters, const Limit& limit) {
  if (!handle_) throw DatabaseError("connection lost");
  send(statement, parameters);
  flush(limit);
  auto result = receive(limit);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) throw DatabaseError(reason_of(result.get()));
  return Rows(result.release());
}

void Connection::send(const std::string& statement, const Parameters& parameters) {
  std::vector<const char*> values;
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  const int sent = values.empty() ? PQsendQuery(handle_.get(), statement.c_str())
                                  : PQsendQueryParams(handle_.get(), statement.c_str(), static_cast<int>(values.size()),
                                                      nullptr, values.data(), nullptr, nullptr, 0);
  if (sent == 0) fail();
}

void Connection::flush(const Limit& limit) {
  for (int left = PQflush(handle_.get()); left != 0; left = PQflush(handle_.get())) {
    if (left < 0) fail();
    const short ready = wait_for(POLLIN | POLLOUT, limit);
    if ((ready & POLLIN) != 0 && PQconsumeInput(handle_.get()) == 0) fail();
  }
}

/// The last result, or the first that is an error.
std::unique_ptr<PGresult, decltype(&PQclear)> Connection::receive(const Limit& limit) {
  std::unique_ptr<PGresult, decltype(&PQclear)> kept(nullptr, &PQclear);
  while (true) {
    while (PQisBusy(handle_.get()) != 0) {
      wait_for(POLLIN, limit);
      if (PQconsumeInput(handle_.get()) == 0) break;  // the error is in the result
    }
    std::unique_ptr<PGresult, decltype(&PQclear)> result(PQgetResult(handle_.get()), &PQclear);
    if (!result) break;
    if (!kept || PQresultStatus(kept.get()) != PGRES_FATAL_ERROR) kept = std::move(result);
  }
  if (!kept) fail();
  return kept;
}

/// Waits in short rounds, so that a thread that is asked to stop does so soon.
short Connection::wait_for(short events, const Limit& limit) {
  using std::chrono::milliseconds;
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(limit.deadline - Clock::now());
    pollfd socket{PQsocket(handle_.get()), events, 0};
    const auto round = std::clamp(left, milliseconds(0), milliseconds(100));
    const int ready = ::poll(&socket, 1, static_cast<int>(round.count()));
    if (ready > 0) return socket.revents;
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (left <= milliseconds(0) || limit.stop.stop_requested()) {
      handle_.reset();
      throw DatabaseError("no answer in time");
    }
  }
}

bool Connection::is_idle() {
  if (!handle_) return false;
  pollfd socket{PQsocket(handle_.get()), POLLIN, 0};
  // A server that hangs up says why first: the end comes with a later read.
  while (::poll(&socket, 1, 0) > 0) {
    if (PQconsumeInput(handle_.get()) == 0) return false;
  }
  return PQstatus(handle_.get()) == CONNECTION_OK && PQtransactionStatus(handle_.get()) == PQTRANS_IDLE;
}

void Connection::fail() { throw DatabaseError(plain_reason(PQerrorMessage(handle_.get()))); }

Transaction::Transaction(Connection& connection, const Limit& limit) : connection_(connection), limit_(limit) {
  connection_.execute("begin", {}, limit_);
}

Transaction::~Transaction() {
  if (state_ == State::ended) return;
  try {
    connection_.execute("rollback", {}, limit_);
  } catch (const std::exception&) {
    // A connection that cannot roll back is not idle: whoever holds it closes it, and the server rolls back.
  }
}

void Transaction::commit() {
  connection_.execute("commit", {}, limit_);
  state_ = State::ended;
}

}  // namespace guestbook
