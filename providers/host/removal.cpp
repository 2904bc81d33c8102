/// Taking away what a ledger entry names. Each can be done again after a kill at any of its points.
#include <vector>

#include "host/diff.hpp"
#include "host/logs.hpp"
#include "host/machine_host.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

/// Data below a folder outlives it.
std::vector<fs::path> data_in(const LedgerState& ledger) {
  std::vector<fs::path> all;
  for (const LedgerEntry& entry : ledger.entries)
    if (entry.subject.primitive == "host" && entry.subject.kind == "tree" && entry.holds_data)
      all.emplace_back(entry.subject.name);
  return all;
}

}  // namespace

void MachineHost::remove(Scope& at, const LedgerEntry& entry) {
  const auto hold = at.hold(entry.subject);
  if (entry.shared) {
    at.change({.subject = entry.subject, .shared = true}, [] { return Settled{}; });
    return;
  }
  at.change(removal(entry, reader_.left(entry)), [&] {
    take_away(at, entry);
    return Settled{};
  });
}

void MachineHost::take_away(const Scope& at, const LedgerEntry& entry) {
  const auto& [primitive, kind, name] = entry.subject;
  if (kind == "process") {
    reader_.supervisor().remove(at, name);
    tidy_parents(fs::path("services") / name / "any");
  } else if (kind == "directory") {
    folder().remove(name, data_in(reader_.ledger().read()));
    tidy_parents(name);
  } else if (kind == "file") {
    folder().remove(Folder::draft_of(name));
    folder().remove(name);
    tidy_parents(name);
  } else if (kind == "tree") {
    const fs::path next = name + ".next";
    folder().remove(next);
    if (folder().look(name)) folder().rename(name, next);  // half of it would pass for the whole
    at.point("folder out of the way");
    folder().remove(next);
    at.point("folder removed");
    folder().remove(Folder::draft_of(log_of_tree(name)));
    folder().remove(log_of_tree(name));
    tidy_parents(name);
    tidy_parents(log_of_tree(name));
  } else if (kind == "artefact") {
    const fs::path file = artefact_file(name), place = file.parent_path();
    folder().remove(Folder::draft_of(place));
    folder().remove(file);
    if (folder().names(place) == std::vector<std::string>{".source"}) folder().remove(place);
    tidy_parents(file);
  } else if (kind == "secret") {
    folder().remove(Folder::draft_of(fs::path("keys") / name));
    folder().remove(fs::path("keys") / name);
  }
  at.point("taken away");
}

/// Folders above that are empty now and that no entry speaks of.
void MachineHost::tidy_parents(fs::path path) const {
  const LedgerState ledger = reader_.ledger().read();
  for (path = path.parent_path(); !path.empty(); path = path.parent_path()) {
    if (ledger.find(directory_subject(path))) return;
    if (!folder().remove_if_empty(path)) return;
  }
}

}  // namespace harmony::host
