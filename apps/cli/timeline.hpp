#pragma once
/// Remembers what happened when, for pictures: the HTML report and the graph of Scores.
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "harmony/event.hpp"

namespace harmony::cli {

struct Span {
  enum class Kind { phase, score, step, smoke_test };
  enum class State { running, ok, failed, stopped };
  Kind kind = Kind::score;
  State state = State::running;
  std::size_t id = 0, parent = 0;  ///< of the node; 0: none
  std::string label, name, detail, path;
  bool rehearsed = false;
  std::chrono::nanoseconds start{}, took{};
  std::vector<std::string> waits = {};  ///< reasons, each once, in order
  std::string error = {};
};

/// Thread-safe.
class Timeline final : public Observer {
 public:
  void on(const Event&) noexcept override;
  /// In order of their start.
  std::vector<Span> spans() const;
  std::chrono::system_clock::time_point began() const { return began_; }

 private:
  void open(Span, const Node*);
  Span* find(Span::Kind, std::size_t id, std::string_view name);
  void close(const Event&, Span::Kind, std::size_t id, std::string_view name, Span::State);

  const std::chrono::system_clock::time_point began_ = std::chrono::system_clock::now();
  const std::chrono::steady_clock::time_point zero_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::vector<Span> spans_;
};

}  // namespace harmony::cli
