/// How things are, for `status`; and what they wrote, for `logs`.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "host/failures.hpp"
#include "host/logs.hpp"
#include "host/machine_host.hpp"
#include "host/printable.hpp"
#include "host/text.hpp"

namespace harmony::host {

namespace {

using Health = Observation::Health;

/// One that died once, long ago, is well again.
constexpr std::chrono::minutes remembered{2};

/// Unless a deploy that ended well has found it well since. Its time as ledgers write it: to the second, and more behind.
bool died_lately(const ProcessFacts& facts, const Ledger& ledger) {
  if (facts.deaths.empty()) return false;
  const Time last = facts.deaths.back().at;
  if (std::chrono::system_clock::now() - last >= remembered) return false;
  const auto died = fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(std::chrono::system_clock::to_time_t(last)));
  return died >= ledger.read().last_success.substr(0, died.size());
}

void describe(Observation& seen, const ProcessFacts& facts, bool listening, bool lately) {
  const auto exits = static_cast<int>(facts.deaths.size());
  const auto now = std::chrono::system_clock::now();
  const auto since = [now](Time then) { return std::chrono::duration_cast<std::chrono::seconds>(now - then); };
  if (!facts.declared && !facts.strays.empty()) {
    seen.health = Health::degraded;
    seen.detail = fmt::format("pid {} runs without supervisor", facts.strays.front());
  } else if (!facts.declared) {
    seen.health = Health::missing;
    seen.detail = "the supervisor does not know it";
  } else if (!facts.kept_up) {
    seen.health = Health::down;
    seen.detail = facts.scanned ? "not running" : "not running: its supervisor is gone, as after a reboot";
  } else if (facts.pid == 0) {
    seen.health = Health::degraded;
    seen.detail =
        facts.deaths.empty() ? "being started" : fmt::format("{}, and is started again", text_of(facts.deaths.back()));
  } else {
    seen.health = !listening                                                        ? Health::starting
                  : lately || facts.paused || !facts.scanned || facts.half_reloaded ? Health::degraded
                                                                                    : Health::ok;
    seen.detail = fmt::format("pid {}, up {}", facts.pid, duration_text(since(facts.since)));
    if (facts.half_reloaded) seen.detail += ", a reload of it was interrupted";
    if (facts.paused) seen.detail += ", " + paused_text(facts.pid);
    if (!listening) seen.detail += fmt::format(", does not listen on {} yet", facts.running->listens()->text());
    if (exits > 0)
      seen.detail += fmt::format(", restarted {}, last {} ago after it {}", counted(exits, "time"),
                                 duration_text(since(facts.deaths.back().at)), text_of(facts.deaths.back()));
    if (!facts.scanned) seen.detail += ", its supervisor is gone";
  }
  if (facts.declared && !facts.strays.empty()) {
    if (seen.health == Health::ok || seen.health == Health::starting) seen.health = Health::degraded;
    seen.detail += fmt::format("; pid {} runs without supervisor", facts.strays.front());
  }
}

}  // namespace

Observation MachineHost::observe(Scope& at, const LedgerEntry& entry) {
  Observation seen{.entry = entry};
  if (entry.subject.kind == "process") {
    const ProcessFacts facts = reader_.process(at, entry.subject.name);
    const auto endpoint = facts.running ? facts.running->listens() : std::nullopt;
    const auto listener = endpoint && facts.pid != 0 ? reader_.listener(*endpoint, entry.subject.name) : std::nullopt;
    describe(seen, facts, !endpoint || (listener && listener->ours), died_lately(facts, *ledger_));
    return seen;
  }
  const bool there = reader_.there(entry);
  seen.health = there ? Health::ok : Health::missing;
  if (entry.subject.kind == "port") seen.detail = entry.identity;
  else if (!there) seen.detail = "not there any more";
  return seen;
}

void MachineHost::logs(Scope& at, const LedgerEntry& entry, const LogQuery& query, const LogSink& sink) {
  const std::string& name = entry.subject.name;
  if (entry.subject.kind == "tree") {
    auto lines = lines_of(folder().read(log_of_tree(name)).value_or(""));
    if (lines.size() > query.lines) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(query.lines));
    for (const std::string& line : lines) sink(name, printable(line));
  }
  if (entry.subject.kind != "process") return;
  LogPlace read_to;
  for (const std::string& line : last_lines(folder(), log_folder(name), query.lines, read_to)) sink(name, line);
  if (!query.follow) return;
  try {
    follow(at, folder(), log_folder(name), std::move(read_to), [&](std::string_view line) { sink(name, line); });
  } catch (const Stopped&) {  // that is how following ends
  }
}

}  // namespace harmony::host
