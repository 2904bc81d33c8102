#include "k8s/secret_ledger.hpp"
#include "k8s/values.hpp"

#include <mutex>
#include <set>

#include <fmt/format.h>

#include <boost/json.hpp>

#include "harmony/background.hpp"
#include "host/journal.hpp"
#include "k8s/base64.hpp"
#include "k8s/sure_write.hpp"
#include "k8s/wanted.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr const char* ledger_type = "harmony.dev/ledger";
constexpr const char* journal_key = "journal";
constexpr const char* fingerprint_key_name = "fingerprint-key";
constexpr std::size_t largest = 900'000;     // of 1 MiB that etcd takes

}  // namespace

struct SecretLedger::State {
  State(std::shared_ptr<const Place> at, std::shared_ptr<Lease> lock)
      : place(std::move(at)), lease(std::move(lock)), background(place->deployment, [this](std::string_view why) {
          std::lock_guard only{telling};
          if (tell) tell(why);
        }) {}

  std::shared_ptr<const Place> place;
  std::shared_ptr<Lease> lease;
  std::mutex telling;
  std::function<void(std::string_view)> tell;
  Background background;
  std::mutex mutex;
  std::optional<json::value> held;           ///< the Secret, while the lock is
  std::string journal;
  std::uint64_t next = 1;
  std::set<std::string> kinds;               ///< of subjects that the deployment has, or had when this run began

  Client& client() const { return *place->client; }
  std::string name() const { return fmt::format("secret/{}/{}", place->space, place->parent_name()); }

  std::optional<json::value> fetch() const {
    Scope in = background.scope();
    auto found = client().get(in, client().resource(in, {"", "v1", "Secret"}), place->space, place->parent_name());
    if (found && text_at(*found, "type") != ledger_type) throw somebody_elses();
    return found;
  }
  Error somebody_elses() const {
    return Error(
        {.code = "H0430",
         .category = Category::refused,
         .message = fmt::format("`secret/{}`, where the ledger is to be, is somebody else's", place->parent_name()),
         .subject = "secret/" + place->parent_name(),
         .facts = {{"namespace", place->space}},
         .help = "choose another --deployment or namespace"});
  }
  static std::optional<std::string> value_in(const json::value& secret, const char* key) {
    const auto* value = member(find(secret, "data"), key);
    if (!value || !value->is_string()) return std::nullopt;
    return from_base64(std::string_view(value->get_string().data(), value->get_string().size()));
  }

  json::value made(const std::string& fingerprint_key) const {
    return {
        {"apiVersion", "v1"},
        {"kind", "Secret"},
        {"type", ledger_type},
        {"metadata",
         {{"name", place->parent_name()},
          {"namespace", place->space},
          {"labels",
           {{"app.kubernetes.io/managed-by", field_manager},
            {deployment_label, place->deployment},
            {"applyset.kubernetes.io/id", place->applyset_id()}}},
          {"annotations",
           {{"applyset.kubernetes.io/tooling", "harmony/v1"}, {"applyset.kubernetes.io/contains-group-kinds", ""}}}}},
        {"data",
         {{fingerprint_key_name, to_base64(fingerprint_key)},
          {journal_key, to_base64(host::whole_line(place->deployment, {}))}}}};
  }

  void load() {
    held = fetch();
    if (!held) throw InternalError("the ledger was to be written before it was made");
    journal = value_in(*held, journal_key).value_or("");
    const host::Journal read = host::read_journal(journal, place->deployment, name());
    journal.resize(read.intact);
    next = read.next;
    kinds.clear();
    note_kinds(read.state.entries);
  }

  void note_kinds(const std::vector<LedgerEntry>& entries) {
    for (const LedgerEntry& entry : entries)
      if (entry.subject.primitive == "k8s" && !entry.shared) kinds.insert(entry.subject.kind);
  }
  /// As an ApplySet names them (KEP-3659): "Deployment.apps". Until a run ends, those it has taken away are among them.
  std::string group_kinds(Scope& in) const {
    std::set<std::string> all;
    for (const std::string& kind : kinds)
      if (const auto resource = resource_of(in, *place, kind))
        all.insert(resource->what.kind + (resource->what.group.empty() ? "" : "." + resource->what.group));
    return fmt::format("{}", fmt::join(all, ","));
  }

  void store() {
    if (journal.size() > largest) throw too_large();
    Scope in = background.scope();
    auto& object = held->as_object();
    object["data"].as_object()[journal_key] = to_base64(journal);
    object["metadata"].as_object()["annotations"].as_object()["applyset.kubernetes.io/contains-group-kinds"] =
        group_kinds(in);
    lease->require_held(in);
    const Resource secrets = client().resource(in, {"", "v1", "Secret"});
    held = write_surely(
        in, [&] { return client().replace(in, secrets, *held, {.manager = field_manager}).object; },
        [&] {
          auto now = fetch();
          return now && value_in(*now, journal_key) == journal ? now : std::nullopt;
        });
  }

  template <class MakeLine>
  void add(const std::vector<LedgerEntry>& entries, MakeLine&& make_line) {
    std::lock_guard hold{mutex};
    if (!held) load();
    note_kinds(entries);
    journal += make_line(next);
    ++next;
    store();
  }

  Error too_large() const {
    return Error(
        {.code = "H0436",
         .message = fmt::format("the ledger of deployment `{}` has grown to {} bytes, more than a Secret holds",
                                place->deployment, journal.size()),
         .subject = name(),
         .help = "make two deployments of it"});
  }
};

SecretLedger::SecretLedger(std::shared_ptr<const Place> place, std::shared_ptr<Lease> lease)
    : state_(std::make_shared<State>(std::move(place), std::move(lease))) {}
SecretLedger::~SecretLedger() = default;

LedgerState SecretLedger::read() const {
  const auto secret = state_->fetch();
  if (!secret) return {};
  const std::string bytes = State::value_in(*secret, journal_key).value_or("");
  LedgerState found = host::read_journal(bytes, state_->place->deployment, state_->name()).state;
  if (found.unfinished()) {
    Scope in = state_->background.scope();
    found.run->at_work = state_->lease->held_elsewhere(in);
  }
  return found;
}

std::unique_ptr<Lock> SecretLedger::lock(Scope& in, std::chrono::milliseconds limit) {
  auto lock = state_->lease->lock(in, limit);
  std::lock_guard hold{state_->mutex};
  state_->held.reset();
  return lock;
}

void SecretLedger::tell(std::function<void(std::string_view reason)> waits) {
  std::lock_guard only{state_->telling};
  state_->tell = std::move(waits);
}

void SecretLedger::begin(const RunRecord& run, const std::vector<LedgerEntry>& intended) {
  state_->add(intended, [&](std::uint64_t n) { return host::begin_line(n, run, intended); });
}
void SecretLedger::intend(const LedgerEntry& entry) {
  state_->add({entry}, [&](std::uint64_t n) { return host::intend_line(n, entry); });
}
void SecretLedger::settle(const LedgerEntry& entry) {
  state_->add({entry}, [&](std::uint64_t n) { return host::settle_line(n, entry); });
}
void SecretLedger::forget(const Subject& subject) {
  state_->add({}, [&](std::uint64_t n) { return host::forget_line(n, subject); });
}
void SecretLedger::finish(const RunRecord& run) {
  std::lock_guard hold{state_->mutex};
  if (!state_->held) state_->load();
  host::Journal whole = host::read_journal(state_->journal, state_->place->deployment, state_->name());
  host::finish(whole.state, run);
  state_->journal = host::whole_line(state_->place->deployment, whole.state);
  state_->next = 2;
  state_->kinds.clear();
  state_->note_kinds(whole.state.entries);
  state_->store();
}

std::optional<std::string> SecretLedger::fingerprint_key() const {
  const auto secret = state_->fetch();
  return secret ? State::value_in(*secret, fingerprint_key_name) : std::nullopt;
}

std::string SecretLedger::keep_fingerprint_key(const std::string& key) {
  Scope in = state_->background.scope();
  const Resource secrets = state_->client().resource(in, {"", "v1", "Secret"});
  const auto create = [&] {
    return state_->client().create(in, secrets, state_->made(key), {.manager = field_manager}).object;
  };
  if (!state_->fetch()) try {
      write_surely(in, create, [&] { return state_->fetch(); });
    } catch (const ApiError& error) {
      if (!error.conflict()) throw;  // another deploy was quicker: its key counts
    }
  return fingerprint_key().value_or(key);
}

bool SecretLedger::is_there() const { return state_->fetch().has_value(); }

void SecretLedger::take_away() {
  const auto secret = state_->fetch();
  if (!secret) return;
  Scope in = state_->background.scope();
  state_->client().remove(in, state_->client().resource(in, {"", "v1", "Secret"}), state_->place->space,
                          state_->place->parent_name(), {.uid = std::string(text_at(*secret, "metadata.uid"))});
}

}  // namespace harmony::k8s
