#include "broker.hpp"

#include <nats/nats.h>
#include <algorithm>

#include "backoff.hpp"
#include "log.hpp"
#include "text.hpp"

namespace guestbook {
namespace {

constexpr std::int64_t connect_limit_ms = 2000;
constexpr std::int64_t acknowledgement_limit_ms = 2000;
constexpr std::int64_t ping_interval_ms = 5000;
constexpr int unanswered_pings = 2;

std::string reason_of(natsStatus status) { return lower_first(one_line(natsStatus_GetText(status))); }

void check(natsStatus status) {
  if (status != NATS_OK) throw BrokerError("broker: not connected (" + reason_of(status) + ")");
}

}  // namespace

/// One connection, from its beginning to its end. It does not reconnect by itself: the client library would give up for
/// good after two refused passwords, and would send what was published in between after the caller was told it failed.
class Broker::Link {
 public:
  Link(const BrokerAddress& address, Broker& broker) {
    natsOptions* created = nullptr;
    check(natsOptions_Create(&created));
    const std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)> options(created, &natsOptions_Destroy);
    check(natsOptions_SetURL(created, address.url.c_str()));
    if (!address.user.empty()) {
      check(natsOptions_SetUserInfo(created, address.user.c_str(), address.password.c_str()));
    }
    if (!address.token.empty()) check(natsOptions_SetToken(created, address.token.c_str()));
    check(natsOptions_SetName(created, "guestbookd"));
    check(natsOptions_SetAllowReconnect(created, false));
    check(natsOptions_SetTimeout(created, connect_limit_ms));
    check(natsOptions_SetWriteDeadline(created, acknowledgement_limit_ms));
    check(natsOptions_SetPingInterval(created, ping_interval_ms));
    check(natsOptions_SetMaxPingsOut(created, unanswered_pings));
    check(natsOptions_SetErrorHandler(created, &report_error, nullptr));
    check(natsOptions_SetClosedCB(created, &report_closed, &broker));
    natsConnection* connected = nullptr;
    check(natsConnection_Connect(&connected, created));
    connection_.reset(connected);
    jsCtx* context = nullptr;
    check(natsConnection_JetStream(&context, connected, nullptr));
    stream_context_.reset(context);
  }

  bool is_closed() const { return natsConnection_IsClosed(connection_.get()); }
  jsCtx* stream_context() const { return stream_context_.get(); }

 private:
  static void report_closed(natsConnection*, void* broker) { static_cast<Broker*>(broker)->wake(); }

  static void report_error(natsConnection*, natsSubscription*, natsStatus status, void*) {
    log_warning("broker error", {{"reason", reason_of(status)}});
  }

  std::unique_ptr<natsConnection, decltype(&natsConnection_Destroy)> connection_{nullptr, &natsConnection_Destroy};
  std::unique_ptr<jsCtx, decltype(&jsCtx_Destroy)> stream_context_{nullptr, &jsCtx_Destroy};
};

Broker::Broker(BrokerAddress address, std::string subject, Health& health)
    : address_(std::move(address)), subject_(std::move(subject)), health_(health) {}

/// The library's own threads may still be on their way into `wake`: they are waited for.
Broker::~Broker() {
  thread_ = {};
  link_.reset();
  nats_CloseAndWait(connect_limit_ms);
}

void Broker::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Broker::publish(std::string_view payload, std::chrono::steady_clock::time_point deadline) {
  std::shared_ptr<Link> link;
  {
    const std::lock_guard lock(mutex_);
    link = link_;
  }
  if (!link) throw BrokerError("broker: not connected");

  jsPubOptions options;
  jsPubOptions_Init(&options);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  options.MaxWait = std::clamp<std::int64_t>(left.count(), 1, acknowledgement_limit_ms);
  jsPubAck* acknowledged = nullptr;
  jsErrCode refusal{};
  const natsStatus status = js_Publish(&acknowledged, link->stream_context(), subject_.c_str(), payload.data(),
                                       static_cast<int>(payload.size()), &options, &refusal);
  const std::unique_ptr<jsPubAck, decltype(&jsPubAck_Destroy)> acknowledgement(acknowledged, &jsPubAck_Destroy);
  if (status == NATS_NO_RESPONDERS) throw BrokerError("broker: no stream takes `" + subject_ + "`");
  if (status == NATS_TIMEOUT) throw BrokerError("broker: no acknowledgement in time");
  if (refusal != 0) throw BrokerError("broker: the stream refused with code " + std::to_string(refusal));
  if (status != NATS_OK || !acknowledgement) throw BrokerError("broker: not published (" + reason_of(status) + ")");
}

void Broker::run(const std::stop_token& stop) {
  Backoff backoff;
  while (!stop.stop_requested()) {
    try {
      const auto link = std::make_shared<Link>(address_, *this);
      backoff.reset();
      use(link);
      health_.report_up(Dependency::broker);
      wait_until_closed(*link, stop);
      use(nullptr);
      if (!stop.stop_requested()) health_.report_down(Dependency::broker, "broker: not connected (connection lost)");
    } catch (const std::exception& error) {
      health_.report_down(Dependency::broker, error.what());
    }
    pause_unless_stopped(stop, backoff.next());
  }
}

void Broker::use(std::shared_ptr<Link> link) {
  const std::lock_guard lock(mutex_);
  link_ = std::move(link);
}

void Broker::wait_until_closed(const Link& link, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [&link] { return link.is_closed(); });
}

void Broker::wake() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

}  // namespace guestbook
