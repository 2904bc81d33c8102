#include "host/diff.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/hash.hpp"
#include "host/text.hpp"

namespace harmony::host {

namespace {

Subject subject(std::string kind, std::string name) { return {"host", std::move(kind), std::move(name)}; }

std::string short_hash(std::string_view text) { return sha256(text).substr(0, 16); }

void compare(std::vector<FieldChange>& fields, const std::string& path, const std::string& before,
             const std::string& after) {
  if (before != after) fields.push_back({path, before, after});
}

void compare_path(Change& change, const PathState& wanted, const std::optional<PathState>& live) {
  compare(change.fields, "mode", live ? octal(live->mode) : "", octal(wanted.mode));
  compare(change.fields, "owner", live ? live->owner : "", wanted.owner);
}

Change settled(Change change, bool there) {
  if (!there) change.action = Action::create;
  else if (!change.fields.empty()) change.action = Action::update;
  return change;
}

/// One with secrets in it is one field, whatever else is known: planned and done must name the same fields.
void compare_secret_content(Change& change, const Rendered& wanted, const std::optional<FileState>& live,
                            const Fingerprinter& fingerprinter) {
  const std::string before = !live ? "" : live->content ? fingerprinter.of(*live->content) : live->shown;
  if (!wanted.pending()) {
    compare(change.fields, "content", before, fingerprinter.of(wanted.text()));
    return;
  }
  if (live && !live->content && live->shown == wanted.shown) return;  // pending, and pending alike
  change.fields.push_back({"content", before, known_after(wanted.because), Origin::deferred});
  if (!live || !live->content || !wanted.could_be(*live->content)) return;
  change.fidelity = Fidelity::unknown;
  change.reason = "its content is only known after " + wanted.because;
}

void compare_content(Change& change, const Rendered& wanted, const std::optional<FileState>& live,
                     const Fingerprinter& fingerprinter) {
  if (wanted.secrets || (live && live->may_hold_secrets))
    return compare_secret_content(change, wanted, live, fingerprinter);
  const std::string text = wanted.text();
  if (!live) {
    change.fields.push_back(
        {"content", "",
         fmt::format("{}, {} bytes", counted(static_cast<int>(lines_of(text).size()), "line"), text.size())});
    return;
  }
  std::ranges::move(line_changes(live->content.value_or(""), text), std::back_inserter(change.fields));
}

void compare_definition(Change& change, const WantedProcess& wanted, const Definition& live) {
  for (const auto& [path, value] : wanted.definition.fields) {
    const std::string before = live.field(path);
    if (before == value) continue;
    const bool later = wanted.pending.contains(path);
    change.fields.push_back({path, before, value, later ? Origin::deferred : Origin::exact});
    if (!later || before.empty()) continue;
    change.fidelity = Fidelity::unknown;
    change.reason = fmt::format("`{}` is only known after the deploy", path);
  }
  for (const auto& [path, value] : live.fields)
    if (!wanted.definition.fields.contains(path)) change.fields.push_back({path, value, ""});
}

/// Where what runs is as wanted: is it kept running, and would its next start be the same? Named only where nothing
/// else moved: whether it is up may change while a deploy is on its way, which fields moved may not.
void compare_supervision(Change& change, const Process& process, const WantedProcess& wanted,
                         const ProcessFacts& live) {
  if (!live.next || live.next->fields != wanted.definition.fields) {
    change.fields.push_back({"next start", live.next ? "another version" : "damaged scripts", "the version that runs"});
    change.effect = "leaves the running process alone";
  }
  if (live.kept_up && live.half_reloaded && process.reload_signal) {
    change.fields.push_back({"reload", "interrupted", "done"});
    change.effect = "reloads without interruption";
  }
  if (live.log_gone) {
    change.fields.push_back({"log", "gone", "kept"});
    change.effect = "leaves the running process alone";
  }
  if (!live.kept_up) {
    change.fields.push_back({"state", "down", "up"});
    change.effect = "starts";
  } else if (!live.strays.empty()) {
    change.fields.push_back({"instance without supervisor", "running", "ended"});
    change.effect = process.interruption;
  } else if (!live.scanned) {
    change.fields.push_back({"supervisor", "gone", "running"});
    change.effect = process.interruption;
  } else if (process.outdated) {
    change.fields.push_back(*process.outdated);
    change.effect = process.interruption;
  }
}

}  // namespace

Subject user_subject(const std::string& name) { return subject("user", name); }
Subject directory_subject(const std::filesystem::path& path) { return subject("directory", path); }
Subject file_subject(const std::filesystem::path& path) { return subject("file", path); }
Subject tree_subject(const std::filesystem::path& path) { return subject("tree", path); }
Subject process_subject(const std::string& name) { return subject("process", name); }
Subject artefact_subject(const std::string& file_name, const std::string& hash) {
  return subject("artefact", file_name + "@" + hash.substr(0, 16));
}
Subject port_subject(const std::string& instance) { return subject("port", instance); }
Subject secret_subject(const std::string& name) { return subject("secret", name); }

Change user_change(const std::string& name) {
  Change change{.subject = user_subject(name), .shared = true};
  change.action = Action::create;
  change.fields = {{"shell", "", "/usr/sbin/nologin"}};
  change.effect = "runs services of all deployments";
  return change;
}

Change directory_change(const Directory& directory, const std::string& owner, const std::optional<PathState>& live) {
  Change change{.subject = directory_subject(directory.path)};
  compare_path(change, {directory.mode, owner}, live);
  return settled(std::move(change), live.has_value());
}

Change file_change(const File& file, const Rendered& wanted, const std::string& owner,
                   const std::optional<FileState>& live, const Fingerprinter& fingerprinter) {
  Change change{.subject = file_subject(file.path),
                .identity = std::string(wanted.secrets ? with_secrets : without_secrets)};
  compare_content(change, wanted, live, fingerprinter);
  compare_path(change, {file.mode, owner}, live ? std::optional{live->path} : std::nullopt);
  if (live && live->content) change.before = fingerprinter.of(*live->content);
  if (!wanted.pending()) change.after = fingerprinter.of(wanted.text());
  return settled(std::move(change), live.has_value());
}

void require_unserved(const Tree& tree, bool up) {
  if (!up) return;
  throw Error(
      {.code = "H0116",
       .category = Category::refused,
       .message = fmt::format("the data folder of `{}` is gone, and its server still runs in it", tree.served_by),
       .subject = "tree/" + tree.path.string(),
       .notes = {"a new one beside it would be damaged by the old one's end, so none is made"},
       .help =
           "put the folder back to its place; or give up the data of the whole deployment: destroy --delete-data, then "
           "deploy"});
}

Error secret_is_gone(const std::string& secret, const std::string& opens, std::string help) {
  return Error({.code = "H0438",
                .category = Category::refused,
                .message = fmt::format("`secret/{}` is gone, and what it opens is still there", secret),
                .subject = "secret/" + secret,
                .facts = {{"opens", opens}},
                .notes = {"a new one would not fit, so none is made"},
                .help = std::move(help)});
}

void require_unused(const std::string& secret, const std::filesystem::path& opens, bool there) {
  if (there)
    throw secret_is_gone(secret, "tree/" + opens.string(),
                         fmt::format("put `keys/{}` of the state folder back; without it, give up the data of the "
                                     "whole deployment: destroy --delete-data",
                                     secret));
}

Change tree_change(const Tree& tree, const std::optional<TreeState>& live) {
  Change change{.subject = tree_subject(tree.path), .holds_data = tree.holds_data};
  if (!live) {
    change.action = Action::create;
    if (!tree.command.empty()) change.fields.push_back({"made by", "", command_line(tree.command)});
    if (!tree.version.empty()) change.fields.push_back({"version", "", tree.version});
    return change;
  }
  change.before = change.after = live->version;
  if (tree.version.empty() || live->version == tree.version) return change;
  if (live->version.empty())
    throw Error({.code = "H0113",
                 .message = fmt::format("`{}` does not say which version made it: its `{}` is gone or empty",
                                        tree.path.string(), tree.version_file.string()),
                 .subject = change.subject.text(),
                 .help = "it is damaged: put it back from a backup; or give up the data of the whole deployment: "
                         "destroy --delete-data; nothing was written"});
  throw Error(
      {.code = "H0113",
       .message = fmt::format("`{}` was made by version {}, and version {} is to serve it", tree.path.string(),
                              live->version, tree.version),
       .subject = change.subject.text(),
       .facts = {{"found", live->version}, {"needed", tree.version}},
       .help = "install the version that made it, or move the data with the tools of the server; nothing was written"});
}

Change process_change(const Process& process, const WantedProcess& wanted, const ProcessFacts& live) {
  Change change{.subject = process_subject(process.name)};
  auto base = live.running ? live.running : live.next;
  if (base && !live.other_executable.empty()) base->fields["executable"] = live.other_executable;
  change.before = base ? short_hash(base->json()) : "";
  change.after = short_hash(wanted.definition.json());
  compare_definition(change, wanted, base.value_or(Definition{}));
  if (!live.declared || !base) {
    change.fidelity = Fidelity::exact;
    change.reason = {};
    // That it starts goes without saying.
    change.effect = live.declared ? "starts" : live.strays.empty() ? "" : "ends what runs without supervisor";
    return settled(std::move(change), live.declared);
  }
  if (change.fields.empty()) compare_supervision(change, process, wanted, live);
  else if (!live.kept_up) change.effect = "starts";
  else
    change.effect =
        live.strays.empty() && only_reloads(process, change) ? "reloads without interruption" : process.interruption;
  return settled(std::move(change), true);
}

bool only_reloads(const Process& process, const Change& change) {
  const auto is = [](std::string_view path) { return [=](const FieldChange& field) { return field.path == path; }; };
  if (!process.reload_signal) return false;
  if (std::ranges::any_of(change.fields, is("reload")))  // which goes before a new start of the same
    return std::ranges::all_of(
        change.fields, [&](const FieldChange& field) { return is("reload")(field) || is("next start")(field); });
  return change.fields.size() == 1 && is("configuration")(change.fields.front());
}

Change artefact_change(const std::string& file_name, const std::string& hash, bool there) {
  Change change{.subject = artefact_subject(file_name, hash), .after = hash};
  if (there) {
    change.before = hash;
    return change;
  }
  change.action = Action::create;
  change.fields = {{"sha256", "", hash}};
  return change;
}

Change port_change(const std::string& instance, int port, bool kept) {
  Change change{.subject = port_subject(instance), .identity = std::to_string(port)};
  if (kept) return change;
  change.action = Action::create;
  change.fields = {{"number", "", std::to_string(port)}};
  return change;
}

Change secret_change(const std::string& name, bool there) {
  Change change{.subject = secret_subject(name), .holds_data = true};
  if (there) return change;
  change.action = Action::create;
  change.fields = {{"value", "", "(generated)", Origin::generated}};
  return change;
}

Change removal(const LedgerEntry& entry, bool there) {
  Change change{.subject = entry.subject, .identity = entry.identity, .holds_data = entry.holds_data};
  if (!there) return change;
  change.action = Action::remove;
  change.loses_data = entry.holds_data;
  if (entry.holds_data) change.effect = "deletes all data";
  else if (entry.subject.kind == "process") change.effect = "stops";
  return change;
}

// ---------------------------------------------------------------- lines

namespace {

constexpr std::size_t shown_lines = 40, longest_table = 4'000'000;

/// Which lines of `before` stay, by the longest common subsequence: pairs of indices in both.
std::vector<std::pair<std::size_t, std::size_t>> common(const std::vector<std::string>& before,
                                                        const std::vector<std::string>& after) {
  const std::size_t n = before.size(), m = after.size();
  std::vector<std::vector<unsigned>> length(n + 1, std::vector<unsigned>(m + 1));
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t j = m; j-- > 0;)
      length[i][j] = before[i] == after[j] ? length[i + 1][j + 1] + 1 : std::max(length[i + 1][j], length[i][j + 1]);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    if (before[i] == after[j]) pairs.emplace_back(i++, j++);
    else if (length[i + 1][j] >= length[i][j + 1]) ++i;
    else ++j;
  }
  return pairs;
}

/// An empty side of a change means that there is none.
std::string shown_line(const std::string& line) { return line.empty() ? "(empty)" : line; }

}  // namespace

std::vector<FieldChange> line_changes(std::string_view before, std::string_view after) {
  if (before == after) return {};
  auto old_lines = lines_of(before), new_lines = lines_of(after);
  const auto edge =
      std::mismatch(old_lines.begin(), old_lines.end(), new_lines.begin(), new_lines.end()).first - old_lines.begin();
  const auto skipped = static_cast<std::size_t>(edge);
  old_lines.erase(old_lines.begin(), old_lines.begin() + edge);
  new_lines.erase(new_lines.begin(), new_lines.begin() + edge);
  if (old_lines.size() * new_lines.size() > longest_table ||
      old_lines == new_lines)  // huge, or only the last line's end
    return {{"content", short_hash(before), short_hash(after)}};

  std::vector<FieldChange> changes;
  auto kept = common(old_lines, new_lines);
  kept.emplace_back(old_lines.size(), new_lines.size());
  std::size_t i = 0, j = 0;
  for (const auto& [old_end, new_end] : kept) {
    for (; i < old_end || j < new_end; i += i < old_end, j += j < new_end) {
      const bool gone = j >= new_end;
      changes.push_back({gone ? fmt::format("line {} (old)", skipped + i + 1) : fmt::format("line {}", skipped + j + 1),
                         i < old_end ? shown_line(old_lines[i]) : "", gone ? "" : shown_line(new_lines[j])});
    }
    i = old_end + 1;
    j = new_end + 1;
  }
  if (changes.size() > shown_lines) {
    const auto rest = changes.size() - shown_lines;
    changes.resize(shown_lines);
    changes.push_back({"more lines", short_hash(before), fmt::format("{} more, {}", rest, short_hash(after))});
  }
  return changes;
}

}  // namespace harmony::host
