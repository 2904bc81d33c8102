#include "harmony/node.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace harmony {

namespace {
std::size_t next_id() {
  static std::atomic<std::size_t> counter{0};
  return ++counter;
}
std::string place(const std::source_location& at) {
  return fmt::format("{}:{}:{}", at.file_name(), at.line(), at.column());
}
}  // namespace

Node::Node(Node* parent, Kind kind, std::string label, std::string name, std::source_location at)
    : parent_(parent), kind_(kind), label_(std::move(label)), name_(std::move(name)), at_(at), id_(next_id()) {}

Node& Node::add_score(std::string label, std::string name, std::source_location at) {
  std::lock_guard hold{mutex_};
  for (const auto& item : items_) {
    const auto* child = std::get_if<std::unique_ptr<Node>>(&item);
    if (!child || (*child)->kind_ != Kind::score || (*child)->label_ != label || (*child)->name_ != name) continue;
    Diagnostic twice{.code = "H0011",
                     .category = Category::usage,
                     .message = fmt::format("two children of `{}` are both `{} {}`", name_, label, name),
                     .subject = label + "/" + name,
                     .label = "the second one",
                     .facts = {{"first", place((*child)->at_)}, {"second", place(at)}},
                     .help = "give one of them another name: the name tells instances of one kind apart"};
    twice.trail = trail();
    twice.trail.push_back({label + " " + name, at});
    throw Error(std::move(twice));
  }
  auto& added = items_.emplace_back(std::make_unique<Node>(this, Kind::score, std::move(label), std::move(name), at));
  return *std::get<std::unique_ptr<Node>>(added);
}

Node& Node::add_step(Step step) {
  auto node = std::make_unique<Node>(this, Kind::step, std::move(step.kind), std::move(step.name), at_);
  node->detail_ = std::move(step.detail);
  node->decides_ = std::move(step.decides);
  std::lock_guard hold{mutex_};
  return *std::get<std::unique_ptr<Node>>(items_.emplace_back(std::move(node)));
}

void Node::record(Change change) {
  std::lock_guard hold{mutex_};
  items_.emplace_back(std::move(change));
}

void Node::record(Note note) {
  std::lock_guard hold{mutex_};
  items_.emplace_back(std::move(note));
}

std::string Node::path() const {
  if (kind_ == Kind::step) return parent_ ? parent_->path() : std::string{};
  const std::string above = parent_ ? parent_->path() : std::string{};
  return above.empty() ? name_ : above + " > " + name_;
}

std::vector<Frame> Node::trail() const {
  std::vector<Frame> frames;
  for (const Node* node = this; node; node = node->parent_)
    if (node->kind_ == Kind::score)
      frames.push_back({node->label_ == node->name_ ? node->name_ : node->label_ + " " + node->name_, node->at_});
  std::ranges::reverse(frames);
  return frames;
}

int Node::depth() const { return parent_ ? parent_->depth() + 1 : 0; }

bool Node::within(const Node& ancestor) const {
  for (const Node* node = this; node; node = node->parent_)
    if (node == &ancestor) return true;
  return false;
}

std::string Node::detail() const {
  std::lock_guard hold{mutex_};
  return detail_;
}

void Node::set_detail(std::string detail) {
  std::lock_guard hold{mutex_};
  detail_ = std::move(detail);
}

void Node::set_failed() {
  std::lock_guard hold{mutex_};
  failed_ = true;
}

void Node::set_decides(Subject decides) {
  std::lock_guard hold{mutex_};
  decides_ = std::move(decides);
}

std::vector<const Node*> Node::children() const {
  std::lock_guard hold{mutex_};
  std::vector<const Node*> all;
  for (const auto& item : items_)
    if (const auto* child = std::get_if<std::unique_ptr<Node>>(&item)) all.push_back(child->get());
  return all;
}

void Node::attach(std::shared_ptr<Observer> observer) {
  std::lock_guard hold{mutex_};
  auto all = observers_ ? *observers_ : std::vector<std::shared_ptr<Observer>>{};
  if (std::ranges::find(all, observer) != all.end()) return;
  all.push_back(std::move(observer));
  observers_ = std::make_shared<const std::vector<std::shared_ptr<Observer>>>(std::move(all));
}

std::shared_ptr<const std::vector<std::shared_ptr<Observer>>> Node::observers() const {
  std::lock_guard hold{mutex_};
  return observers_;
}

}  // namespace harmony
