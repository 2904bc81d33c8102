/// Folders that a command fills.
#include <fmt/format.h>

#include "host/command.hpp"
#include "host/diff.hpp"
#include "host/failures.hpp"
#include "host/logs.hpp"
#include "host/machine_host.hpp"
#include "host/names.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

std::string with_place(std::string word, const fs::path& place) {
  constexpr std::string_view mark = "%OUT%";
  for (auto at = word.find(mark); at != std::string::npos; at = word.find(mark, at + place.string().size()))
    word.replace(at, mark.size(), place.string());
  return word;
}

}  // namespace

void MachineHost::ensure(Scope& at, const Tree& tree) {
  require_path("tree", tree.path);
  ensure_user(at, tree.owner);
  const auto hold = at.hold(tree_subject(tree.path));
  const Change change = tree_change(tree, reader_.tree(tree));
  if (change.action == Action::create)
    require_unserved(tree, !tree.served_by.empty() && process(at, tree.served_by).up);
  if (change.action != Action::unchanged && !tree.command.empty())
    require_program(tree.command.front(), change.subject);
  at.change(change, [&] {
    fill(at, tree, rendered(at, tree.input, key()));
    return Settled{};
  });
}

void MachineHost::fill(const Scope& at, const Tree& tree, const Rendered& input) const {
  const fs::path next = tree.path.string() + ".next", parent = tree.path.parent_path();
  make_way(tree.path);
  if (!parent.empty() && !folder().look(parent)) folder().make(parent, 0700, owner(tree.owner));
  folder().remove(next);  // what a kill left; whoever still writes there holds the lock, so nobody does
  folder().make(next, 0700, owner(tree.owner));
  at.point("folder made beside its place");
  if (!tree.command.empty()) {
    std::vector<std::string> command = as_user(tree.owner);
    for (const std::string& word : tree.command) command.push_back(with_place(word, folder().absolute(next)));
    const Ended ended = run(at, {.argv = command,
                                 .name = tree.command.front(),
                                 .input = input.text(),
                                 .reader = owner(tree.owner),
                                 .lock = inherited_lock(*ledger_)});
    folder().remove(log_of_tree(tree.path));  // of the last failure; what a command says that did its work misleads
    if (!ended.ok()) {
      folder().remove(next);  // first: its log may need the room
      keep_log(tree.path, ended.output);
      std::vector<std::string> shown = tree.command;  // as somebody could run it
      for (std::string& word : shown) word = with_place(word, folder().absolute(tree.path));
      throw command_failed(shown, ended, tree_subject(tree.path));
    }
    at.point("folder filled");
  }
  if (!tree.version_file.empty()) {
    Tree made = tree;
    made.path = next;
    tree_change(made, reader_.tree(made));  // throws where the command made another version than was asked for
  }
  folder().rename(next, tree.path);
  at.point("folder in place");
}

/// The tree is worth more than the log of its making: on a full disk there is none.
void MachineHost::keep_log(const fs::path& tree, std::string_view output) const {
  try {
    make_way(log_of_tree(tree));
    folder().write(log_of_tree(tree), output, 0600, std::nullopt);
  } catch (const Error&) {
  }
}

}  // namespace harmony::host
