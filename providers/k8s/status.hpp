#pragma once
/// What an API server says when it refuses: its Status object as a typed error.
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/error.hpp"
#include "k8s/transport.hpp"

namespace harmony::k8s {

struct StatusCause {
  std::string reason, message, field;
};

/// Texts are as the server sent them, and are cleaned where they are shown.
struct Status {
  int code = 0;                              ///< of HTTP
  std::string reason = {};                   ///< "Conflict", "Invalid"; empty where the server gave none
  std::string message = {};
  std::string group = {}, kind = {}, name = {}, uid = {};  ///< of whom it speaks
  std::vector<StatusCause> causes = {};
  std::optional<std::chrono::seconds> retry_after = {};
};

/// Nothing where the reply is no Status: then it is not from an API server.
std::optional<Status> status_of(const Reply&);
/// Of a watch's ERROR event.
std::optional<Status> status_of(const boost::json::value&);
std::string http_text(const Status&);  ///< "HTTP 404 NotFound"
/// As the server would say it.
boost::json::value to_json(const Status&);

/// The server refuses. H0412 to H0417
class ApiError final : public Error {
 public:
  ApiError(Diagnostic diagnostic, Status status) : Error(std::move(diagnostic)), status_(std::move(status)) {}
  const Status& status() const { return status_; }
  bool not_found() const { return status_.code == 404; }
  /// Not to be seen, or not there: who may not see objects has made none, and a kind may just have gone.
  bool out_of_sight() const { return status_.code == 403 || not_found(); }
  bool conflict() const { return status_.code == 409; }

 private:
  Status status_;
};

/// What answers is something else: a gateway, a login page. H0418
class NoApiServer final : public Error {
 public:
  explicit NoApiServer(Diagnostic diagnostic, int http = 0) : Error(std::move(diagnostic)), http_(http) {}
  int http() const { return http_; }         ///< its status; 0 where that is not what gave it away

 private:
  int http_;
};

/// Of what speaks for a server: it is away for now, and may come back.
bool may_come_back(int http_status);

/// A write of which nobody knows whether it was done: read back what it was about. H0420
class OutcomeUnknown final : public Error {
 public:
  using Clock = std::chrono::steady_clock;
  /// @param silent_since when the server was last known to be away, where it is still
  OutcomeUnknown(Diagnostic diagnostic, std::optional<Clock::time_point> silent_since)
      : Error(std::move(diagnostic)), silent_since_(silent_since) {}
  std::optional<Clock::time_point> silent_since() const { return silent_since_; }

 private:
  std::optional<Clock::time_point> silent_since_;
};

/// What was asked, for errors.
struct Asked {
  std::string doing;                         ///< "apply"
  std::string subject;                       ///< "deployment/shop/guestbook"
  bool hides_values = false;                 ///< it is a Secret: a server repeats what it finds wrong
};

/// Throws what a reply means that is no success: ApiError, or H0418. @param tries how often it was asked
[[noreturn]] void refuse(const Reply&, const Asked&, const Destination& server, int tries = 1);
ApiError api_error(Status, const Asked&, const Destination& server);
OutcomeUnknown outcome_unknown(const Asked&, std::string_view why, const Destination& server,
                               std::optional<OutcomeUnknown::Clock::time_point> silent_since = {});
/// H0418: an answer, but not of an API server. Its beginning is shown, cleaned.
NoApiServer no_api_server(const Reply&, const Asked&, const Destination& server);
NoApiServer no_api_server(std::string_view what, std::string_view beginning, const Asked&, const Destination& server,
                          int http = 0);

}  // namespace harmony::k8s
