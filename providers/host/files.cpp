/// Directories and files.
#include "host/diff.hpp"
#include "host/machine_host.hpp"
#include "host/names.hpp"

namespace harmony::host {

void MachineHost::ensure(Scope& at, const Directory& directory) {
  require_path("directory", directory.path);
  ensure_user(at, directory.owner);
  const auto hold = at.hold(directory_subject(directory.path));
  at.change(directory_change(directory, reader_.owner_name(directory.owner), reader_.directory(directory.path)), [&] {
    make_way(directory.path);
    folder().make(directory.path, directory.mode, owner(directory.owner));
    return Settled{};
  });
}

void MachineHost::ensure(Scope& at, const File& file) {
  require_path("file", file.path);
  ensure_user(at, file.owner);
  const auto hold = at.hold(file_subject(file.path));
  const Rendered content = rendered(at, file.content, key());
  const Change change = at.change(
      file_change(file, content, reader_.owner_name(file.owner), reader_.file(file.path), at.fingerprinter()), [&] {
        make_way(file.path);
        const auto parent = file.path.parent_path();
        if (!parent.empty() && !folder().look(parent)) folder().make(parent, 0700, owner(file.owner));
        folder().draft(file.path, content.text(), file.mode, owner(file.owner));
        at.point("file written beside its place");
        folder().place(file.path);
        return Settled{};
      });
  // A deploy to another version was killed, and this one goes back.
  const auto draft = Folder::draft_of(file.path);
  if (change.action == Action::unchanged && folder().look(draft)) folder().remove(draft);
}

}  // namespace harmony::host
