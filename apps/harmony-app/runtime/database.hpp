#pragma once

#include <libpq-fe.h>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace guestbook {

/// PostgreSQL refused, went away or did not answer in time. The text is one line in lower case without a secret.
class DatabaseError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How long a caller waits: until a point in time, or until its thread is asked to stop.
struct Limit {
  std::chrono::steady_clock::time_point deadline;
  std::stop_token stop{};
};

Limit limit_of(std::chrono::milliseconds duration, std::stop_token stop = {});

/// The rows a statement gave back.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result, &PQclear) {}

  int count() const { return PQntuples(result_.get()); }
  std::string text(int row, int column) const { return PQgetvalue(result_.get(), row, column); }

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

using Parameters = std::vector<std::optional<std::string>>;

/// One connection to PostgreSQL whose every wait is bounded, also when the server or the network falls silent.
/// For one thread at a time.
class Connection {
 public:
  /// Connects. Throws DatabaseError.
  Connection(const std::string& url, const Limit& limit);

  /// Runs one statement with parameters `$1`…, or several without. Throws DatabaseError; a connection that did not
  /// answer in time is closed, since its answer could still come.
  Rows execute(const std::string& statement, const Parameters& parameters, const Limit& limit);

  /// True while the server has not hung up and no transaction is open.
  bool is_idle();

 private:
  void connect(const Limit& limit);
  void send(const std::string& statement, const Parameters& parameters);
  void flush(const Limit& limit);
  std::unique_ptr<PGresult, decltype(&PQclear)> receive(const Limit& limit);
  short wait_for(short events, const Limit& limit);
  [[noreturn]] void fail();

  std::unique_ptr<PGconn, decltype(&PQfinish)> handle_;
};

/// Rolls back when it goes out of scope uncommitted.
class Transaction {
 public:
  Transaction(Connection& connection, const Limit& limit);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  enum class State { open, ended };

  Connection& connection_;
  Limit limit_;
  State state_ = State::open;
};

}  // namespace guestbook
