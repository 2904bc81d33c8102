/// Reads of many things: lists, logs, events.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "host/printable.hpp"
#include "k8s/client.hpp"
#include "k8s/query.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

constexpr std::size_t longest_log_line = 64 << 10;

std::string list_path(const Resource& resource, const ListQuery& query, const std::string& go_on) {
  std::string path = path_of(resource, query.space);
  add_query(path, "labelSelector", query.labels);
  add_query(path, "fieldSelector", query.fields);
  if (query.page > 0) add_query(path, "limit", std::to_string(query.page));
  add_query(path, "continue", go_on);
  return path;
}

Asked asked_of(std::string doing, const Resource& resource, const std::string& space) {
  return {.doing = std::move(doing),
          .subject = space.empty() ? resource.plural : fmt::format("{}/{}", resource.plural, space)};
}

bool expired(const Status& status) { return status.code == 410; }

}  // namespace

/// All pages of one list.
Listed Client::list_once(Scope& at, const Resource& resource, const ListQuery& query, const ItemSink& each) {
  const Asked asked = asked_of("list", resource, query.space);
  Listed listed;
  std::set<std::string> seen;
  for (std::string go_on;;) {
    ListReader reader{resource.what, each};
    const BodySink feed = [&](std::string_view part) {
      reader.feed(part);
      return true;
    };
    json::value head;
    try {
      send(at,
           {.request = {.path = list_path(resource, query, go_on), .limit = std::chrono::minutes(5)}, .asked = asked},
           feed);
      head = reader.finish();
    } catch (const Malformed& malformed) {
      throw no_api_server(malformed.what(), {}, asked, destination());
    }
    if (!text_at(head, "kind").ends_with("List")) throw no_api_server("it is no list", {}, asked, destination());
    listed.items += reader.items();
    listed.resource_version = text_at(head, "metadata.resourceVersion");
    go_on = text_at(head, "metadata.continue");
    if (go_on.empty()) return listed;
    if (!seen.insert(go_on).second) throw no_api_server("its pages go round in a circle", {}, asked, destination());
  }
}

Listed Client::list(Scope& at, const Resource& resource, const ListQuery& query, const ItemSink& each,
                    const std::function<void()>& again) {
  constexpr int most_tries = 5;
  bool told = false;
  const ItemSink marked = [&](json::value item) {
    told = true;
    each(std::move(item));
  };
  for (int tries = 1;; ++tries) {
    told = false;
    try {
      return list_once(at, resource, query, marked);
    } catch (const ConnectionError& error) {
      if ((told && !again) || tries == most_tries || outcome_of(error, Verb::read) == Outcome::failed) throw;
      at.retried(error.data().message);
    } catch (const ApiError& error) {
      // The pages of an old state are kept for some minutes only.
      if (!expired(error.status()) || !again || tries == most_tries) throw;
      at.retried("the list has expired while it was read");
    }
    if (told) again();
  }
}

std::vector<json::value> Client::list(Scope& at, const Resource& resource, const ListQuery& query) {
  std::vector<json::value> all;
  list(at, resource, query, [&](json::value item) { all.push_back(std::move(item)); }, [&] { all.clear(); });
  return all;
}

void Client::logs(Scope& at, const std::string& space, const std::string& pod, const LogOptions& options,
                  const LineSink& each) {
  const Resource pods{.what = {"", "v1", "Pod"}, .plural = "pods"};
  std::string path = path_of(pods, space, pod) + "/log";
  add_query(path, "container", options.container);
  if (options.previous) add_query(path, "previous", "true");
  if (options.follow) add_query(path, "follow", "true");
  if (options.lines) add_query(path, "tailLines", std::to_string(*options.lines));
  if (options.stamped) add_query(path, "timestamps", "true");
  add_query(path, "sinceTime", options.since);
  Lines lines{longest_log_line, Lines::TooLong::cut};
  bool enough = false;
  const BodySink feed = [&](std::string_view part) {
    enough = !lines.feed(part, each);
    return !enough;
  };
  const auto limit = options.follow ? std::chrono::milliseconds(0) : std::chrono::minutes(5);
  // An API server passes on what the container wrote, whatever is asked for.
  send(at,
       {.request = {.path = path, .headers = {{"Accept", "*/*"}}, .limit = limit},
        .asked = {"read the log", fmt::format("pod/{}/{}", space, pod)}},
       feed);
  if (!enough && !lines.rest().empty()) each(lines.rest());
}

std::vector<EventNote> Client::events(Scope& at, const ObjectReference& reference, const std::string& uid) {
  const Resource resource{.what = {"", "v1", "Event"}, .plural = "events"};
  std::string fields =
      fmt::format("involvedObject.kind={},involvedObject.name={}", reference.what.kind, reference.name);
  if (!uid.empty()) fields += ",involvedObject.uid=" + uid;
  std::vector<EventNote> notes;
  // Those of things without a namespace lie in `default`.
  for (const json::value& event :
       list(at, resource, {.space = reference.space.empty() ? "default" : reference.space, .fields = fields})) {
    const auto clean = [&](std::string_view path) { return host::printable(text_at(event, path)); };
    EventNote note{
        .type = clean("type"), .reason = clean("reason"), .message = clean("message"), .last = clean("lastTimestamp")};
    if (note.last.empty()) note.last = clean("eventTime");
    if (note.last.empty()) note.last = clean("metadata.creationTimestamp");
    note.count = static_cast<int>(number_at(event, "count").value_or(1));
    notes.push_back(std::move(note));
  }
  std::ranges::stable_sort(notes, {}, &EventNote::last);
  return notes;
}

}  // namespace harmony::k8s
