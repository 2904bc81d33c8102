#include <algorithm>
#include <atomic>
#include <mutex>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include "exit_code.hpp"
#include "json_text.hpp"
#include "session.hpp"
#include "text.hpp"

namespace harmony::cli {
namespace {

/// "guestbook-db | database system is ready", the bars below each other as far as is known.
class LogPrinter {
 public:
  explicit LogPrinter(const Session& session) : session_(session), style_(session.in.result_style()) {}

  void print(std::string_view source, std::string_view line) {
    const Redact redact = session_.redact();
    const std::string name = printable_line(source), text = printable_line(redact(line));
    std::lock_guard hold{mutex_};
    ++lines_;
    if (session_.json()) return session_.print(one_line(boost::json::object{{"source", name}, {"line", text}}));
    width_ = std::max(width_, width_of(name));
    session_.print(style_.cyan(padded(name, width_)) + style_.dim(" | ") + text + "\n");
  }
  std::size_t lines() const { return lines_; }

 private:
  const Session& session_;
  const Style style_;
  std::mutex mutex_;
  std::size_t width_ = 0;
  std::atomic<std::size_t> lines_{0};
};

Error nothing_found(const Session& session, const std::string& filter) {
  std::vector<std::string> names;
  for (const LedgerEntry& entry : session.engine->ledger_state().entries)
    if (!entry.step_name.empty() && std::ranges::find(names, entry.step_name) == names.end())
      names.push_back(entry.step_name);
  Diagnostic none{.code = "H0515",
                  .category = Category::usage,
                  .message = fmt::format("nothing that is deployed is called `{}`", printable_line(filter))};
  none.help = names.empty() ? "nothing is deployed" : fmt::format("deployed are: {}", fmt::join(names, ", "));
  return Error(std::move(none));
}

bool matches(const LedgerEntry& entry, const std::string& filter) {
  return entry.step_name.find(filter) != std::string::npos || entry.subject.name.find(filter) != std::string::npos;
}

/// While it lives, the logs end where nobody reads them any more.
class EndWithReader {
 public:
  explicit EndWithReader(Session& session) : output_(session.in.results()) {
    output_.on_failure([&session] { session.signals->source().request_stop(); });
  }
  ~EndWithReader() { output_.on_failure({}); }
  EndWithReader(const EndWithReader&) = delete;
  EndWithReader& operator=(const EndWithReader&) = delete;

 private:
  Output& output_;
};

}  // namespace

int logs_verb(Session& session) {
  const std::string filter =
      session.arguments.positional.empty() ? std::string{} : session.arguments.positional.front();
  constexpr std::size_t most_lines = 1'000'000;  // they are held in memory, and counted in bytes by who reads them
  const LogQuery query{.lines = session.arguments.number("lines", LogQuery{}.lines, most_lines),
                       .follow = session.arguments.has("follow")};
  session.engine->reach();
  const auto entries = session.engine->require_ledger().entries;
  if (!filter.empty() &&
      std::ranges::none_of(entries, [&](const LedgerEntry& entry) { return matches(entry, filter); }))
    throw nothing_found(session, filter);
  LogPrinter printer{session};
  {
    const EndWithReader reader{session};
    session.engine->logs(filter, query,
                         [&](std::string_view source, std::string_view line) { printer.print(source, line); });
  }
  session.finish_progress();
  if (const auto signal = session.signals->received()) return 128 + *signal;
  if (printer.lines() == 0 && query.lines > 0)
    session.say(entries.empty() ? "note: nothing is deployed\n" : "note: there are no log lines\n");
  return exit_done;
}

}  // namespace harmony::cli
