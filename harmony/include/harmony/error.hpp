#pragma once
/// Errors are data until the command line prints them (decision 9). Every library derives its own types from `Error`.
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace harmony {

/// What kind of end an error is. One function in apps/cli maps it to an exit code; nobody else does.
enum class Category {
  failed,        ///< the deploy did not reach its goal (1)
  smoke_test,    ///< what was deployed does not work (3)
  timed_out,     ///< a wait reached its limit (4)
  refused,       ///< needs an approval or a policy forbids it (5)
  unreachable,   ///< unreachable or unauthorised (6)
  locked,        ///< somebody else holds the lock (7)
  stale_plan,    ///< a saved plan no longer fits (8)
  usage,         ///< usage or bad input (64)
  internal,      ///< our bug (70)
  stopped,       ///< stopped by a signal (130, 143)
};

/// One Score on the way from the root to where it failed, and the line where it was run.
struct Frame {
  std::string name;
  std::source_location at;
};

/// Everything an error knows. Texts are lower case, without a final period; secrets never enter.
struct Diagnostic {
  std::string code;                                          ///< "H0123"; `explain` has a page for each
  Category category = Category::failed;
  std::string message;                                       ///< what failed
  std::string subject = {};                                  ///< of what: "process/guestbook"
  std::string label = {};                                    ///< stands under the source line; default "run here"
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< "port" -> "127.0.0.1:5433"; shown as `= port: …`
  std::vector<std::string> log = {};                         ///< last lines of the log of what failed
  std::vector<std::string> notes = {};
  std::string help = {};                                     ///< what to do
  std::vector<Frame> trail = {};                             ///< outermost first; filled by the engine
};

class Error : public std::exception {
 public:
  explicit Error(Diagnostic diagnostic) : data_(std::make_shared<Diagnostic>(std::move(diagnostic))) {}
  const char* what() const noexcept override { return data_->message.c_str(); }
  const Diagnostic& data() const { return *data_; }
  /// Context is added outward while the error travels; copies of one error share their data.
  Diagnostic& data() { return *data_; }

 private:
  std::shared_ptr<Diagnostic> data_;
};

/// Asked to stop: by a signal, or because a sibling failed.
class Stopped final : public Error {
 public:
  Stopped() : Error({.code = "H0002", .category = Category::stopped, .message = "stopped before it was done"}) {}
};

/// A declared wait reached its limit. Catch it to add what only you know (a log, a state), then rethrow.
class TimedOut final : public Error {
 public:
  using Error::Error;
};

/// A saved plan that is no longer what a deploy would do.
class StalePlan final : public Error {
 public:
  /// @param different what is another than it was planned, as lines for people.
  explicit StalePlan(std::vector<std::string> different)
      : Error({.code = "H0303",
               .category = Category::stale_plan,
               .message = "the saved plan no longer fits what is there",
               .notes = std::move(different),
               .help = "make a new plan, look at it, and deploy that; nothing was written"}) {}
};

/// A bug of Harmony or of a provider, never of the user.
class InternalError final : public Error {
 public:
  explicit InternalError(std::string message)
      : Error(
            {.code = "H0001",
             .category = Category::internal,
             .message = std::move(message),
             .help =
                 "this is a bug in Harmony or in a provider; please report it with the event stream (--events FILE)"}) {
  }
};

/// Thrown through a Score or a smoke test, and none of ours: most often of what they call.
class ForeignException final : public Error {
 public:
  explicit ForeignException(std::string_view what)
      : Error({.code = "H0003",
               .category = Category::failed,
               .message = what.empty() ? std::string("an exception of an unknown type was thrown")
                                       : "an exception was thrown: " + std::string(what),
               .help =
                   "catch it where it comes from, or throw a `harmony::Error` in its place, which says what to do"}) {}
};

}  // namespace harmony
