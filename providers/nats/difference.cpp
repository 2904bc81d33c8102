#include "nats/difference.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace harmony::nats {

/// What a server takes as the name of a stream, and as the first token of its subjects.
void require_stream_name(const std::string& name) {
  const auto unfit = [](unsigned char c) {
    return c <= 0x20 || c >= 0x7f || std::string_view{".*>/\\"}.find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!name.empty() && std::ranges::none_of(name, unfit)) return;
  throw Error({.code = "H0243",
               .category = Category::usage,
               .message = fmt::format("`{}` cannot be the name of a stream", name),
               .subject = "stream/" + name,
               .help = "use letters, digits, `-` and `_`: its subjects begin with it"});
}

namespace {
std::string joined(const std::vector<std::string>& subjects) { return fmt::format("{}", fmt::join(subjects, ", ")); }
}  // namespace

Subject stream_subject(const std::string& instance, const std::string& stream) {
  return {"nats", "stream", instance + "/" + stream};
}

Place place_of(std::string_view subject_name) {
  const auto slash = subject_name.find('/');
  if (slash == std::string_view::npos) return {std::string(subject_name), {}};
  return {std::string(subject_name.substr(0, slash)), std::string(subject_name.substr(slash + 1))};
}

std::vector<std::string> subjects_of(const std::string& stream) { return {stream + ".>"}; }

Change difference(const std::string& instance, const Stream& stream, const std::optional<StreamState>& found) {
  Change change{.subject = stream_subject(instance, stream.name), .before = fingerprint(found), .holds_data = true};
  if (found && !found->on_disk)
    throw Error({.code = "H0244",
                 .category = Category::refused,
                 .message = fmt::format("stream `{}` of broker `{}` is kept in memory only", stream.name, instance),
                 .subject = change.subject.text(),
                 .notes = {"a server cannot move it to disk, and making it anew would lose its messages"},
                 .help = "remove it by hand (`nats stream rm`) once nobody needs its messages, and deploy again"});
  const auto wanted = subjects_of(stream.name);
  if (found && found->subjects == wanted) return change;
  change.action = found ? Action::update : Action::create;
  change.fields = {{.path = "subjects", .before = found ? joined(found->subjects) : "", .after = joined(wanted)}};
  return change;
}

Change removal(const Subject& subject, bool there) {
  if (!there) return {.subject = subject};
  return {.subject = subject,
          .action = Action::remove,
          .effect = "deletes all data",
          .holds_data = true,
          .loses_data = true};
}

std::string fingerprint(const std::optional<StreamState>& stream) {
  if (!stream) return {};
  return fmt::format("{}: {}", stream->on_disk ? "on disk" : "in memory", joined(stream->subjects));
}

}  // namespace harmony::nats
