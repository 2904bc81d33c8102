#pragma once
/// A place in the record of a run: a Score, or a step of a capability. Children are in program order, so that a
/// report follows the tree and never the clock.
#include <atomic>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <variant>
#include <vector>

#include "harmony/event.hpp"
#include "harmony/outcome.hpp"

namespace harmony {

/// How a capability names what it is about to do.
struct Step {
  std::string kind;          ///< "database server"
  std::string name;          ///< "guestbook-db"
  std::string detail = {};   ///< "PostgreSQL 15 on 127.0.0.1:5433"
  Subject decides = {};      ///< whose action is the step's; empty: derived from all of them
};

class Node {
 public:
  enum class Kind { score, step };
  Node(Node* parent, Kind kind, std::string label, std::string name, std::source_location at);
  /// @throws Error H0011 where a sibling Score has the same kind and name; it names both lines.
  Node& add_score(std::string label, std::string name, std::source_location at);
  Node& add_step(Step);
  void record(Change);
  void record(Note);

  Kind kind() const { return kind_; }
  const std::string& label() const { return label_; }  ///< the Score's kind() or the step's kind
  const std::string& name() const { return name_; }
  const Node* parent() const { return parent_; }
  std::source_location at() const { return at_; }
  std::string path() const;                             ///< of Scores: "guestbook > guestbook-db"
  std::vector<Frame> trail() const;                     ///< outermost first
  int depth() const;                                    ///< 0 at the root
  bool within(const Node& ancestor) const;
  std::string detail() const;
  void set_detail(std::string);
  void set_decides(Subject);
  void set_failed();
  std::vector<const Node*> children() const;
  Outcome outcome() const;

  void attach(std::shared_ptr<Observer>);  ///< sees all events from here down, also those after its Score ended
  /// Null where there are none: asked at every event.
  std::shared_ptr<const std::vector<std::shared_ptr<Observer>>> observers() const;
  std::atomic<bool> unswept{false};  ///< an attempt failed here, or it was unknown: nothing below is pruned
  std::size_t id() const { return id_; }  ///< unique within the process

 private:
  Node* parent_;
  Kind kind_;
  std::string label_, name_, detail_;
  Subject decides_;
  bool failed_ = false;
  std::source_location at_;
  std::size_t id_;
  mutable std::mutex mutex_;
  std::vector<std::variant<Change, std::unique_ptr<Node>, Note>> items_;
  std::shared_ptr<const std::vector<std::shared_ptr<Observer>>> observers_;
  friend struct OutcomeBuilder;
};

}  // namespace harmony
