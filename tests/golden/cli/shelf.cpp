#include "shelf.hpp"

namespace shelves {
namespace {

class LengthFingerprinter final : public Fingerprinter {
 public:
  std::string of(std::string_view value) const override { return "fp" + std::to_string(value.size()); }
};

Subject subject_of(const std::string& name) { return {"shelf", "item", name}; }

std::string label_of(Scope& at, const Setting& label) {
  if (const auto* secret = std::get_if<Secret<std::string>>(&label)) {
    at.conceal(*secret);
    return at.fingerprinter().of(secret->reveal());
  }
  const auto* text = std::get_if<std::string>(&label);
  return text ? *text : std::string{};
}

Change difference(const Item& item, const std::optional<Stored>& before, const Stored& after) {
  Change change{.subject = subject_of(item.name), .holds_data = item.holds_data};
  if (before == after) return change;
  const auto field = [&](const char* path, const std::string& old_value, const std::string& value) {
    if (old_value != value) change.fields.push_back({.path = path, .before = old_value, .after = value});
  };
  const Stored old = before.value_or(Stored{});
  field("kind", old.kind, after.kind);
  field("note", old.note, after.note);
  field("label", old.label, after.label);
  change.action = !before ? Action::create : old.kind == after.kind ? Action::update : Action::replace;
  if (change.action == Action::update) change.effect = "shakes the shelf";
  if (change.action == Action::replace)
    change.reason = "another kind needs another place", change.effect = "interrupts service",
    change.loses_data = item.holds_data;
  return change;
}

/// An error that tells more than it should, wherever it can.
[[noreturn]] void break_seal(Scope& at) {
  const Secret<std::string> seal("hunter2-hunter2");
  at.conceal(seal);
  const auto leak = [&](const char* part) { return std::string(part) + " of " + seal.reveal(); };
  throw Error({.code = "H0207",
               .message = leak("message"),
               .subject = leak("subject"),
               .facts = {{"seal", leak("fact")}},
               .log = {leak("log")},
               .notes = {leak("note")},
               .help = leak("help")});
}

}  // namespace

World& world() {
  static World only;
  return only;
}

void Shelf::put(Scope& at, const Item& item) {
  Scope step = at.step({.kind = item.kind, .name = item.name, .detail = "on the shelf"});
  if (item.kind == "poison")
    throw Error({.code = "H0207", .category = Category::refused, .message = "poison does not belong on a shelf"});
  const Stored after{item.kind, item.note, label_of(step, item.label)};
  const auto change = step.change(difference(item, find(item.name), after), [&] {
    store(item.name, after);
    return Settled{.identity = "place " + std::to_string(item.name.size())};
  });
  if (change.action == Action::unchanged) return;
  const auto start = std::chrono::steady_clock::now();
  step.until(
      {.limit = std::chrono::seconds{30}, .what = "it is ready", .subject = change.subject.text()},
      [&]() -> std::optional<std::string> {
        if (!item.fails.empty() &&
            !std::dynamic_pointer_cast<RehearsedShelf>(std::shared_ptr<Shelf>(this, [](Shelf*) {})))
          throw Error({.code = "H0207",
                       .message = "item `" + item.name + "` does not get ready: " + item.fails,
                       .subject = change.subject.text(),
                       .facts = {{"shelf", "3, left"}},
                       .log = {"it was \x1b[31mdropped\x1b[0m", "and\x7f\xc2\x9b broke\xe2\x80\xae\xf3\xa0\x81\x81"},
                       .notes = {"the one before is still there"},
                       .help = "put it down gently and deploy again"});
        if (std::chrono::steady_clock::now() - start >= item.takes) return std::nullopt;
        return "the shelf is still wet";
      });
  step.note("open", "http://127.0.0.1/" + item.name);
}

// ---------------------------------------------------------------- real

std::optional<Stored> RealShelf::find(const std::string& name) const {
  std::lock_guard hold{world().mutex};
  const auto found = world().items.find(name);
  return found == world().items.end() ? std::nullopt : std::optional(found->second);
}

void RealShelf::store(const std::string& name, const std::optional<Stored>& item) {
  std::lock_guard hold{world().mutex};
  if (item) world().items[name] = *item;
  else world().items.erase(name);
}

void RealShelf::remove(Scope& at, const LedgerEntry& entry) {
  const Action action = find(entry.subject.name) ? Action::remove : Action::unchanged;
  at.change({.subject = entry.subject,
             .action = action,
             .effect = "takes it away",
             .reason = "no Score contains it any more"},
            [&] {
              store(entry.subject.name, std::nullopt);
              return Settled{};
            });
}

Observation RealShelf::observe(Scope&, const LedgerEntry& entry) {
  const auto item = find(entry.subject.name);
  using Health = Observation::Health;
  return {.entry = entry,
          .health = item ? Health::ok : Health::missing,
          .detail = item ? item->kind + ", " + item->note : "not on the shelf"};
}

void RealShelf::logs(Scope& at, const LedgerEntry& entry, const LogQuery& query, const LogSink& sink) {
  if (const auto item = find(entry.subject.name); item && item->note == "sealed") break_seal(at);
  for (std::size_t i = 0; i < std::min<std::size_t>(query.lines, 3); ++i)
    sink(entry.subject.name, "line " + std::to_string(i) + " of \x1b[2Jthe log");
}

std::string RealShelf::read_again(Scope&, std::string_view key) {
  const auto item = find(std::string(key));
  return item ? item->kind + item->note + item->label : std::string{};
}

// ---------------------------------------------------------------- rehearsed

std::optional<Stored> RehearsedShelf::find(const std::string& name) const {
  if (const auto pending = pending_.find(name); pending != pending_.end()) return pending->second;
  std::lock_guard hold{world().mutex};
  const auto found = world().items.find(name);
  const auto item = found == world().items.end() ? std::nullopt : std::optional(found->second);
  rehearsal_.read("shelf", name, item ? item->kind + item->note + item->label : std::string{});
  return item;
}

void RehearsedShelf::remove(Scope& at, const LedgerEntry& entry) {
  const Action action = find(entry.subject.name) ? Action::remove : Action::unchanged;
  at.change({.subject = entry.subject,
             .action = action,
             .effect = "takes it away",
             .reason = "no Score contains it any more"},
            [&] {
              store(entry.subject.name, std::nullopt);
              return Settled{};
            });
}

// ---------------------------------------------------------------- the topology

const Fingerprinter& Box::fingerprinter() const {
  static const LengthFingerprinter only;
  return only;
}

std::shared_ptr<Topology> Box::rehearsed(Rehearsal& rehearsal) {
  return std::make_shared<Box>(TopologySettings{}, twin_of(shelf_, rehearsal));
}

}  // namespace shelves
