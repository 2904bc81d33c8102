#include "k8s/rest.hpp"

#include <boost/json.hpp>

#include "k8s/difference.hpp"
#include "k8s/manifest.hpp"
#include "k8s/object.hpp"
#include "k8s/place.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

std::string rest_text(const std::map<std::string, std::string>& annotations) {
  json::object text;
  for (const auto& [name, value] : annotations) text[name] = value;
  return json::serialize(text);
}

std::map<std::string, std::string> at_rest(const json::value& live) {
  std::map<std::string, std::string> annotations;
  const auto text = parse_json(annotation_of(live, rest_annotation));
  if (!text || !text->is_object()) return annotations;
  for (const auto& [name, value] : text->get_object())
    if (value.is_string()) annotations.emplace(name, value.get_string());
  return annotations;
}

json::value resting_object(const json::value& live) {
  json::object made =
      named(text_at(live, "apiVersion"), text_at(live, "kind"), std::string(text_at(live, "metadata.name")));
  json::object& metadata = made["metadata"].get_object();
  metadata["namespace"] = text_at(live, "metadata.namespace");
  metadata["uid"] = text_at(live, "metadata.uid");  // another of its name is not meant
  json::object& annotations = metadata["annotations"].emplace_object();
  for (const auto& [name, value] : at_rest(live)) annotations[name] = value;
  return made;
}

Change resting(const Scope& in, const Subject& subject, const json::value& live) {
  json::value result = live;
  json::object& annotations = result.at("metadata").at("annotations").get_object();
  for (const auto& [name, value] : at_rest(live)) annotations[name] = value;
  Change change = object_change(subject, &live, result, in.fingerprinter());
  change.holds_data = true;
  return change;
}

}  // namespace harmony::k8s
