#pragma once
/// Sets of field paths, as an API server keeps them of who owns what (metadata.managedFields, fieldsV1).
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

namespace harmony::k8s {

/// A set of paths, kept as the tree that fieldsV1 is. A step is written as there: `f:image` (a field), `k:{"name":"web"}`
/// (the item of a list with these keys), `v:"x"` (the item of a set), `i:0` (by place); keys and values are canonical.
class FieldSet {
 public:
  /// Of one managedFields entry. What is no fieldsV1 has no paths: nothing is owned that cannot be read.
  static FieldSet from_fields_v1(const boost::json::value& fields);
  boost::json::value fields_v1() const;

  bool empty() const { return !member_ && children_.empty(); }
  bool operator==(const FieldSet&) const = default;

  /// The path that this node stands for is itself in the set (`.`, or nothing below it).
  bool is_member() const { return member_; }
  void insert() { member_ = true; }
  /// The tree below a step; made where it is not there.
  FieldSet& below(const std::string& step) { return children_[step]; }
  const FieldSet* find(std::string_view step) const;
  const std::map<std::string, FieldSet, std::less<>>& children() const { return children_; }

  void add(const FieldSet& other);
  FieldSet without(const FieldSet& other) const;
  bool contains_all(const FieldSet& other) const { return other.without(*this).empty(); }

  /// Every path, as the server writes it: `.spec.template.spec.containers[name="web"].image`. A field's name is not
  /// quoted there, whatever dots it has.
  std::vector<std::string> paths() const;
  /// Is this path, so written, in the set?
  bool contains(std::string_view path) const;

 private:
  bool member_ = false;
  std::map<std::string, FieldSet, std::less<>> children_;
};

/// `f:image` -> `.image`, `k:{"name":"web"}` -> `[name="web"]`, `v:"x"` -> `[="x"]`, `i:0` -> `[0]`.
std::string step_text(std::string_view step);
/// Keys sorted and without spaces, so that equal steps are equal texts. As it is where it cannot be read.
std::string canonical_step(std::string_view step);

/// One entry of metadata.managedFields.
struct Owner {
  std::string manager;  ///< as the server says it: clean it before it is shown
  bool applied = false;  ///< by an apply; else by an update, which gives nothing up
  std::string subresource = {};
  std::string version = {};  ///< the apiVersion its paths are of
  std::string time = {};
  FieldSet fields = {};
};
std::vector<Owner> owners_of(const boost::json::value& live);
/// What the applies of `manager` own of the object itself.
FieldSet applied_by(const boost::json::value& live, std::string_view manager);

/// What an apply of `desired` would own: its leaves, under the keys of its lists. Lists of custom resources are atomic,
/// unless `shown` (what our last apply owns of it) has keys there.
FieldSet fields_of(const boost::json::value& desired, const FieldSet& shown = {});

/// What names an object or is the server's own: no field that anybody owns.
bool names_object(std::string_view parent, std::string_view field);

}  // namespace harmony::k8s
