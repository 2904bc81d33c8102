#include "k8s/lease.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "harmony/background.hpp"
#include "host/lock_file.hpp"
#include "k8s/lease_holder.hpp"
#include "k8s/sure_write.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace json = boost::json;

namespace {

constexpr auto duration = 10s, renewed_every = 3s, margin = 2s;  // less than people wait for a lock by default

GroupVersionKind kind() { return {"coordination.k8s.io", "v1", "Lease"}; }

std::string micro_time(std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()) % 1s;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     microseconds.count());
}

/// By this machine's clock.
bool renewed_lately(const json::value& lease) {
  const auto now = std::chrono::system_clock::now();
  const std::string renewed{text_at(lease, "spec.renewTime")};  // of one form: the later one is the greater text
  return micro_time(now - duration) < renewed && renewed < micro_time(now + duration);
}

}  // namespace

struct Lease::State {
  explicit State(std::shared_ptr<const Place> at) : place(std::move(at)) {}

  std::shared_ptr<const Place> place;
  std::mutex mutex;
  std::optional<json::value> ours;           ///< as the server has it; nothing: not held
  std::atomic<Clock::time_point::rep> until{0};

  Resource resource(Scope& in) const { return place->client->resource(in, kind()); }
  std::optional<json::value> read(Scope& in) const {
    return place->client->get(in, resource(in), place->space, place->parent_name());
  }
  json::value wanted(const Scope& in) const {
    const auto us = host::this_process(in.verb(), in.who());
    return {{"apiVersion", "coordination.k8s.io/v1"},
            {"kind", "Lease"},
            {"metadata",
             {{"name", place->parent_name()},
              {"namespace", place->space},
              {"labels", {{"app.kubernetes.io/managed-by", field_manager}, {deployment_label, place->deployment}}},
              {"annotations", {{holder_annotation, holder_text(us)}}}}},
            {"spec",
             {{"holderIdentity", fmt::format("{} {}", us.who, in.run_id())},
              {"leaseDurationSeconds", duration.count()},
              {"acquireTime", micro_time()},
              {"renewTime", micro_time()}}}};
  }
  /// Taken by this very run.
  static bool same_holder(const json::value& one, const json::value& other) {
    return text_at(one, "spec.holderIdentity") == text_at(other, "spec.holderIdentity");
  }
  /// What the server has, where that is what this run has written: a request that seems to have failed may have been done.
  std::optional<json::value> read_back(Scope& in, const json::value& lease) const {
    auto there = read(in);
    return there && same_holder(*there, lease) ? there : std::nullopt;
  }
  /// Does it to the Lease as this run knows it, or as a request left it that seemed to have failed or was stopped.
  template <class Act>
  void as_it_is_now(Scope& in, const json::value& known, const Act& act) const {
    try {
      act(known);
    } catch (const ApiError& error) {
      const auto there = error.conflict() ? read_back(in, known) : std::nullopt;
      if (!there) throw;
      act(*there);
    }
  }
  void held(json::value lease, Clock::time_point asked) {
    ours = std::move(lease);
    until = (asked + duration - margin).time_since_epoch().count();
  }

  /// @returns false where somebody was quicker.
  bool put(Scope& in, const json::value* there) {
    json::value lease = wanted(in);
    const auto asked = Clock::now();
    if (there)
      lease.at("metadata").as_object()["resourceVersion"] = std::string(text_at(*there, "metadata.resourceVersion"));
    const auto write = [&] {
      const WriteOptions options{.manager = field_manager};
      return there ? place->client->replace(in, resource(in), lease, options).object
                   : place->client->create(in, resource(in), lease, options).object;
    };
    try {
      held(write_surely(in, write, [&] { return read_back(in, lease); }), asked);
      return true;
    } catch (const ApiError& error) {
      if (error.conflict()) return false;
      throw;
    }
  }

  /// One request at a time; whoever waits for another's heeds a stop.
  std::unique_lock<std::mutex> alone(Scope& in) {
    std::unique_lock hold{mutex, std::try_to_lock};
    while (!hold.owns_lock()) {
      in.pause(20ms);
      (void)hold.try_lock();
    }
    return hold;
  }

  void renew(Scope& in) {
    const auto hold = alone(in);
    if (!ours) return;
    const auto renewed = [&](const json::value& from) {
      json::value lease = from;
      Clock::time_point asked;
      // One that seemed to have failed, and was done, is a conflict with ourselves when it is sent again.
      const auto write = [&] {
        asked = Clock::now();
        lease.at("spec").as_object()["renewTime"] = micro_time();
        return place->client->replace(in, resource(in), lease, {.manager = field_manager}).object;
      };
      json::value stored = write_surely(in, write);
      held(std::move(stored), asked);
    };
    try {
      as_it_is_now(in, *ours, renewed);
    } catch (const ApiError& error) {
      if (error.conflict() || error.not_found()) until = 0, ours.reset();  // somebody else has taken it, or away
      throw;
    }
  }

  void release(Scope& in) {
    const auto hold = alone(in);
    if (!ours) return;
    until = 0;
    const json::value lease = *std::exchange(ours, std::nullopt);
    const auto removed = [&](const json::value& as_it_is) {
      place->client->remove(in, resource(in), place->space, place->parent_name(),
                            {.uid = std::string(text_at(as_it_is, "metadata.uid")),
                             .resource_version = std::string(text_at(as_it_is, "metadata.resourceVersion"))});
    };
    as_it_is_now(in, lease, removed);
  }
};

namespace {

/// Keeps it renewed from a thread of its own, until it is released.
template <class State>
class HeldLease final : public Lock {
 public:
  HeldLease(std::shared_ptr<State> state, const Scope& in, bool waited)
      : state_(std::move(state)),
        background_(in.deployment()),
        waited_(waited),
        renewer_([this](std::stop_token stop) { renew_until(stop); }) {}
  ~HeldLease() override {
    renewer_.request_stop();
    renewer_.join();
    try {
      Scope in = background_.scope();
      state_->release(in);
    } catch (const Error&) {  // it runs out by itself
    }
  }
  bool waited() const override { return waited_; }

 private:
  void renew_until(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock hold{mutex};
    const Scope quiet = background_.scope();
    Scope stoppable{quiet.run(), quiet.node(), stop};
    while (!wake.wait_for(hold, stop, renewed_every, [] { return false; }) && !stop.stop_requested()) try {
        state_->renew(stoppable);
      } catch (const Error&) {  // tried again; if it stays so, the deadline ends the writing
      }
  }

  std::shared_ptr<State> state_;
  Background background_;  ///< it outlives the run that it was taken for
  bool waited_;
  std::jthread renewer_;
};

}  // namespace

Lease::Lease(std::shared_ptr<const Place> place) : state_(std::make_shared<State>(std::move(place))) {}
Lease::~Lease() = default;

std::unique_ptr<Lock> Lease::lock(Scope& in, std::chrono::milliseconds limit) {
  bool waited = false, taken = false;
  LeaseHolder holder;
  std::string version;
  Clock::time_point seen{};
  const auto try_it = [&]() -> std::optional<std::string> {
    const auto there = state_->read(in);
    if (there) {
      holder = lease_holder_of(*there);
      const std::string now = std::string(text_at(*there, "metadata.resourceVersion"));
      if (now != version) version = now, seen = Clock::now();
      const bool expired = Clock::now() - seen >= duration;
      if (!expired && !holder.is_dead()) {
        waited = true;
        in.pause(200ms);
        return "locked: " + holder.text();
      }
      waited = true;  // whoever held it may have written
    }
    taken = state_->put(in, there ? &*there : nullptr);
    return taken ? std::nullopt : std::optional<std::string>("somebody else was quicker");
  };
  try {
    in.until({.limit = limit, .what = "the deployment is unlocked", .subject = "lease/" + state_->place->parent_name()},
             try_it);
  } catch (const TimedOut&) {
    throw Error({.code = "H0201",
                 .category = Category::locked,
                 .message = fmt::format("deployment `{}` is locked", state_->place->deployment),
                 .subject = fmt::format("lease/{}/{}", state_->place->space, state_->place->parent_name()),
                 .facts = {{"held by", holder.text()}},
                 .notes = {"nothing was written"},
                 .help = "wait until it has ended and run the same command again, or wait longer with --lock-timeout"});
  }
  if (!taken) throw InternalError("a lock was asked for where nothing may be written");
  return std::make_unique<HeldLease<State>>(state_, in, waited);
}

void Lease::require_held(Scope& in) const {
  const auto is_held = [&] { return Clock::now().time_since_epoch().count() < state_->until; };
  const char* reason = "somebody else has taken it over, or away";
  if (is_held()) return;
  try {
    state_->renew(in);
    if (is_held()) return;
  } catch (const Stopped&) {
    throw;
  } catch (Error& error) {
    const auto* answer = dynamic_cast<const ApiError*>(&error);
    if (!answer || !(answer->conflict() || answer->not_found())) {
      error.data().notes.emplace_back(
          "so the lock could not be kept, and nothing more was written: another deploy may take it");
      throw;
    }
    if (answer->not_found()) reason = "somebody has deleted it";
  }
  throw Error({.code = "H0434",
               .category = Category::locked,
               .message = fmt::format("the lock of deployment `{}` could not be kept", state_->place->deployment),
               .subject = fmt::format("lease/{}/{}", state_->place->space, state_->place->parent_name()),
               .facts = {{"reason", reason}},
               .help = "another deploy may be at work: look at `status`, then deploy again"});
}

bool Lease::held_elsewhere(Scope& in) const {
  {
    const auto hold = state_->alone(in);
    if (state_->ours) return false;
  }
  const auto there = state_->read(in);
  if (!there || lease_holder_of(*there).is_dead()) return false;
  if (renewed_lately(*there)) return true;
  in.pause(renewed_every + 1s);  // its clock may be another: whoever is at work renews it meanwhile
  const auto later = state_->read(in);
  return later && text_at(*later, "metadata.resourceVersion") != text_at(*there, "metadata.resourceVersion");
}

}  // namespace harmony::k8s
