#include "k8s/lease_holder.hpp"

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>

#include "host/printable.hpp"
#include "k8s/object.hpp"
#include "k8s/place.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// Processes are only told apart within one kernel and one of its namespaces.
std::string process_space() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string boot;
  file >> boot;
  std::error_code unknown;
  return boot + " " + std::filesystem::read_symlink("/proc/self/ns/pid", unknown).string();
}

}  // namespace

std::string holder_text(const host::LockHolder& holder) {
  return json::serialize(json::object{{"verb", holder.verb},
                                      {"who", holder.who},
                                      {"since", holder.since},
                                      {"pid", holder.pid},
                                      {"pid_started", holder.pid_started},
                                      {"processes", process_space()}});
}

LeaseHolder lease_holder_of(const json::value& lease) {
  const std::string_view annotation = annotation_of(lease, holder_annotation);
  const auto said = parse_json(annotation);
  LeaseHolder holder;
  if (!said) {
    holder.process.who = host::printable(std::string(text_at(lease, "spec.holderIdentity")));
    holder.process.since = host::printable(std::string(text_at(lease, "spec.acquireTime")));
    return holder;
  }
  holder.process = {.verb = host::printable(std::string(text_at(*said, "verb"))),
                    .who = host::printable(std::string(text_at(*said, "who"))),
                    .pid = static_cast<int>(number_at(*said, "pid").value_or(0)),
                    .pid_started = std::string(text_at(*said, "pid_started")),
                    .since = host::printable(std::string(text_at(*said, "since")))};
  holder.processes = std::string(text_at(*said, "processes"));
  return holder;
}

std::string LeaseHolder::text() const {
  std::string text = process.verb.empty() ? "somebody" : process.verb;
  if (!process.who.empty()) text += " by " + process.who;
  if (!process.since.empty()) text += ", since " + process.since;
  return text;
}

bool LeaseHolder::is_dead() const {
  return process.pid > 0 && processes == process_space() && !host::is_alive(process);
}

}  // namespace harmony::k8s
