#include "nats/client.hpp"

#include <map>
#include <mutex>
#include <tuple>

#include <fmt/format.h>

#include "host/servers.hpp"
#include "nats/difference.hpp"
#include "nats/session.hpp"

namespace harmony::nats {

namespace {

class Subscription final : public NatsSubscription {
 public:
  Subscription(const Scope& scope, std::shared_ptr<Session> session, const std::string& subject)
      : session_(std::move(session)), subscription_(session_->subscribe(scope, subject)) {}
  std::optional<std::string> next(const Scope& scope, std::chrono::milliseconds limit) override {
    const auto end = std::chrono::steady_clock::now() + limit;
    constexpr std::int64_t slice_ms = 50;  // how long a stop may have to wait
    do {
      scope.check();
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
      natsMsg* raw = nullptr;
      const natsStatus status =
          natsSubscription_NextMsg(&raw, subscription_.get(), std::clamp<std::int64_t>(left, 1, slice_ms));
      const Owned<natsMsg> message{raw};
      if (status == NATS_OK)
        return std::string(natsMsg_GetDataLength(raw) ? natsMsg_GetData(raw) : "",
                           static_cast<std::size_t>(natsMsg_GetDataLength(raw)));
      if (status != NATS_TIMEOUT)
        session_->lost(fmt::format("the subscription broke off: {}", natsStatus_GetText(status)));
    } while (std::chrono::steady_clock::now() < end);
    return std::nullopt;
  }

 private:
  std::shared_ptr<Session> session_;
  Owned<natsSubscription> subscription_;
};

class Clients final : public Client {
 public:
  std::optional<std::string> not_accepting(Scope& in, const Server& server) override {
    try {
      ask(in, server, [&](const Session& session) {
        return session.stream(in, "harmony");
      });  // JetStream answers a moment later than the port
      return std::nullopt;
    } catch (const Unreachable& error) {
      return error.data().facts.back().second;
    }
  }

  bool refuses_login(Scope& in, const Server& server) override {
    try {
      (void)not_accepting(in, server);
      return false;
    } catch (const LoginRefused&) {
      return true;
    }
  }

  Deferred<std::optional<StreamState>> stream(Scope& in, const Server& server, const std::string& name) override {
    return ask(in, server, [&](const Session& session) { return session.stream(in, name); });
  }

  std::unique_ptr<NatsSubscription> subscribe(Scope& in, const Server& server, const std::string& subject) override {
    return std::make_unique<Subscription>(in, std::make_shared<Session>(in, login(in, server)), subject);
  }

  void ensure(Scope& in, const Server& server, const Stream& wanted) override {
    require_stream_name(wanted.name);
    const auto alone = in.hold(stream_subject(server.instance, wanted.name));
    const std::optional<StreamState> found = *stream(in, server, wanted.name).peek(key());
    in.change(difference(server.instance, wanted, found), [&] {
      const Session session{in, login(in, server)};
      if (found) session.update(in, wanted.name, subjects_of(wanted.name));
      else session.add(in, wanted.name, subjects_of(wanted.name));
      return Settled{};
    });
  }

  void serves(const Server& server) override { servers_.put(server); }
  std::optional<Server> served(const std::string& instance) const override { return servers_.find(instance); }

  void remove(Scope& in, const LedgerEntry& entry) override {
    const auto alone = in.hold(entry.subject);
    const auto [instance, name] = place_of(entry.subject.name);
    const auto server = served(instance);
    in.change(removal(entry.subject, server && there(in, *server, name)), [&] {
      Session{in, login(in, *server)}.remove(in, name);
      return Settled{};
    });
  }

  Observation observe(Scope& in, const LedgerEntry& entry) override {
    const auto place = place_of(entry.subject.name);
    const auto server = served(place.instance);
    return host::observed(entry, server && server->password.peek(key()),
                          [&] { return stream(in, *server, place.name).peek(key())->has_value(); });
  }

  std::string read_again(Scope& in, std::string_view read_key) override {
    const auto [instance, name] = place_of(read_key);
    const auto server = served(instance);
    if (!server || !server->password.peek(key())) return not_asked;
    try {
      return fingerprint(*stream(in, *server, name).peek(key()));
    } catch (const Unreachable&) {
      return not_asked;
    } catch (const LoginRefused&) {
      return not_asked;
    }
  }

 private:
  using Key = std::tuple<host::Endpoint, std::string, std::string>;

  static Login login(Scope& in, const Server& server) {
    const auto* password = server.password.peek(key());
    if (!password)
      throw InternalError(
          fmt::format("the password of broker `{}` is not there yet: {}", server.instance, server.password.because()));
    in.conceal(*password);
    return {server.instance, server.at, server.user, *password};
  }

  /// Asks over a connection kept from before where there is one. A kept one may have ended unseen.
  template <class Question>
  std::optional<StreamState> ask(Scope& in, const Server& server, Question&& question) {
    const Login who = login(in, server);
    const Key where{who.at, who.user, who.password.reveal()};
    if (const auto kept = this->kept(where)) {
      try {
        return question(*kept);
      } catch (const Unreachable&) {
      }
    }
    const auto fresh = std::make_shared<Session>(in, who);
    const auto answer = question(*fresh);
    std::lock_guard hold{mutex_};
    sessions_.insert_or_assign(where, fresh);
    return answer;
  }
  std::shared_ptr<Session> kept(const Key& where) {
    std::lock_guard hold{mutex_};
    const auto found = sessions_.find(where);
    return found != sessions_.end() && found->second->usable() ? found->second : nullptr;
  }

  /// A server that lets nobody in, or is gone, holds up no destroy: its store goes with the server's folder.
  bool there(Scope& in, const Server& server, const std::string& name) {
    try {
      return stream(in, server, name).peek(key())->has_value();
    } catch (const Error& error) {
      if (error.data().category == Category::unreachable) return false;
      throw;
    }
  }

  host::Servers<Server> servers_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<Session>> sessions_;
};

}  // namespace

std::shared_ptr<Client> clients() { return std::make_shared<Clients>(); }

}  // namespace harmony::nats
