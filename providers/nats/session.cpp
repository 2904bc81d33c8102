#include "nats/session.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "host/descriptor.hpp"
#include "host/printable.hpp"

namespace harmony::nats {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto connect_limit = 5s, request_limit = 10s;

/// How long to block at a time: short first, since most answers come at once; longer on a machine that is busy.
class Slices {
 public:
  explicit Slices(std::chrono::milliseconds limit) : end_(Clock::now() + limit) {}
  bool over() const { return Clock::now() >= end_; }
  std::int64_t next() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
    const auto slice = std::clamp(left, std::chrono::milliseconds(1),
                                  std::exchange(slice_, std::min<std::chrono::milliseconds>(2 * slice_, 1s)));
    return slice.count();
  }

 private:
  Clock::time_point end_;
  std::chrono::milliseconds slice_ = 100ms;
};

/// The C client says the same of every connection that fails.
bool nobody_listens(const host::Endpoint& at) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(at.port));
  if (::inet_pton(AF_INET, at.address.c_str(), &address.sin_addr) != 1) return false;
  const host::Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket || ::connect(socket.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return false;
  if (errno != EINPROGRESS) return errno == ECONNREFUSED;
  constexpr int patience_ms = 200;  // a refusal comes at once; whoever says nothing does not refuse
  pollfd answer{.fd = socket.number(), .events = POLLOUT, .revents = 0};
  int error = 0;
  socklen_t size = sizeof error;
  return ::poll(&answer, 1, patience_ms) == 1 &&
         ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == ECONNREFUSED;
}

Owned<natsOptions> options(const Login& login, std::int64_t timeout_ms) {
  natsOptions* raw = nullptr;
  natsStatus status = natsOptions_Create(&raw);
  Owned<natsOptions> made{raw};
  const std::string url = "nats://" + login.at.text();
  if (status == NATS_OK) status = natsOptions_SetURL(raw, url.c_str());
  if (status == NATS_OK) status = natsOptions_SetName(raw, "harmony");
  if (status == NATS_OK) status = natsOptions_SetUserInfo(raw, login.user.c_str(), login.password.reveal().c_str());
  if (status == NATS_OK) status = natsOptions_SetTimeout(raw, timeout_ms);
  if (status == NATS_OK) status = natsOptions_SetAllowReconnect(raw, false);
  if (status != NATS_OK)
    throw InternalError(fmt::format("the options of a NATS connection are refused: {}", natsStatus_GetText(status)));
  return made;
}

std::string last_words(natsStatus status) {
  const char* last = nats_GetLastError(nullptr);
  std::string_view text = last && *last ? last : natsStatus_GetText(status);
  if (const auto place = text.find("): "); text.starts_with('(') && place != std::string_view::npos)
    text.remove_prefix(place + 3);  // "(unix/sock.c:58): Timeout", in its own source
  return host::printable(text);
}

/// libnats 3.4 goes on reading when its time is over, and then takes the answer that comes late for none.
bool too_late(natsStatus status, const std::string& reason) {
  return status == NATS_TIMEOUT || status == NATS_NO_SERVER ||
         (status == NATS_PROTOCOL_ERROR && reason.find("got ''") != std::string::npos);
}

bool no_such_stream(natsStatus status, int code) { return status == NATS_NOT_FOUND || code == JSStreamNotFoundErr; }

}  // namespace

Session::Session(const Scope& scope, const Login& login)
    : instance_(login.instance), at_(login.at), connection_(connect(scope, login)) {}

Owned<natsConnection> Session::connect(const Scope& scope, const Login& login) const {
  std::string reason;
  for (Slices slices{connect_limit}; !slices.over();) {
    scope.check();
    natsConnection* raw = nullptr;
    const natsStatus status = natsConnection_Connect(&raw, options(login, slices.next()).get());
    Owned<natsConnection> connection{raw};
    if (status == NATS_OK) return connection;
    reason = last_words(status);
    if (status == NATS_CONNECTION_AUTH_FAILED)
      throw LoginRefused({.code = "H0241",
                          .category = Category::unreachable,
                          .message = fmt::format("broker `{}` refuses the login of `{}`", instance_, login.user),
                          .subject = "broker/" + instance_,
                          .facts = {{"address", at_.text()}, {"reason", reason}},
                          .help =
                              "see whether the server that listens there is the deployment's own, and whether somebody "
                              "changed its configuration"});
    if (nobody_listens(at_))
      throw Unreachable({.code = "H0240",
                         .category = Category::unreachable,
                         .message = fmt::format("broker `{}` does not accept connections: nobody listens on {}",
                                                instance_, at_.text()),
                         .subject = "broker/" + instance_,
                         .facts = {{"address", at_.text()}, {"reason", "connection refused"}},
                         .help = fmt::format("look at `logs {}`", instance_)});
    if (!too_late(status, reason)) break;  // it answered, with something else
  }
  lost(reason);
}

void Session::lost(const std::string& reason) const {
  throw Unreachable(
      {.code = "H0240",
       .category = Category::unreachable,
       .message = fmt::format("broker `{}` does not answer now", instance_),
       .subject = "broker/" + instance_,
       .facts = {{"address", at_.text()}, {"reason", reason}},
       .help = fmt::format("look at `logs {}`; where it is only starting, run the same command again", instance_)});
}

bool Session::usable() const { return natsConnection_Status(connection_.get()) == NATS_CONN_STATUS_CONNECTED; }

Session::Outcome Session::ask(const Scope& scope, const Ask& question) const {
  jsCtx* raw = nullptr;
  const natsStatus status = natsConnection_JetStream(&raw, connection_.get(), nullptr);
  const Owned<jsCtx> context{raw};
  if (status != NATS_OK) lost(last_words(status));
  for (Slices slices{request_limit}; !slices.over();) {
    scope.check();
    jsOptions options;
    jsOptions_Init(&options);
    options.Wait = slices.next();
    const Outcome outcome = question(context.get(), &options);
    if (outcome.status == NATS_TIMEOUT) continue;
    const bool off = outcome.code == JSNotEnabledErr || outcome.code == JSNotEnabledForAccountErr;
    if (outcome.status == NATS_NO_RESPONDERS || off) lost("JetStream does not answer");
    if (!usable() || outcome.status == NATS_CONNECTION_CLOSED) lost("the connection broke");
    return outcome;
  }
  lost(fmt::format("no answer within {} s", request_limit.count()));
}

void Session::require(const Outcome& outcome, const std::string& what) const {
  if (outcome.status == NATS_OK) return;
  Diagnostic refused{
      .code = "H0242",
      .message = fmt::format("broker `{}` does not {}: {}", instance_, what, last_words(outcome.status)),
      .subject = "broker/" + instance_,
      .facts = {{"address", at_.text()}},
      .help = fmt::format("put right what the server names; its log (`logs {}`) may say more", instance_)};
  if (outcome.code) refused.facts.emplace_back("JetStream error", std::to_string(outcome.code));
  throw Error(std::move(refused));
}

Owned<jsStreamInfo> Session::information(const Scope& scope, const std::string& name) const {
  Owned<jsStreamInfo> found;
  const Outcome outcome = ask(scope, [&](jsCtx* context, jsOptions* options) {
    jsStreamInfo* raw = nullptr;
    jsErrCode code{};
    const natsStatus status = js_GetStreamInfo(&raw, context, name.c_str(), options, &code);
    found.reset(raw);
    return Outcome{status, code};
  });
  if (no_such_stream(outcome.status, outcome.code)) return nullptr;
  require(outcome, fmt::format("tell of stream `{}`", name));
  return found;
}

std::optional<StreamState> Session::stream(const Scope& scope, const std::string& name) const {
  const auto found = information(scope, name);
  if (!found) return std::nullopt;
  StreamState state{.subjects = {}, .on_disk = found->Config->Storage == js_FileStorage};
  for (int i = 0; i < found->Config->SubjectsLen; ++i)
    state.subjects.push_back(host::printable(found->Config->Subjects[i]));
  return state;
}

namespace {
/// Subjects as the C client takes them.
std::vector<const char*> pointers(const std::vector<std::string>& subjects) {
  std::vector<const char*> all;
  for (const std::string& subject : subjects) all.push_back(subject.c_str());
  return all;
}
}  // namespace

void Session::add(const Scope& scope, const std::string& name, const std::vector<std::string>& subjects) const {
  auto wanted = pointers(subjects);
  const Outcome outcome = ask(scope, [&](jsCtx* context, jsOptions* options) {
    jsStreamConfig configuration;
    jsStreamConfig_Init(&configuration);
    configuration.Name = name.c_str();
    configuration.Subjects = wanted.data();
    configuration.SubjectsLen = static_cast<int>(wanted.size());
    configuration.Storage = js_FileStorage;
    jsErrCode code{};
    const natsStatus status = js_AddStream(nullptr, context, &configuration, options, &code);
    return Outcome{status, code};
  });
  require(outcome, fmt::format("make stream `{}`", name));
}

void Session::update(const Scope& scope, const std::string& name, const std::vector<std::string>& subjects) const {
  auto wanted = pointers(subjects);
  const auto found = information(scope, name);
  if (!found) lost(fmt::format("stream `{}` went away", name));
  const Outcome outcome = ask(scope, [&](jsCtx* context, jsOptions* options) {
    jsStreamConfig configuration = *found->Config;
    configuration.Subjects = wanted.data();
    configuration.SubjectsLen = static_cast<int>(wanted.size());
    jsErrCode code{};
    const natsStatus status = js_UpdateStream(nullptr, context, &configuration, options, &code);
    return Outcome{status, code};
  });
  require(outcome, fmt::format("change stream `{}`", name));
}

void Session::remove(const Scope& scope, const std::string& name) const {
  const Outcome outcome = ask(scope, [&](jsCtx* context, jsOptions* options) {
    jsErrCode code{};
    const natsStatus status = js_DeleteStream(context, name.c_str(), options, &code);
    return Outcome{status, code};
  });
  if (!no_such_stream(outcome.status, outcome.code)) require(outcome, fmt::format("delete stream `{}`", name));
}

Owned<natsSubscription> Session::subscribe(const Scope& scope, const std::string& subject) const {
  natsSubscription* raw = nullptr;
  const natsStatus status = natsConnection_SubscribeSync(&raw, connection_.get(), subject.c_str());
  Owned<natsSubscription> subscription{raw};
  if (!usable()) lost("the connection broke");
  require({status}, fmt::format("take a subscription to `{}`", host::printable(subject)));
  for (Slices slices{request_limit}; !slices.over();) {
    scope.check();
    const natsStatus flushed = natsConnection_FlushTimeout(connection_.get(), slices.next());
    if (flushed == NATS_OK) return subscription;
    if (flushed != NATS_TIMEOUT) lost(last_words(flushed));
  }
  lost(fmt::format("no answer within {} s", request_limit.count()));
}

}  // namespace harmony::nats
