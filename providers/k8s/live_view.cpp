#include "k8s/live_view.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

using namespace std::chrono_literals;

LiveView::LiveView(const Scope& in, const Place& place, std::vector<Resource> resources)
    : background_(place.deployment), place_(place), kinds_(resources.size()) {
  with_the_run_.emplace(in.stop(), [this] { stop_.request_stop(); });
  try {
    for (Resource& resource : resources) watchers_.emplace_back([this, one = std::move(resource)] { watch(one); });
  } catch (...) {  // no destructor of this runs, and those that watch already are joined
    stop_.request_stop();
    throw;
  }
}

LiveView::~LiveView() {
  stop_.request_stop();
  watchers_.clear();
}

void LiveView::watch(const Resource& resource) {
  try {
    const Scope quiet = background_.scope();
    Scope in{quiet.run(), quiet.node(), stop_.get_token()};
    place_.client->watch(in, resource, {.space = place_.space}, [&](const WatchEvent& event) {
      std::lock_guard hold{mutex_};
      if (event.what == WatchEvent::What::synced) {
        ++listed_;
      } else {
        const std::pair key{resource.what.kind, std::string(text_at(event.object, "metadata.name"))};
        if (event.what == WatchEvent::What::removed) objects_.erase(key);
        else objects_.insert_or_assign(key, event.object);
      }
      ++revision_;
      changed_.notify_all();
      return true;
    });
  } catch (const Stopped&) {
  } catch (const Error& error) {
    std::lock_guard hold{mutex_};
    if (!failed_) failed_ = error;
    ++revision_;
    changed_.notify_all();
  }
}

bool LiveView::moved_since(std::uint64_t& seen) {
  constexpr auto moment = 100ms;
  std::unique_lock hold{mutex_};
  const auto moved = [&] { return failed_ || (listed_ >= kinds_ && revision_ != seen); };
  if (!changed_.wait_for(hold, moment, moved)) return false;
  seen = revision_;
  return true;
}

Objects LiveView::objects() const {
  std::lock_guard hold{mutex_};
  if (failed_) throw *failed_;
  Objects all;
  all.reserve(objects_.size());
  for (const auto& [key, object] : objects_) all.push_back(object);
  return all;
}

}  // namespace harmony::k8s
