#include "k8s/watch.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <boost/json/object.hpp>

#include "host/printable.hpp"
#include "k8s/query.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;
using namespace std::chrono_literals;
using What = WatchEvent::What;

namespace {

constexpr std::size_t longest_line = 16 << 20;

std::pair<std::string, std::string> key_of(const json::value& object) {
  return {std::string(text_at(object, "metadata.namespace")), std::string(name_of(object))};
}

/// Longer after each stream that brought nothing: 0.8 s up to 30 s.
class Backoff {
 public:
  void reset() { step_ = first; }
  std::chrono::milliseconds next(double random) {
    const auto now = step_;
    step_ = std::min<std::chrono::milliseconds>(2 * step_, 30s);
    return now + std::chrono::milliseconds(static_cast<long long>(random * static_cast<double>(now.count())));
  }

 private:
  static constexpr std::chrono::milliseconds first{800};
  std::chrono::milliseconds step_ = first;
};

}  // namespace

WatchEvent Watched::gone(const Key& key, const Known& known) const {
  json::object metadata{{"name", key.second}, {"uid", known.uid}};
  if (!key.first.empty()) metadata["namespace"] = key.first;
  return {What::removed,
          json::object{{"apiVersion", what_.api_version()}, {"kind", what_.kind}, {"metadata", std::move(metadata)}}};
}

std::vector<WatchEvent> Watched::listed(std::vector<json::value> objects, std::string resource_version) {
  std::vector<WatchEvent> events;
  std::set<Key> there;
  for (json::value& object : objects) {
    const Key key = key_of(object);
    there.insert(key);
    const auto known = known_.find(key);
    if (known != known_.end() && known->second.uid != text_at(object, "metadata.uid")) {  // made anew
      events.push_back(gone(key, known->second));
      known_.erase(known);
    }
    if (auto event = changed(std::move(object))) events.push_back(std::move(*event));
  }
  for (auto each = known_.begin(); each != known_.end();) {
    if (there.contains(each->first)) {
      ++each;
      continue;
    }
    events.push_back(gone(each->first, each->second));
    each = known_.erase(each);
  }
  version_ = std::move(resource_version);
  return events;
}

std::optional<WatchEvent> Watched::changed(json::value object) {
  const Key key = key_of(object);
  const std::string version{text_at(object, "metadata.resourceVersion")};
  const auto [known, is_new] = known_.try_emplace(key);
  if (!is_new && known->second.version == version) return std::nullopt;
  known->second = {std::string(text_at(object, "metadata.uid")), version};
  return WatchEvent{is_new ? What::added : What::modified, std::move(object)};
}

std::optional<WatchEvent> Watched::removed(json::value object) {
  if (known_.erase(key_of(object)) == 0) return std::nullopt;
  return WatchEvent{What::removed, std::move(object)};
}

Watched::Told Watched::line(std::string_view line) {
  auto value = parse_json(line);
  json::value* object = value && value->is_object() ? value->as_object().if_contains("object") : nullptr;
  if (!object) throw Malformed("a line of the watch is no event");
  const std::string type{text_at(*value, "type")};
  if (type == "ERROR")
    return {.failed = status_of(*object).value_or(Status{.code = 500, .message = "an error without a Status"})};
  const std::string version{text_at(*object, "metadata.resourceVersion")};
  if (version.empty()) throw Malformed("an event of the watch has no resourceVersion");
  version_ = version;
  if (type == "ADDED" || type == "MODIFIED") return {.event = changed(std::move(*object))};
  if (type == "DELETED") return {.event = removed(std::move(*object))};
  if (type != "BOOKMARK") throw Malformed("the watch has an event of a type that is not known");
  return {};
}

void Client::watch(Scope& at, const Resource& resource, const ListQuery& query, const WatchSink& each) {
  Watched watched{resource.what};
  Backoff backoff;
  bool synced = false;
  const Asked asked{
      .doing = "watch",
      .subject = query.space.empty() ? resource.plural : fmt::format("{}/{}", resource.plural, query.space)};
  for (;;) {
    if (watched.version().empty()) {
      auto events = list_anew(at, resource, query, watched, synced);
      if (!events) {
        at.pause(backoff.next(random()));
        continue;
      }
      for (const WatchEvent& event : *events)
        if (!each(event)) return;
      if (!std::exchange(synced, true) && !each({What::synced})) return;
    }
    const Streamed streamed = watch_once(at, resource, query, watched, each, asked);
    if (streamed == Streamed::enough) return;
    if (streamed == Streamed::brought_something) backoff.reset();
    else at.pause(backoff.next(random()));
  }
}

/// @param again it has been listed before. @returns nothing where the server is away then: whoever watches waits for it
std::optional<std::vector<WatchEvent>> Client::list_anew(Scope& at, const Resource& resource, const ListQuery& query,
                                                         Watched& watched, bool again) {
  std::vector<json::value> objects;
  try {
    const Listed listed = list(
        at, resource, query, [&](json::value item) { objects.push_back(std::move(item)); }, [&] { objects.clear(); });
    return watched.listed(std::move(objects), listed.resource_version);
  } catch (const ConnectionError& error) {
    if (!again || outcome_of(error, Verb::read) == Outcome::failed) throw;
  } catch (const ApiError& error) {
    if (!again || !may_come_back(error.status().code)) throw;
  } catch (const NoApiServer& error) {
    if (!again || !may_come_back(error.http())) throw;
  }
  return std::nullopt;
}

/// One stream, until it ends by itself, breaks, or nobody wants more.
Client::Streamed Client::watch_once(Scope& at, const Resource& resource, const ListQuery& query, Watched& watched,
                                    const WatchSink& each, const Asked& asked) {
  const auto time = 240s + std::chrono::seconds(static_cast<int>(60 * random()));
  std::string path = path_of(resource, query.space);
  add_query(path, "watch", "true");
  add_query(path, "allowWatchBookmarks", "true");
  add_query(path, "labelSelector", query.labels);
  add_query(path, "fieldSelector", query.fields);
  add_query(path, "resourceVersion", watched.version());
  add_query(path, "timeoutSeconds", std::to_string(time.count()));
  Lines lines{longest_line, Lines::TooLong::refuse};
  bool brought = false, enough = false;
  std::optional<Status> failed;
  const auto take = [&](std::string_view line) {
    if (line.empty()) return true;
    Watched::Told told = watched.line(line);
    failed = std::move(told.failed);
    if (failed) return false;
    brought = true;
    enough = told.event && !each(*told.event);
    return !enough;
  };
  try {
    send(at, {.request = {.path = path, .limit = 0ms, .silence = time + 30s}, .asked = asked},
         [&](std::string_view part) { return lines.feed(part, take); });
  } catch (const Malformed& malformed) {
    throw Error({.code = "H0422",
                 .category = Category::failed,
                 .message = fmt::format("watch of {}: {}", host::printable(asked.subject), malformed.what()),
                 .subject = host::printable(asked.subject),
                 .facts = {{"API server", host::printable(destination().text())}},
                 .help = "look at proxies and gateways on the way; run the same command again"});
  } catch (const ConnectionError& error) {
    if (outcome_of(error, Verb::read) == Outcome::failed && error.trouble() != Trouble::slow) throw;
    at.retried(error.data().message);
  } catch (const ApiError& error) {
    if (error.status().code != 410 && !may_come_back(error.status().code)) throw;
    failed = error.status();
  } catch (const NoApiServer& error) {  // a gateway, which speaks for a server that is away
    if (!may_come_back(error.http())) throw;
    at.retried(error.data().message);
  }
  if (failed) heed_end(at, *failed, watched, asked);
  return enough ? Streamed::enough : brought ? Streamed::brought_something : Streamed::brought_nothing;
}

/// 410: what we go on from is forgotten by the server. 401 and 403 will not mend; others are tried again.
void Client::heed_end(Scope& at, const Status& status, Watched& watched, const Asked& asked) {
  if (status.code == 401 || status.code == 403) throw api_error(status, asked, destination());
  if (status.code == 410 || status.code == 400) watched.forget_version();
  at.retried("the watch ended: " + http_text(status));
}

}  // namespace harmony::k8s
