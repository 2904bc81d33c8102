#include "workloads/on_host.hpp"

#include <fmt/format.h>

#include "workloads/wanted.hpp"

namespace harmony::workloads {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

fs::path find_binary(const Artefact& artefact) {
  const fs::path wanted{artefact.binary};
  std::error_code none;
  const fs::path beside =
      fs::read_symlink("/proc/self/exe", none).parent_path() / wanted;  // an absolute one stays itself
  std::error_code failed;
  const fs::file_status found = fs::status(beside, failed);
  const bool file = !wanted.empty() && fs::is_regular_file(found);
  constexpr auto executable = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
  if (file && (found.permissions() & executable) != fs::perms::none) return fs::canonical(beside);
  const auto what = [&] {
    if (wanted.empty()) return std::string("this workload has no binary, and this topology runs processes");
    if (file) return fmt::format("the binary `{}` is not executable", artefact.binary);
    if (fs::exists(found)) return fmt::format("the binary `{}` is not a file", artefact.binary);
    if (failed && failed != std::errc::no_such_file_or_directory && failed != std::errc::not_a_directory)
      return fmt::format("the binary `{}` cannot be looked at: {}", artefact.binary, failed.message());
    return fmt::format("the binary `{}` is not there", artefact.binary);
  };
  Diagnostic missing{.code = "H0250",
                     .message = what(),
                     .subject = "artefact/" + artefact.binary,
                     .facts = {{"looked for", beside.string()}},
                     .help = "build it, put it beside the deploy binary, or give its absolute path"};
  if (wanted.empty()) {
    missing.category = Category::usage;
    missing.subject.clear();
    missing.facts.clear();
    missing.help = "name one in the Score, or with --set where it has such a field";
  }
  throw Error(std::move(missing));
}

namespace {

std::string text_of(const Setting& setting, const Fingerprinter& fingerprinter) {
  if (const auto* text = std::get_if<std::string>(&setting)) return *text;
  if (const auto* secret = std::get_if<Secret<std::string>>(&setting)) return fingerprinter.of(secret->reveal());
  const auto& reference = std::get<Reference>(setting);
  return reference.capability + ":" + reference.instance + ":" + reference.field;
}

/// What makes a version: two that differ here run side by side while one takes over from the other.
std::string version_of(const Workload& workload, const host::InstalledArtefact& installed,
                       const Fingerprinter& fingerprinter) {
  std::string identity = installed.hash + "\n" + workload.ready_path;
  for (const std::string& argument : workload.arguments) identity += "\n" + argument;
  for (const auto& [name, setting] : workload.environment)
    identity += "\n" + name + "=" + text_of(setting, fingerprinter);
  // Plain FNV-1a: it names versions, in plans of different keys too; it protects nothing.
  std::uint32_t hash = 2166136261u;
  for (const unsigned char c : identity) hash = (hash ^ c) * 16777619u;
  return fmt::format("{:08x}", hash);
}

/// Each is a process with a port of its own; more than a machine has use for is a slip of the keyboard.
void require_room(const Workload& workload) {
  constexpr int most = 1000;
  if (workload.replicas.value_or(1) <= most) return;
  throw Error({.code = "H0251",
               .category = Category::usage,
               .message = fmt::format("workload `{}` is to have {} replicas, and one machine takes {} at most",
                                      workload.instance, *workload.replicas, most),
               .subject = "workload/" + workload.instance,
               .help = "give it fewer"});
}

/// The first line of an answer, for the reason of a wait.
std::string first_line(const std::string& body) {
  constexpr std::size_t longest = 160;
  return body.substr(0, std::min(body.find('\n'), longest));
}

}  // namespace

std::optional<std::string> not_ready(Scope& in, http::Probe& probe, const host::Endpoint& at, const std::string& path) {
  const http::Answer answer = probe.request(in, at, {.path = path}, 2s);
  if (!answer.response) return fmt::format("{}: {}", path, answer.failure);
  if (answer.response->status == 200) return std::nullopt;
  return fmt::format("{} answers {} ({})", path, answer.response->status, first_line(answer.response->body));
}

std::optional<std::string> not_answering(Scope& in, http::Probe& probe, const host::Endpoint& at) {
  const http::Answer answer = probe.request(in, at, {}, 2s);
  return answer.response ? std::nullopt : std::optional{"a request gets no answer: " + answer.failure};
}

Replica OnHost::ensure_replica(Scope& step, const Workload& workload, const host::InstalledArtefact& installed,
                               const std::string& name) {
  const host::Endpoint at{.port = host_->port(step, name)};
  host::Process process{.name = name,
                        .command = {installed.path},
                        .listens = at,
                        .ready_path = workload.ready_path,
                        .executable_hash = installed.hash};
  process.command.insert(process.command.end(), workload.arguments.begin(), workload.arguments.end());
  for (const auto& [variable, setting] : workload.environment) {
    process.environment.emplace(variable, resolver_.resolve(step, setting));
    if (auto identity = resolver_.identity(step, setting); !identity.empty())
      process.identities.emplace(variable, std::move(identity));
  }
  process.environment.emplace(workload.listen_variable, host::Content{at.text()});
  host_->ensure(step, process);
  host_->until_listening(step, process, workload.ready_limit);
  host_->until_ready(step, process, workload.ready_limit,
                     [&] { return not_ready(step, *probe_, at, workload.ready_path); });
  return {name, at};
}

void OnHost::ensure(Scope& in, const Workload& workload) {
  require_sound(workload);
  require_room(workload);
  const fs::path binary = find_binary(workload.artefact);
  Scope step = in.step({.kind = "process", .name = workload.instance});
  const auto installed = host_->ensure(step, host::Artefact{binary});
  const std::string version = version_of(workload, installed, in.fingerprinter());
  const std::string first = workload.instance + "." + version;
  step.decides({"host", "process", first});
  std::vector<Replica> running;
  for (int i = 1; i <= workload.replicas.value_or(1); ++i)
    running.push_back(ensure_replica(step, workload, installed, i == 1 ? first : fmt::format("{}.{}", first, i)));
  step.detail(fmt::format("{} {} on http://{}", binary.filename().string(), installed.hash.substr(0, 8),
                          running.front().at.text()));
  std::lock_guard hold{mutex_};
  provided_[workload.instance] = std::move(running);
}

std::vector<Replica> OnHost::replicas(const std::string& instance) const {
  std::lock_guard hold{mutex_};
  const auto found = provided_.find(instance);
  if (found != provided_.end()) return found->second;
  throw Error({.code = "H0012",
               .category = Category::usage,
               .message = fmt::format("workload `{}` is used, but no Score has provided it", instance),
               .subject = instance,
               .help = "run the Score that provides it before the one that uses it"});
}

}  // namespace harmony::workloads
