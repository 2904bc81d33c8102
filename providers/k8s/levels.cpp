#include "k8s/levels.hpp"

#include <array>
#include <map>
#include <set>
#include <string>

#include <boost/json.hpp>

#include "k8s/object.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace {

enum Level { space, definition, configuration, service, workload, route, webhook };

Level level_of(const boost::json::value& object) {
  static const std::map<std::string, Level> levels{{"Namespace", space},
                                                   {"CustomResourceDefinition", definition},
                                                   {"Service", service},
                                                   {"Deployment", workload},
                                                   {"StatefulSet", workload},
                                                   {"DaemonSet", workload},
                                                   {"Job", workload},
                                                   {"CronJob", workload},
                                                   {"Pod", workload},
                                                   {"Ingress", route},
                                                   {"HTTPRoute", route},
                                                   {"Route", route},
                                                   {"ValidatingWebhookConfiguration", webhook},
                                                   {"MutatingWebhookConfiguration", webhook}};
  const auto found = levels.find(std::string(text_at(object, "kind")));
  return found == levels.end() ? configuration : found->second;
}

}  // namespace

std::vector<std::vector<const Manifest*>> levels_of(const ObjectSet& set) {
  std::vector<std::vector<const Manifest*>> all(webhook + 1);
  for (const Manifest& manifest : set) all[level_of(manifest.object)].push_back(&manifest);
  return all;
}

std::vector<std::unique_lock<std::mutex>> hold_all(const Scope& in, const std::vector<Wanted>& wanted) {
  std::set<Subject> subjects;
  for (const Wanted& one : wanted) subjects.insert(one.subject);
  std::vector<std::unique_lock<std::mutex>> held;
  for (const Subject& subject : subjects) held.push_back(in.hold(subject));
  return held;
}

}  // namespace harmony::k8s
