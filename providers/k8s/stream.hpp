#pragma once
/// Bodies that are read while they arrive, in pieces cut anywhere: lines, and the items of a list. Pure.
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "k8s/object.hpp"

namespace harmony::k8s {

/// What arrives is not what was asked for. The text says what is wrong, and holds nothing of it.
class Malformed final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Cuts a stream into lines, without their ends.
class Lines {
 public:
  enum class TooLong { cut, refuse };
  explicit Lines(std::size_t longest, TooLong then) : longest_(longest), then_(then) {}
  /// @param each false: enough. @returns false where that was said. @throws Malformed
  bool feed(std::string_view, const std::function<bool(std::string_view)>& each);
  /// What stands behind the last line end.
  const std::string& rest() const { return rest_; }

 private:
  void add(std::string_view);
  std::size_t longest_;
  TooLong then_;
  std::string rest_;
};

using ItemSink = std::function<void(boost::json::value)>;

/// Takes a list apart into its items while it arrives: it is never whole in memory, as text or as JSON. Items get the
/// apiVersion and kind that a list leaves out.
class ListReader {
 public:
  ListReader(GroupVersionKind of_items, ItemSink each) : what_(std::move(of_items)), each_(std::move(each)) {}
  /// @throws Malformed, what `each` throws
  void feed(std::string_view);
  /// The list without its items. @throws Malformed where it is not whole
  boost::json::value finish() const;
  std::size_t items() const { return items_; }

 private:
  enum class Where { head, items, item, behind };
  void step(char);
  void in_head(char);
  void in_items(char);
  void end_item();
  void keep(std::string_view);

  GroupVersionKind what_;
  ItemSink each_;
  Where where_ = Where::head;
  std::string head_, item_, text_, key_;     ///< text_: the string that is being read, where a key may stand
  std::size_t depth_ = 0, items_ = 0;
  bool in_text_ = false, escaped_ = false;
};

}  // namespace harmony::k8s
