/// Waiting until a set is ready, and what to say when it will not be.
#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "k8s/cloud_native_pg.hpp"
#include "k8s/conflict.hpp"
#include "k8s/explanation.hpp"
#include "k8s/live_view.hpp"
#include "k8s/server_api.hpp"
#include "k8s/space.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

/// What the readiness of others is read from.
const std::vector<GroupVersionKind> related_kinds{
    {"", "v1", "Pod"}, {"", "v1", "Event"}, {"apps", "v1", "ReplicaSet"}, {"discovery.k8s.io", "v1", "EndpointSlice"}};
/// What the controller of a custom resource with data prepares those by.
const std::vector<GroupVersionKind> prepared_by{{"batch", "v1", "Job"}, {"", "v1", "PersistentVolumeClaim"}};
/// A controller that lives says something in seconds, however long the rest takes.
constexpr auto silence_limit = 45s;

struct Waited {
  ObjectReference reference;
  Subject subject;
  Expected expected;
};

/// Throws where the object is no longer what this run has made of it.
using RequireOurs = std::function<void(const ObjectReference&, const json::value& live)>;

const json::value* find_in(const Objects& all, const ObjectReference& reference) {
  const auto found = std::ranges::find_if(all, [&](const json::value& object) {
    return kind_of(object).kind == reference.what.kind &&
           std::string(text_at(object, "metadata.name")) == reference.name;
  });
  return found == all.end() ? nullptr : &*found;
}

/// How long a controller has to say that it has taken up what this run wrote, where most say so and some never do.
constexpr std::chrono::seconds time_to_tell{10};

/// On one line, with what the cluster says of it.
std::string reason_of(const Explanation& cause) {
  std::string text = cause.diagnostic.message;
  for (const auto& [key, value] : cause.diagnostic.facts)
    if (key == "scheduler" || key == "quota" || key == "told") text += ": " + value;
  return text;
}

class SetWait {
 public:
  SetWait(Scope& in, const Place& place, std::vector<Waited> waited, std::vector<Resource> kinds, RequireOurs ours)
      : in_(in),
        place_(place),
        waited_(std::move(waited)),
        require_ours_(std::move(ours)),
        view_(in, place, std::move(kinds)) {}

  std::optional<std::string> not_yet() {
    if (!view_.moved_since(seen_) && !(awaits_word_ && !may_still_tell())) {
      const auto trouble = place_.client->trouble();
      heed_silence(trouble.has_value());
      return trouble && last_ ? trouble : last_;
    }
    const Objects all = view_.objects();
    look_for_silence(all);
    if (first_look_) tolerance_.before = sightings_by_uid(all);
    last_.reset();
    explanation_.reset();
    awaits_word_ = false;
    assumed_.clear();
    for (const Waited& one : waited_) {
      const json::value* live = find_in(all, one.reference);
      if (!live) throw taken_away(one);
      require_ours_(one.reference, *live);
      const Readiness readiness = readiness_of(live, all, one.expected);
      if (is_settled(one, readiness)) continue;
      // The first in order is what the others wait for, unless something is known to be wrong.
      if (!last_) last_ = fmt::format("{}: {}", one.subject.text(), readiness.reason);
      judge(one, *live, all, readiness);
    }
    first_look_ = false;
    if (silent_ && last_) last_ = silent_->text() + " is not acted upon";
    return last_;
  }
  /// What was found wrong last, for a wait that has reached its limit.
  const std::optional<Explanation>& explanation() const { return explanation_; }
  /// What nobody has said, though most controllers would.
  const std::vector<std::string>& assumed() const { return assumed_; }
  void add_log_of(Explanation& explanation) const {
    if (!explanation.log) return;
    std::vector<std::string> lines;
    Scope in = in_;
    try {
      place_.client->logs(in, place_.space, explanation.log->pod,
                          {.container = explanation.log->container, .previous = explanation.log->previous, .lines = 20},
                          [&](std::string_view line) {
                            lines.emplace_back(line);
                            return true;
                          });
    } catch (const ApiError&) {              // a log that is gone hides no cause
    }
    add_log(explanation, lines);
  }

 private:
  /// A custom resource is no more than a note to its controller: one that it has said nothing of yet.
  void look_for_silence(const Objects& all) {
    const auto before = std::exchange(silent_, std::nullopt);
    for (const Waited& one : waited_) {
      const json::value* live = find_in(all, one.reference);
      const bool reported = one.expected.contract.subresource;
      if (live && reported && !built_in(*live) && object_at(*live, "status").empty()) silent_ = one.subject;
    }
    if (silent_ != before) silent_since_ = std::chrono::steady_clock::now();
    heed_silence(false);
  }
  /// As long as the server itself cannot be heard, nobody is to blame.
  void heed_silence(bool server_in_trouble) {
    const auto now = std::chrono::steady_clock::now();
    if (server_in_trouble) silent_since_ = now;
    else if (silent_ && now >= silent_since_ + silence_limit) throw nobody_acts(silent_->text());
  }
  static Error nobody_acts(const std::string& subject) {
    return Error({.code = "H0441",
                  .category = Category::timed_out,
                  .message = fmt::format("nobody acts on `{}`: its controller does not answer", subject),
                  .subject = subject,
                  .facts = {{"waited", fmt::format("{}", silence_limit)}},
                  .help = "start the operator of its kind, or install it, and deploy again"});
  }
  bool may_still_tell() const { return std::chrono::steady_clock::now() < began_ + time_to_tell; }
  /// A claim that waits for its first pod is as ready as it gets before that; the pod's own wait shows the rest.
  bool is_settled(const Waited& one, const Readiness& readiness) {
    if (readiness.state == Readiness::State::ready) return true;
    if (readiness.state != Readiness::State::assumed) return false;
    if (!readiness.mostly_told) return true;
    assumed_.push_back(one.subject.text() + ": " + readiness.reason);
    const bool waits = !one.expected.uid.empty() && may_still_tell();
    awaits_word_ = awaits_word_ || waits;
    return !waits;
  }
  void judge(const Waited& one, const json::value& live, const Objects& all, const Readiness& readiness) {
    if (number_at(live, "metadata.generation").value_or(0) < one.expected.generation) return;  // of the version before
    const bool written = one.expected.generation > 0;
    auto causes = explain(live, all, written ? tolerance_ : Tolerance{});
    if (causes.empty() && readiness.state == Readiness::State::failed) causes.push_back(given_up(one, readiness));
    if (causes.empty()) return;
    if (const std::string others = addition_text(added_to_pods(live, field_manager)); !others.empty())
      causes.front().diagnostic.facts.emplace_back("others", others);
    const bool passes = causes.front().may_pass && may_still_tell();
    awaits_word_ = awaits_word_ || passes;
    if (causes.front().prospect == Prospect::hopeless && !passes && !is_old(one, live, causes.front())) {
      add_log_of(causes.front());
      if (const std::string& why = causes.front().rule; !why.empty())
        causes.front().diagnostic.notes.push_back("given up: " + why);
      throw Error(causes.front().diagnostic);
    }
    if (explanation_) return;
    explanation_ = std::move(causes.front());
    last_ = reason_of(*explanation_);
  }
  /// What this run has not touched may bear the marks of an earlier one, whose cause may be mended: it gets its time, until
  /// something new goes wrong with it. So does a Cluster that was wrong before its operator acted upon what was written,
  /// since that never says which version it speaks of.
  bool is_old(const Waited& one, const json::value& live, const Explanation& found) {
    if (found.is_current) return false;
    const Diagnostic& cause = found.diagnostic;
    const bool written = one.expected.generation > 0;
    const bool made_now = one.expected.generation == 1;  // there was none before
    if (written && (made_now || !is_cloud_native_pg(live))) return false;
    std::string text = cause.code + cause.message;
    for (const auto& [key, value] : cause.facts) text += "\n" + key + ": " + value;
    if (written && !first_look_) {
      const auto known = old_causes_.find(one.subject);
      return known != old_causes_.end() && known->second == text;
    }
    return old_causes_.try_emplace(one.subject, text).first->second == text;
  }
  /// It was there when this run looked at it.
  Error taken_away(const Waited& one) const {
    if (look_at_space(in_, place_) != Space::there) return space_is_going(place_.space);
    return Error({.code = "H0439",
                  .message = fmt::format("`{}` was deleted while it was waited for", one.subject.text()),
                  .subject = one.subject.text(),
                  .help = "see who deletes it, then deploy again: it is made anew"});
  }
  static Explanation given_up(const Waited& one, const Readiness& readiness) {
    return {
        .diagnostic = {.code = "H0435",
                       .message = fmt::format("`{}` does not become ready: {}", one.subject.text(), readiness.reason),
                       .subject = one.subject.text(),
                       .help = "its controller has given up; look at `logs`, and at kubectl describe"},
        .prospect = Prospect::hopeless};
  }

  Scope& in_;
  const Place& place_;
  std::vector<Waited> waited_;
  RequireOurs require_ours_;
  LiveView view_;
  std::uint64_t seen_ = 0;
  bool first_look_ = true;  ///< nothing that was written a moment ago has been acted upon
  Tolerance tolerance_ = {};  ///< of what this run has written
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::optional<Subject> silent_;
  std::chrono::steady_clock::time_point silent_since_ = began_;
  bool awaits_word_ = false;  ///< time alone decides: what a controller may never say, or never put right
  std::vector<std::string> assumed_;
  std::optional<std::string> last_ = "it is being looked at";
  std::optional<Explanation> explanation_;
  std::map<Subject, std::string> old_causes_;
};

}  // namespace

std::vector<Resource> ServerApi::watched_for(Scope& in, const ObjectSet& set) const {
  std::vector<Resource> kinds;
  const auto add_kind = [&](const GroupVersionKind& what) {
    const Resource resource = place_->client->resource(in, what);
    if (std::ranges::none_of(kinds, [&](const Resource& known) { return known.what == resource.what; }))
      kinds.push_back(resource);
  };
  for (const GroupVersionKind& what : related_kinds) add_kind(what);
  for (const Manifest& manifest : set) {
    add_kind(kind_of(manifest.object));
    if (manifest.holds_data && !built_in(manifest.object)) std::ranges::for_each(prepared_by, add_kind);
  }
  return kinds;
}

void ServerApi::until_ready(Scope& in, const ObjectSet& set, std::chrono::milliseconds limit) {
  std::vector<Waited> waited;
  for (const Manifest& manifest : set) {
    ObjectReference reference = reference_of(manifest.object);
    reference.space = place_->space;
    Expected awaited = expected(reference);
    awaited.contract = {.subresource = place_->client->resource(in, reference.what).has_status};
    waited.push_back({reference, subject_of(reference), std::move(awaited)});
  }
  SetWait wait{in, *place_, std::move(waited), watched_for(in, set),
               [&](const ObjectReference& reference, const json::value& live) {
                 if (auto error = not_ours_any_more(in, reference, live)) throw std::move(*error);
               }};
  try {
    in.until({.limit = limit, .what = "all of it is ready"}, [&] { return wait.not_yet(); });
    for (const std::string& what : wait.assumed()) in.note("assumed", what);
    std::lock_guard hold{mutex_};
    for (const Manifest& manifest : set) {
      ObjectReference reference = reference_of(manifest.object);
      reference.space = place_->space;
      ready_.insert(std::move(reference));
    }
  } catch (const TimedOut&) {
    auto cause = wait.explanation();
    if (!cause || place_->client->trouble()) throw;  // what was seen last may be long past
    wait.add_log_of(*cause);
    Diagnostic& said = cause->diagnostic;
    said.category = Category::timed_out;
    said.facts.emplace_back("waited", fmt::format("{}", std::chrono::duration_cast<std::chrono::seconds>(limit)));
    throw Error(std::move(said));
  }
}

}  // namespace harmony::k8s
