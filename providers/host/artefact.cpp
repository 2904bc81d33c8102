/// Executables, copied by their hash.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "host/diff.hpp"
#include "host/durable.hpp"
#include "host/failures.hpp"
#include "host/machine_host.hpp"
#include "host/names.hpp"

namespace harmony::host {

namespace fs = std::filesystem;

namespace {

void copy(const fs::path& source, const Descriptor& from, const Descriptor& to, const fs::path& path) {
  std::vector<char> buffer(1 << 18);
  for (;;) {
    const auto got = ::read(from.number(), buffer.data(), buffer.size());
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw executable_unreadable(source, errno);
    if (const int cause = write_whole(to.number(), {buffer.data(), static_cast<std::size_t>(got)}))
      throw write_failure(path, cause);
  }
  if (::fsync(to.number()) != 0) throw write_failure(path, errno);
}

}  // namespace

InstalledArtefact MachineHost::ensure(Scope& at, const Artefact& artefact) {
  const std::string file_name = artefact.source.filename();
  require_name("artefact", file_name);
  const std::string hash = reader_.hash_of_source(artefact.source);
  const Subject subject = artefact_subject(file_name, hash);
  const auto hold = at.hold(subject);
  at.change(artefact_change(file_name, hash, reader_.installed(subject)), [&] {
    install(at, artefact.source, hash);
    return Settled{};
  });
  return {absolute(artefact_file(subject.name)), hash};
}

void MachineHost::install(const Scope& at, const fs::path& source, const std::string& hash) const {
  const fs::path installed = artefact_file(artefact_subject(source.filename(), hash).name),
                 place = installed.parent_path();
  const fs::path next = Folder::draft_of(place), file = next / source.filename();
  const int open_to_services = reader_.as_root() ? 0755 : 0700;
  make_way(place);
  folder().remove(next);
  folder().make(next, open_to_services, std::nullopt);
  const Descriptor from{::open(source.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!from) throw executable_unreadable(source, errno);
  copy(source, from, folder().create(file, open_to_services), folder().absolute(file));
  at.point("artefact copied");
  if (reader_.hash_of(folder().absolute(file)) != hash) {
    folder().remove(next);
    throw Error({.code = "H0108",
                 .message = fmt::format("`{}` changed while it was copied", source.string()),
                 .subject = artefact_subject(source.filename(), hash).text(),
                 .help = "wait until it is built, then deploy again"});
  }
  folder().write(next / ".source", fmt::format("{} {}\n", identity_of(from.number()).text(), hash), 0600, std::nullopt);
  if (folder().look(place)) {  // the same bytes under another name, or a damaged copy
    folder().rename(file, installed);
    folder().remove(next);
  } else {
    folder().rename(next, place);
  }
  at.point("artefact in place");
}

}  // namespace harmony::host
