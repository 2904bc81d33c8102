#pragma once
/// A topology that hands out the bare Host, and a deployment on it, driven by the engine as a deploy binary does.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "harmony/program.hpp"
#include "harmony/testing.hpp"
#include "host/machine.hpp"
#include "host/rehearsed.hpp"
#include "host/state.hpp"
#include "support/processes.hpp"
#include "support/temporary.hpp"

namespace harmony::host::testing {

class OnlyHost final : public Topology {
 public:
  static constexpr std::string_view id = "only-host";
  static std::vector<TopologyOption> options() { return {}; }
  explicit OnlyHost(const TopologySettings& settings)
      : shared_(std::make_shared<Shared>(settings)), host_(machine(shared_->state, shared_->ledger)) {}
  std::string label() const override { return "only-host"; }
  AskBefore asks() const override { return AskBefore::destructive_changes; }
  Ledger& ledger() override { return *shared_->ledger; }
  const Fingerprinter& fingerprinter() const override { return shared_->fingerprinter; }
  std::vector<Primitive*> primitives() override { return {host_.get()}; }
  std::shared_ptr<Topology> rehearsed(Rehearsal& rehearsal) override {
    return std::shared_ptr<OnlyHost>(new OnlyHost(shared_, twin_of(host_, rehearsal)));
  }
  Host& capability(Host*) { return *host_; }
  const State& state() const { return shared_->state; }

 private:
  struct Shared {
    State state;
    std::shared_ptr<Ledger> ledger;
    KeyedFingerprinter fingerprinter;
    explicit Shared(const TopologySettings& settings)
        : state(settings.deployment, settings.options.at("state-dir")),
          ledger(file_ledger(state, [this] { fingerprinter.keep(state); })),
          fingerprinter(state) {}
  };
  OnlyHost(std::shared_ptr<Shared> shared, std::shared_ptr<Host> host)
      : shared_(std::move(shared)), host_(std::move(host)) {}
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Host> host_;
};

/// A copy of a program where services can reach it, wherever it was built: below /root, say. To be made before this
/// program becomes another user, to whom it then belongs.
class ReachableProgram {
 public:
  explicit ReachableProgram(const std::filesystem::path& built) : copy_(folder_.path() / built.filename()) {
    std::filesystem::copy_file(built, copy_);
    std::filesystem::permissions(copy_, std::filesystem::perms(0755));
    if (!std::getenv("HARMONY_TEST_AS") || ::geteuid() != 0) return;
    for (const auto& path : {copy_, folder_.path()})
      if (::chown(path.c_str(), harmony::testing::nobody, harmony::testing::nobody) != 0)
        throw std::runtime_error("it cannot be given away");
  }
  std::string path() const { return copy_.string(); }

 private:
  harmony::testing::TemporaryFolder folder_;
  std::filesystem::path copy_;
};

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>(in), {}};
}

#ifdef TEST_SERVER  // the build says where it is
inline const ReachableProgram reachable_server{TEST_SERVER};
inline const std::string server = reachable_server.path();
#endif

using Body = std::function<void(Host&, Scope&)>;

struct BodyScore {
  using needs = Needs<Host>;
  Body body;
  static constexpr std::string_view kind() { return "test"; }
  std::string_view name() const { return "test"; }
  void interpret(Context<needs>& in) const { body(in.use<Host>(), in); }
};

/// $HARMONY_TEST_AS=nobody: this whole program as that user, so that every test runs as root and as a normal user.
inline void become_who_was_asked() {
  const char* who = std::getenv("HARMONY_TEST_AS");
  if (who && std::string_view(who) == "nobody" && ::geteuid() == 0) harmony::testing::become(harmony::testing::nobody);
}

/// A deployment in a folder of its own; taken down at the end.
class Deployment {
 public:
  Deployment() { become_who_was_asked(), temporary_ = std::make_unique<harmony::testing::TemporaryFolder>(); }
  ~Deployment() {
    if (owner_ == ::getpid()) (void)destroy(true);
  }
  std::filesystem::path folder() const { return temporary_->path(); }
  std::filesystem::path root() const { return temporary_->path() / "guestbook"; }

  Plan plan(const Body& body) const { return engine(body)->rehearse(); }
  Report deploy(const Body& body, Observer* observer = nullptr, std::stop_token stop = {}) const {
    auto made = engine(body, stop);
    if (observer) made->observe(*observer);
    return made->deploy(nullptr, [](const Plan&) { return Approval::yes; });
  }
  Report destroy(bool delete_data, Observer* observer = nullptr) const {
    auto made = engine({});
    if (observer) made->observe(*observer);
    return made->destroy(delete_data, [](const auto&) { return Approval::yes; });
  }
  std::vector<Observation> observe() const { return engine({})->observe_entries(); }
  std::shared_ptr<OnlyHost> topology() const {
    return std::make_shared<OnlyHost>(
        TopologySettings{.deployment = "guestbook", .options = {{"state-dir", folder().string()}}});
  }

 private:
  /// An engine with a topology of its own, as each run of a deploy binary has.
  struct Owned {
    BodyScore score;
    std::unique_ptr<Engine> engine;
    Engine* operator->() const { return engine.get(); }
  };
  std::unique_ptr<Owned> owned(const Body& body, std::stop_token stop) const {
    auto made = std::make_unique<Owned>(Owned{{body}, nullptr});
    auto program = make_program<BodyScore, OnlyHost>(made->score);
    program.unverified = "a test of primitives";
    made->engine = std::make_unique<Engine>(std::move(program), topology(),
                                            EngineOptions{.deployment = "guestbook", .who = "test"}, stop);
    return made;
  }
  struct Handle {
    std::unique_ptr<Owned> owned;
    Engine* operator->() const { return owned->engine.get(); }
  };
  Handle engine(const Body& body, std::stop_token stop = {}) const { return {owned(body, stop)}; }

  pid_t owner_ = ::getpid();
  std::unique_ptr<harmony::testing::TemporaryFolder> temporary_;
};

/// What a server says to who connects; empty where nobody listens.
inline std::string greeted(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string said;
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    char buffer[256];
    for (ssize_t got; (got = ::read(socket, buffer, sizeof buffer)) > 0;)
      said.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(socket);
  return said;
}

inline bool comes_true(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(30)) {
  for (const auto deadline = std::chrono::steady_clock::now() + limit; std::chrono::steady_clock::now() < deadline;
       ::usleep(2000))
    if (condition()) return true;
  return false;
}

inline std::string text_of(const std::vector<Diagnostic>& errors) {
  std::string all;
  for (const Diagnostic& error : errors) {
    all += error.code + ": " + error.message + "\n";
    for (const auto& [label, fact] : error.facts) all += "  = " + label + ": " + fact + "\n";
    for (const auto& line : error.log) all += "  | " + line + "\n";
    for (const auto& note : error.notes) all += "  note: " + note + "\n";
  }
  return all;
}

inline std::string changes_of(const Outcome& outcome) {
  std::string all;
  for (const Change& change : outcome.changes()) {
    if (change.action == Action::unchanged && change.fidelity == Fidelity::exact) continue;
    all += std::string(to_string(change.action)) + " " + change.subject.text() +
           (change.fidelity == Fidelity::unknown ? " (unknown)" : "") + "\n";
  }
  return all;
}

}  // namespace harmony::host::testing
